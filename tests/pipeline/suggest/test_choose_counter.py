"""Rules for counters: bounds of their rate."""

import numpy as np

from pipeline.suggest.choose_counter import choose_counter, times_of_rates
from pipeline.suggest.counter_rates import CounterRates
from pipeline.suggest.round_numbers import HOUR_US, MINUTE_US
from tests.support.recordings import as_rule, as_sentence, profile_of

METER = profile_of(np.cumsum(np.random.default_rng(1).exponential(1, 2_000)))
NAN = np.nan


def rates(*slow: float, over_us: int = 20 * MINUTE_US) -> list[CounterRates]:
    return [CounterRates(over_us * 4**n, one / HOUR_US, 60 / HOUR_US, 90 / HOUR_US) for n, one in enumerate(slow)]


def test_times_follow_the_interval():
    assert times_of_rates(METER) == (20 * MINUTE_US, 2 * HOUR_US, 6 * HOUR_US)
    assert times_of_rates(profile_of(np.arange(2_000.0), 5))[0] == 5 * MINUTE_US


def test_it_stops_or_jumps():
    stopped, jumping = choose_counter(METER, rates(30))
    assert [form.fields for form in as_rule(stopped).forms] == [
        ("rate: {below: 15, per: 1h, over: 20m}",),
        ("rate: {below: 6, per: 1h, over: 20m}",),
        ("rate: {below: 1.5, per: 1h, over: 20m}",),
    ]
    assert [form.fields[0] for form in as_rule(jumping).forms] == [
        f"rate: {{above: {bound}, per: 1h, over: 20m}}" for bound in (180, 360, 720)
    ]
    assert as_rule(stopped).evidence == ("It grows by 60 in 1h (median over 20m), 0.1 % are below 30, 0.1 % above 90.",)


def test_one_that_pauses_is_looked_at_over_a_longer_time():
    stopped, _ = choose_counter(METER, rates(0, 12, 20))
    assert as_rule(stopped).forms[0].fields == ("rate: {below: 6, per: 1h, over: 80m}",)


def test_one_that_stands_still_for_long_has_no_rule_for_it():
    sentence, jumping = choose_counter(METER, rates(0, 0, 0))
    assert as_sentence(sentence).startswith("m-stopped left out: in this recording it stands still for 320m and more")
    assert as_rule(jumping).id == "m-jumping"


def test_rates_over_long_times_are_by_day():
    stopped, _ = choose_counter(METER, rates(10, over_us=12 * HOUR_US))
    assert as_rule(stopped).forms[0].fields == ("rate: {below: 120, per: 1d, over: 12h}",)


def test_no_rate_at_all():
    (sentence,) = choose_counter(METER, [CounterRates(MINUTE_US, NAN, NAN, NAN)])
    assert as_sentence(sentence).startswith("m-stopped left out")
