"""Rules that learn: their parameters fit the metric, its pace and the length of the recording."""

import numpy as np
import pytest

from pipeline.suggest.choose_learned import (
    choose_drift,
    choose_jump,
    choose_learned,
    choose_level,
    choose_novel,
    choose_stuck,
)
from tests.support.recordings import as_rule, as_sentence, noise, profile_of, wave

DAY = 1_440
STEADY = noise(7 * DAY)


def forms_of(chosen: object) -> list[str]:
    return [form.fields[0] for form in as_rule(chosen).forms]


def test_jump():
    assert forms_of(choose_jump(profile_of(STEADY, 20))) == [
        f"unusual: {{kind: jump, sensitivity: {number}}}" for number in (8, 12, 16, 24, 32)
    ]


def test_jump_is_less_sensitive_for_a_noisy_metric():
    bursts = STEADY + np.where(np.arange(len(STEADY)) % 97 < 3, noise(len(STEADY), 2, 8.0, 0), 0)
    candidate = choose_jump(profile_of(bursts, 20))
    assert forms_of(candidate)[0] == "unusual: {kind: jump, sensitivity: 12}"
    assert "so it is noisy" in as_rule(candidate).evidence[0]


def test_half_lives_follow_the_interval():
    slow = profile_of(noise(5_000), 600)
    assert forms_of(choose_jump(slow))[0] == "unusual: {kind: jump, sensitivity: 8, half_life: 3d, learn: 1d}"
    assert forms_of(choose_level(slow))[0] == "unusual: {kind: level, sensitivity: 6}"
    hourly = profile_of(noise(500), 3_600)
    assert forms_of(choose_level(hourly))[0] == "unusual: {kind: level, sensitivity: 6, half_life: 5d, learn: 5d}"
    assert forms_of(choose_drift(slow))[0] == "unusual: {kind: drift, sensitivity: 8, half_life: 2d, learn: 4d}"
    fast = profile_of(noise(40_000), 20)
    assert forms_of(choose_drift(fast))[0] == "unusual: {kind: drift, sensitivity: 8}"


@pytest.mark.parametrize(
    ("values", "condition", "evidence"),
    [
        (wave(7 * 288, 300), "{kind: level, sensitivity: 6, season: hour, learn: 3d}", "explains 99"),
        (wave(5 * 288, 300), "{kind: level, sensitivity: 6, season: hour}", "explains 99"),
        (wave(3 * 288, 300), "{kind: level, sensitivity: 6}", "after four days only"),
        (noise(7 * 288), "{kind: level, sensitivity: 6}", "explains 0 %"),
    ],
)
def test_level_knows_the_hour_if_it_matters(values, condition, evidence):
    candidate = choose_level(profile_of(values, 300))
    assert forms_of(candidate)[0] == f"unusual: {condition}"
    assert evidence in as_rule(candidate).evidence[0]


@pytest.mark.parametrize(
    ("every_s", "expected"),
    [
        (1, "window: 1m"),
        (6, "window: 1m"),
        (10, "window: 2m"),
        (45, "window: 5m"),
        (60, ""),
        (300, ""),
    ],
)
def test_novel_is_of_readings_that_are_minutes_apart_and_of_means_of_others(every_s, expected):
    candidate = choose_novel(profile_of(noise(int(3 * 86_400 / every_s)), every_s))
    fields = ", ".join(filter(None, ["kind: novel", "sensitivity: 4", expected]))
    assert forms_of(candidate)[0] == f"unusual: {{{fields}}}"


def test_novel_learns_longer_where_it_can():
    assert forms_of(choose_novel(profile_of(STEADY)))[0] == "unusual: {kind: novel, sensitivity: 4, learn: 2d}"


def test_stuck_is_for_a_metric_that_moves():
    still = STEADY.copy()
    still[2_000:2_040] = 7.25
    assert forms_of(choose_stuck(profile_of(still))) == ["stuck: learned", "stuck: {for: 2h}"]
    assert forms_of(choose_stuck(profile_of(STEADY[: DAY + 1]))) == ["stuck: {learn: 6h}", "stuck: {for: 10m}"]
    assert as_sentence(choose_stuck(profile_of(np.round(STEADY)))).startswith("m-stuck left out: ")


def test_the_time_that_rules_learn_is_no_device_day():
    assert as_rule(choose_level(profile_of(STEADY))).device_days == pytest.approx(6, abs=0.01)
    assert as_rule(choose_jump(profile_of(STEADY, 20, ("a", "b")))).device_days == pytest.approx(
        2 * (7 / 3 - 1 / 24), abs=0.01
    )


def test_all_rules_of_a_metric():
    assert [as_rule(one).id for one in choose_learned(profile_of(STEADY))] == [
        "m-jump", "m-level", "m-drift", "m-novel", "m-stuck",
    ]  # fmt: skip


def test_a_short_recording_has_none():
    (sentence,) = choose_learned(profile_of(STEADY[:200]))
    assert sentence == (
        "jump, level, drift, novel, stuck left out: 3h 19m a device are too short to learn from a part and to try it "
        "on the rest."
    )
