"""The rules files that recordings suggest: each kind of metric, the budget, and what a backtest says of them."""

import functools
import re

import numpy as np
import pytest

from pipeline.backtest.run_backtest import run_backtest
from pipeline.suggest.candidate import CandidateGroup, RuleCandidate
from pipeline.suggest.suggest import with_own_ids
from telemetry.errors import NothingUsableError
from telemetry.rules.parse import parse_rules
from telemetry.rules.rule_set import RuleSet
from telemetry.rules.timeline import RulesTimeline
from telemetry.rules.unusual import Unusual
from tests.support.recordings import Values, noise, ordered, recording, suggested, wave
from transforms.incidents.watched_rows import WatchedRows

DAYS = 6
COUNT = DAYS * 288
RANDOM = np.random.default_rng(4)
TRUE = RANDOM.integers(0, 2, COUNT).astype(float)


def rules_of(text: str) -> RuleSet:
    return parse_rules(text)


def ids_of(text: str) -> list[str]:
    return [rule.id for rule in rules_of(text).rules]


def five_minutes(**metrics: Values) -> WatchedRows:
    return recording(metrics, 300, ("a", "b"))


def expected_of(text: str) -> dict[str, int]:
    """Return the numbers of incidents that the comments of a file promise."""
    found = re.findall(r"# expected: \S+ incidents a day and device \(([\d,]+) in.*?- id: (\S+)", text, re.DOTALL)
    return {name: int(number.replace(",", "")) for number, name in found}


def backtested(text: str, *parts: WatchedRows) -> dict[str, int]:
    with ordered(*parts) as order:
        timeline = RulesTimeline.always(rules_of(text))
        report = run_backtest(order, [("", timeline)], sources=(), rejected={})
    return {one.rule_id: one.incidents for one in report.judged.figures}


def test_steady_noise_has_every_kind_of_rule():
    text = suggested(five_minutes(m=noise(COUNT)))
    assert ids_of(text) == ["silent", "m-range", "m-jump", "m-level", "m-drift", "m-novel", "m-stuck"]
    assert "silence: {intervals: 10}" in text


def test_a_wave_of_a_day_has_a_level_that_knows_the_hour():
    rules = {rule.id: rule for rule in rules_of(suggested(five_minutes(m=wave(COUNT, 300)))).rules}
    level = rules["m-level"].condition
    assert isinstance(level, Unusual)
    assert level.season == "hour"


def test_a_counter_has_rates():
    text = suggested(five_minutes(m=np.cumsum(RANDOM.exponential(1, COUNT) + 1)))
    assert ids_of(text) == ["silent", "m-stopped", "m-jumping"]
    assert "# A counter: it only grows" in text


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (np.full(COUNT, 4.0), "No rules: no device ever changed it."),
        (TRUE, "No rules: every value is 0 or 1."),
        (np.full(COUNT, np.nan), "m: No rules: it is missing in every reading."),
        (np.where(np.arange(COUNT) % 250, 4.0, 9.0), "No rules: nearly all values are the same"),
        (np.where(np.arange(COUNT) < 40, noise(COUNT), np.nan), "No rules: it has fewer than 100 values."),
    ],
)
def test_other_metrics_have_a_comment(values, said):
    text = suggested(five_minutes(m=values, n=noise(COUNT)))
    assert "m" not in rules_of(text).metrics
    assert said in " ".join(text.split())


def test_a_quantised_metric_has_no_rule_about_standing_still():
    text = suggested(five_minutes(m=np.round(wave(COUNT, 300, 3.0, 2) / 2)))
    assert {"m-range", "m-jump"} <= set(ids_of(text))
    assert "m-stuck left out" in text


def test_bursts_make_a_rule_less_sensitive_or_leave_it_out():
    bursts = noise(COUNT)
    rows = np.arange(COUNT)
    bursts += np.where((rows % 100 < 2) & (rows > 300), noise(COUNT, 2, 4.0, 0), 0)
    text = suggested(five_minutes(m=bursts))
    assert re.search(r"More sensitive forms opened too many|m-jump left out: even with", text)
    assert "m-jump" not in ids_of(text) or "sensitivity: 8}" not in text


def test_metrics_of_a_device_together_and_one_that_follows():
    base = wave(COUNT, 300)
    text = suggested(five_minutes(a=base, b=2 * base + 1, c=base + noise(COUNT, 5, 2.0, 0)))
    assert rules_of(text).rules[-1].metrics == ("a", "b", "c")
    assert "b: 3,456 values of 2 devices" in text
    assert "No rules of its own: it follows a (correlation 1.00)" in text
    assert not [name for name in ids_of(text) if name.startswith("b-")]


def faulty() -> tuple[WatchedRows, WatchedRows]:
    """Readings with spikes, a gap, a level that moves, and a device that stops."""
    values = wave(COUNT, 300)
    values[np.arange(600, COUNT, 150)] += 40
    values[1_200:1_260] += 4
    return (
        recording({"m": values, "n": noise(COUNT, 3)}, 300, ("a", "b"), gaps=range(700, 760)),
        recording({"m": values[:900], "n": noise(900, 8)}, 300, ("c",)),
    )


@functools.cache
def of_faulty(per_day: float = 0.5) -> str:
    return suggested(*faulty(), per_day=per_day)


