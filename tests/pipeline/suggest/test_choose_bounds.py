"""Bounds: beyond nearly all values, round, and only where the recording bounds itself."""

import numpy as np
import pytest

from pipeline.suggest.choose_bounds import choose_bounds
from tests.support.recordings import Values, as_rule, as_sentence, measured, noise, profile_of, recording

VALUES = noise(3_000, scale=1.0)


def first_fields(values: Values, every_s: float = 60) -> tuple[str, ...]:
    return as_rule(choose_bounds(profile_of(values, every_s))).forms[0].fields


def test_bounds_lie_beyond_the_usual_values():
    assert first_fields(VALUES) == ("outside: [15.5, 25]", "keep: 5m")


def test_single_wrong_values_do_not_move_them():
    wrong = VALUES.copy()
    wrong[[500, 2_500]] = -40, 900
    assert first_fields(wrong) == ("outside: [15, 25]", "keep: 5m")


def test_bursts_do_not_move_them_far():
    bursts = VALUES.copy()
    bursts[::200] = 900
    assert first_fields(bursts) == ("outside: [14, 31]", "keep: 5m")
    assert first_fields(40 - bursts) == ("outside: [9, 26]", "keep: 5m")


def test_less_sensitive_forms_last_longer_and_then_lie_further():
    forms = as_rule(choose_bounds(profile_of(VALUES, 100))).forms
    assert [form.name for form in forms] == ["no `for`", "for: 5m", "2 times the margin", "4 times the margin"]
    assert forms[1].fields == ("outside: [15.5, 25]", "for: 5m", "keep: 5m")
    assert forms[3].fields == ("outside: [11, 30]", "for: 5m", "keep: 5m")


def test_no_bound_beyond_what_can_be():
    assert first_fields(np.abs(VALUES - 20)) == ("outside: [0, 4]", "keep: 5m")
    humidity = np.minimum(VALUES + 78, 100)
    (profile,) = measured(recording({"humidity": humidity})).metrics
    assert as_rule(choose_bounds(profile, "%")).forms[0].fields[0] == "outside: [93.5, 100]"
    assert as_rule(choose_bounds(profile, "°C")).forms[0].fields[0] == "outside: [93.5, 101.5]"
    assert first_fields(humidity)[0] == "outside: [93.5, 101.5]"


def test_whole_numbers_have_whole_bounds():
    assert first_fields(np.random.default_rng(1).integers(3, 6, 3_000).astype(float))[0] == "outside: [2, 6]"


def test_every_device_lies_within_them():
    parts = [recording({"m": noise(3_000 if mean else 300, mean=mean)}, 60, (f"d{mean}",)) for mean in (0, 20, 40)]
    low, high = map(float, as_rule(choose_bounds(measured(*parts).metrics[0])).forms[0].fields[0][10:-1].split(","))
    assert low < -10
    assert high > 50


def test_a_device_that_was_hardly_seen_lets_no_wrong_value_in():
    wrong = VALUES.copy()
    wrong[500] = -40
    parts = [recording({"m": wrong}), recording({"m": np.full(9, 900.0)}, 60, ("b",))]
    assert as_rule(choose_bounds(measured(*parts).metrics[0])).forms[0].fields[0] == "outside: [14, 31]"
    parts[1] = recording({"m": np.full(99, 30.0)}, 60, ("b",))
    assert as_rule(choose_bounds(measured(*parts).metrics[0])).forms[0].fields[0] == "outside: [13, 34]"


def test_evidence():
    (evidence,) = as_rule(choose_bounds(profile_of(VALUES))).evidence
    assert evidence.startswith("Values: 0.1 % below 17.09, median 20,")
    assert evidence.endswith("The bounds describe the recording, not what is safe.")


@pytest.mark.parametrize("slope", [0.01, -0.01])
def test_none_for_what_wanders(slope):
    assert as_sentence(choose_bounds(profile_of(VALUES + slope * np.arange(3_000)))).startswith(
        "m-range left out: bounds from the first half of the recording would not hold in the second, where "
    )
