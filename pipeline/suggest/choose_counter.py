"""Choose rules for a counter: it stops, or it grows too fast."""

from collections.abc import Iterator, Sequence
from typing import Final

from pipeline.suggest.candidate import RuleCandidate, RuleForm, rule_id
from pipeline.suggest.counter_rates import CounterRates
from pipeline.suggest.profile import MetricProfile
from pipeline.suggest.round_numbers import DAY_US, HOUR_US, MINUTE_US, longer_duration, round_digits, shown
from telemetry.text.durations import format_duration

_SLOWER: Final = (2, 5, 20)
_FASTER: Final = (2, 4, 8)
_READINGS: Final = 20
_LONGER: Final = (1, 4, 16)


def times_of_rates(metric: MetricProfile) -> tuple[int, ...]:
    """Return the times over which the rate of a counter is measured, microseconds, shortest first."""
    least_us = max(5 * MINUTE_US, _READINGS * metric.interval_us)
    return tuple(longer_duration(times * least_us) for times in _LONGER)


def choose_counter(metric: MetricProfile, rates: Sequence[CounterRates]) -> Iterator[RuleCandidate | str]:
    """Yield the rules that fit a counter, and sentences about those that do not.

    Args:
        metric: the counter.
        rates: over several times, shortest first.
    """
    grows = next((one for one in rates if one.slow > 0), None)
    stopped, jumping = rule_id(metric.name, "stopped"), rule_id(metric.name, "jumping")
    if grows is None:
        over = format_duration(rates[-1].over_us)
        yield f"{stopped} left out: in this recording it stands still for {over} and more, or is too short to tell."
    else:
        unit_us, per = _unit(grows.over_us)
        bounds = [(round_digits(grows.slow * unit_us / part, up=False), f"1/{part} of the rate") for part in _SLOWER]
        yield _rule(metric, stopped, grows, [("below", bound, name) for bound, name in bounds], per)
    fast = rates[0]
    if fast.fast > 0:
        unit_us, per = _unit(fast.over_us)
        bounds = [(round_digits(fast.fast * unit_us * times, up=True), f"{times} times the rate") for times in _FASTER]
        yield _rule(metric, jumping, fast, [("above", bound, name) for bound, name in bounds], per)


def _rule(
    metric: MetricProfile, name: str, rates: CounterRates, bounds: Sequence[tuple[str, str, str]], per: str
) -> RuleCandidate:
    over = format_duration(rates.over_us)
    unit_us, _ = _unit(rates.over_us)
    slow, median, fast = (shown(rate * unit_us) for rate in (rates.slow, rates.median, rates.fast))
    evidence = f"It grows by {median} in {per} (median over {over}), 0.1 % are below {slow}, 0.1 % above {fast}."
    forms = tuple(
        RuleForm(said, (f"rate: {{{side}: {bound}, per: {per}, over: {over}}}",)) for side, bound, said in bounds
    )
    return RuleCandidate(name, metric.name, (evidence,), forms, metric.device_days(), lasts=bounds[0][0] == "below")


def _unit(over_us: int) -> tuple[int, str]:
    return (HOUR_US, "1h") if over_us <= 6 * HOUR_US else (DAY_US, "1d")