@pytest.mark.parametrize("per_day", [0.5, 20])
def test_expected_incidents_are_those_of_a_separate_backtest(per_day):
    text = of_faulty(per_day)
    found = backtested(text, *faulty())
    assert expected_of(text) == found
    assert list(found) == ids_of(text)


def test_expected_incidents_beside_a_silence_in_time():
    """The value is another one after the longest gap: no jump, as the rule about silence bounds what is compared."""
    gaps = [row for row in range(COUNT) if row % 20 in range(5, 12) or 900 < row < 960]
    values = noise(COUNT) + np.where(np.arange(COUNT) < 930, 0, 40)
    parts = [recording({"m": values}, 300, ("a",), gaps)]
    text = suggested(*parts)
    assert "silence: {for: 2h}" in text
    assert expected_of(text) == backtested(text, *parts)
    assert expected_of(text)["m-jump"] == 0


def test_a_device_that_stops_for_good_is_silent():
    text = suggested(recording({"m": noise(COUNT)}, 300, ("a",)), recording({"m": noise(900)}, 300, ("b",)))
    assert "(1 in 9.1 device-days), open 32 % of the time\n  - id: silent\n    silence: {intervals: 10}" in text


def test_a_larger_budget_keeps_rules_that_are_as_sensitive_or_more():
    little, much = of_faulty(), of_faulty(20)
    assert set(ids_of(little)) <= set(ids_of(much))
    assert all(number <= expected_of(much)[name] for name, number in expected_of(little).items())


def test_what_no_less_sensitive_form_would_miss_is_kept_above_the_budget():
    text = of_faulty()
    said = " ".join(text.replace("#", "").split())
    assert "Kept above the budget, as no less sensitive form would miss what they find: m-jump, m-level." in said
    assert "Above the budget, and so are its less sensitive forms: sensitivity 32 still opens" in said
    assert {"m-jump", "m-level"} <= set(ids_of(text))
    assert expected_of(text)["m-jump"] > 0.5 * 12.1


def test_incidents_that_are_hardly_noise_are_left_out_as_comments_that_can_be_used():
    """Half of the faults are so small that the least sensitive form misses them."""
    values = noise(COUNT)
    values[100::60] += np.where(np.arange(len(values[100::60])) % 10 < 6, 90.0, 6.0)
    text = suggested(recording({"m": values}, 300, ("a",)))
    lines = text.splitlines()
    assert "Left out, although what they find is hardly noise" in " ".join(text.replace("#", "").split())
    start = lines.index("  # - id: m-jump")
    kept = "\n".join([*lines[:start], *(line.replace("# ", "", 1) for line in lines[start : start + 3])])
    assert "m-jump" in ids_of(kept)


def test_the_same_readings_make_the_same_file():
    """In any order, and from the disk as from memory."""
    assert of_faulty(20) == suggested(*faulty()[::-1], per_day=20, run_rows=1_000)


def test_the_head():
    text = suggested(recording({"m": noise(COUNT)}, 300, ("a", "b")))
    lines = text.splitlines()
    assert lines[:3] == [
        "# First rules, suggested by telemetry suggest t.csv",
        "# 3,456 readings of 2 devices, 2020-09-13T13:00:00Z to 2020-09-19T12:55:00Z (5d 23h, 12.0 device-days); a",
        "#   device sends every 5m.",
    ]
    assert [line for line in lines if line.startswith("#   telemetry")] == [
        "#   telemetry rules check rules.yaml",
        "#   telemetry backtest --input t.csv --rules rules.yaml",
        "#   telemetry run … --rules rules.yaml",
    ]


def test_a_short_recording_has_rules_that_learn_less_and_say_so():
    text = suggested(recording({"m": noise(720)}, 60))
    assert "kind: level, sensitivity: 6, learn: 2h" in text
    assert "# It learns for 2h, as a device was recorded for 11h 59m; better: `learn: 1d`." in text


def test_a_very_short_recording_has_no_rule_that_learns():
    text = suggested(recording({"m": noise(120)}, 10))
    assert ids_of(text) == ["silent", "m-range"]
    assert "jump, level, drift, novel, stuck left out: 19m 50s a device are too short" in text


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        (np.ones(5), "no rule fits 5 readings of 1 device: they are too few, or nothing in them can be judged"),
        (np.full(500, np.nan), "no reading has a value of m; --metrics names the metrics of your readings"),
    ],
)
def test_nothing_to_suggest(values, problem):
    with pytest.raises(NothingUsableError, match=re.escape(problem)):
        suggested(recording({"m": values}))


def test_names_of_metrics_are_read_as_they_are():
    names = ("on", "a/b", "a:b", "1e5", "温度", "#", "'")
    text = suggested(recording({name: noise(120, seed) for seed, name in enumerate(names)}, 10))
    rules = rules_of(text)
    assert {rule.metric for rule in rules.rules if rule.metric} == set(names)


def test_ids_are_numbered():
    candidates = [RuleCandidate(name, "m", (), (), 1.0) for name in ("a", "a", "b", "a")]
    groups = with_own_ids([CandidateGroup("m", (), (one,)) for one in candidates])
    assert [group.candidates[0].id for group in groups] == ["a", "a-2", "b", "a-3"]
