"""Say in a sentence with numbers why a reading is unusual."""

from typing import Final

from telemetry.model.metric_info import NOT_DESCRIBED, MetricCatalog
from telemetry.rules.unusual import LearnedStuck, Unusual
from telemetry.text.durations import format_duration

_NEARBY: Final = 1.4999
"""From a value to the centre of the bin beside its own, in bins: whatever is further away is not nearby."""
_DIGITS: Final = 4
_WRITTEN_OUT: Final = 1e15
"""Numbers from here on are written with an exponent."""


def reason(
    condition: Unusual | LearnedStuck,
    metric: str,
    value: float | None,
    score: float | None,
    expected: float | None,
    spread: float | None,
    catalog: MetricCatalog = NOT_DESCRIBED,
) -> str | None:
    """Return the sentence about a reading, or about the mean of some; None where it has no score.

    Args:
        condition: that learned.
        metric: of the value; "" for several together.
        value: what was judged.
        score: how unusual it is.
        expected: the usual value; None where there is none.
        spread: the standard deviation of usual values; None where there is none.
        catalog: units of the metrics.
    """
    if score is None:
        return None
    measured = _measured(value, catalog.unit_of_values(metric))
    if isinstance(condition, LearnedStuck):
        return f"{measured} again and again: {_times(score)} the longest run that is usual"
    if condition.kind == "together":
        named = f"{', '.join(condition.metrics[:-1])} and {condition.metrics[-1]}"
        return f"{named} are together {_times(score)} as far from their usual values as they usually are"
    if condition.kind == "novel":
        return _novel(condition, measured, value, score, expected, spread)
    if value is None or expected is None or spread is None:
        return None
    digits = _decimals(spread)
    known = _fixed(expected, digits)
    if condition.kind == "jump":
        change = f"a usual change is {_short(spread)}"
        return f"{measured}; {known} at the reading before; {_times(score)} the usual change ({change})"
    if condition.kind == "level":
        usual = f"expected {known} ± {_short(spread)}{' at this hour' if condition.season else ''}"
        return f"{measured}; {usual}; {_times(score)} the usual spread"
    minutes = f"{measured} in the last minutes"
    return f"{minutes}; {known} ± {_short(spread)} in the last hours; {_times(score)} as far from it as usual"


def _novel(
    condition: Unusual, measured: str, value: float | None, score: float, expected: float | None, spread: float | None
) -> str:
    if expected is None or spread is None or value is None:
        times = f"{_times(score / condition.sensitivity)} as rare as it takes"
        return f"a mean of {format_duration(condition.span_us)} near {measured}: rarer than any before, {times}"
    if abs(value - expected) >= _NEARBY * spread:
        return f"{measured}; nothing like it before; the nearest known value is {_fixed(expected, _decimals(spread))}"
    return f"{measured}; one in {10**score:,.0f} values is like it"


def _measured(value: float | None, unit: str) -> str:
    return "no value" if value is None else f"{_short(value)} {unit}".rstrip()


def _short(value: float) -> str:
    return f"{value:.{_DIGITS}g}" if abs(value) < 10**_DIGITS else _fixed(value, 0)


def _fixed(value: float, decimals: int) -> str:
    return f"{value:.{decimals}f}" if abs(value) < _WRITTEN_OUT else f"{value:.{_DIGITS}g}"


def _times(factor: float) -> str:
    return f"{_fixed(factor, 0 if factor >= 10 else 1)} times"


def _decimals(spread: float) -> int:
    """Return how many decimals a value needs beside its spread: one more than the spread begins with."""
    decimals = 0
    while decimals < _DIGITS and 0 < spread < 10**-decimals:
        decimals += 1
    return max(decimals, 1)
