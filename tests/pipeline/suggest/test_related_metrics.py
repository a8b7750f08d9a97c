"""Metrics that follow others, and those that are judged together."""

import numpy as np

from pipeline.suggest.profile import MeasuredRecording
from pipeline.suggest.related_metrics import choose_together, leaders_of
from tests.support.recordings import Values, as_rule, as_sentence, measured, noise, recording, wave

COUNT = 4_000
BASE = wave(COUNT, 60)


def of(**metrics: Values) -> MeasuredRecording:
    return measured(recording(metrics, 60, ("a", "b")))


def test_a_metric_that_is_a_function_of_another_follows_it():
    leaders = leaders_of(of(a=BASE, b=-3 * BASE, c=BASE**3, d=noise(COUNT, 5)))
    assert {name: (leader, round(alike, 2)) for name, (leader, alike) in leaders.items()} == {
        "b": ("a", -1.0),
        "c": ("a", 0.99),
    }


def test_two_waves_of_a_day_are_not_the_same():
    both = of(a=BASE, b=wave(COUNT, 60, seed=7))
    assert both.alike[0, 1] > 0.98
    assert leaders_of(both) == {}


def test_correlated_metrics_are_together():
    found = list(choose_together(of(a=BASE, x=noise(COUNT, 3), b=BASE + noise(COUNT, 4, 1.0), y=noise(COUNT, 5))))
    assert [as_rule(one).id for one in found] == ["together"]
    assert as_rule(found[0]).forms[0].fields == (
        "unusual:", "  kind: together", "  metrics: [a, b]", "  sensitivity: 4",
    )  # fmt: skip
    assert as_rule(found[0]).evidence[0].startswith("Correlations of a, b within a device: up to 0.9")


def test_groups_are_connected():
    other = noise(COUNT, 3, 3.0)
    found = list(choose_together(of(a=BASE, b=BASE + other, c=other, d=noise(COUNT, 8), e=noise(COUNT, 8) + 1)))
    assert [(one.id, one.forms[0].fields[2]) for one in map(as_rule, found)] == [
        ("together", "  metrics: [a, b, c]"),
        ("together-2", "  metrics: [d, e]"),
    ]


def test_nothing_is_together_without_correlation():
    assert list(choose_together(of(a=BASE, b=noise(COUNT, 3), c=np.ones(COUNT)))) == []


def test_a_short_recording_says_so():
    (sentence,) = choose_together(measured(recording({"a": BASE[:150], "b": BASE[:150]})))
    assert as_sentence(sentence).startswith("together left out: the recording is too short")
