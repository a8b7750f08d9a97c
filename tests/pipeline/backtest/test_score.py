"""Scores of incidents against known faults; the bounds of time are inclusive."""

import pytest

from pipeline.backtest.labels import Labels
from pipeline.backtest.score import BenignScore, KindScore, score_incidents
from tests.support.backtests import fault, incident
from tests.support.incidents import SECOND


@pytest.mark.parametrize(
    ("told", "found", "true", "false"),
    [(99, 0, 0, 1), (100, 1, 1, 0), (230, 1, 1, 0), (231, 0, 0, 0), (320, 0, 0, 0), (321, 0, 0, 1)],
)
def test_an_opening_counts_until_30_s_after_the_fault_and_is_false_from_120_s(told, found, true, false):
    total = score_incidents(["hot"], [incident(told, None)], Labels((fault(100, 200),))).total
    assert (total.kinds[-1].found, total.true, total.false, total.late) == (found, true, false, 1 - true - false)


def test_the_time_of_telling_counts_and_not_the_first_breaching_reading():
    silence = incident(95, 300, rule="silent", told=[125])
    score = score_incidents(["silent"], [silence], Labels((fault(100, 200, kind="silence"),)))
    assert score.total.kinds[0] == KindScore("silence", 1, 1, 25 * SECOND)


def test_one_opening_of_an_incident_that_opens_again_is_enough():
    again = incident(100, 300, told=[100, 1000])
    score = score_incidents(["hot"], [again], Labels((fault(950, 1100),))).total
    assert (score.true, score.false, score.kinds[0].median_us) == (1, 0, 50 * SECOND)


def test_another_device_does_not_count_and_the_whole_source_does():
    faults = Labels((fault(100, 200), fault(110, 200, device="b")))
    assert score_incidents(["hot"], [incident(105, None, device="c")], faults).total.false == 1
    whole = score_incidents(["hot"], [incident(120, None, device="")], faults).total
    assert (whole.true, whole.kinds[-1]) == (1, KindScore("", 2, 2, 15 * SECOND))


def test_scores_by_kind_and_by_rule():
    faults = (fault(0, 10), fault(1000, 1010), fault(2000, 2010, kind="drift"), fault(3000, 3010, kind="stuck"))
    hot = [incident(2, None), incident(1004, None), incident(5000, None)]
    cold = [incident(1001, None, rule="cold"), incident(2007, None, rule="cold")]
    score = score_incidents(["hot", "cold", "none"], [*hot, *cold], Labels(faults))
    assert [one.rule_id for one in score.rules] == ["hot", "cold", "none"]
    assert [(one.incidents, one.true, one.false, one.precision) for one in (*score.rules, score.total)] == [
        (3, 2, 1, pytest.approx(2 / 3)),
        (2, 2, 0, 1.0),
        (0, 0, 0, None),
        (5, 4, 1, pytest.approx(0.8)),
    ]
    assert score.total.kinds == (
        KindScore("drift", 1, 1, 7 * SECOND),
        KindScore("spike", 2, 2, 1.5 * SECOND),
        KindScore("stuck", 1, 0, None),
        KindScore("", 4, 3, 2 * SECOND),
    )
    assert score.rules[0].kinds[0] == KindScore("drift", 1, 0, None)
    assert [one.recall for one in score.rules[0].kinds] == [0.0, 1.0, 0.0, 0.5]


def test_nothing_known_is_nothing_found():
    total = score_incidents(["hot"], [incident(0, 1)], Labels()).total
    assert total.kinds == (KindScore("", 0, 0, None),)
    assert (total.kinds[0].recall, total.false, total.precision) == (None, 1, 0.0)


@pytest.mark.parametrize(
    ("told", "alarmed"), [(999, 0), (1000, 1), (2030, 1), (2031, 0)], ids=["before", "start", "just after", "after"]
)
def test_a_false_incident_alarms_a_benign_event_until_30_s_after_it(told, alarmed):
    labels = Labels(benign=(fault(1000, 2000, kind="front"),))
    total = score_incidents(["hot"], [incident(told, None)], labels).total
    assert (total.false, total.precision, total.benign) == (1, 0.0, (BenignScore("front", 1, alarmed),))


def test_an_incident_of_a_fault_is_no_alarm_in_a_benign_event_at_the_same_time():
    labels = Labels((fault(1000, 1100),), (fault(900, 2000, kind="front"),))
    total = score_incidents(["hot"], [incident(1010, None)], labels).total
    assert (total.true, total.false, total.benign) == (1, 0, (BenignScore("front", 1, 0),))


def test_benign_events_by_kind_and_by_rule():
    benign = (
        fault(0, 100, kind="front"),
        fault(0, 100, kind="front", device="b"),
        fault(500, 510, kind="clock"),
        fault(600, 700, kind="missing", device="b"),
    )
    incidents = [incident(50, None), incident(60, None), incident(505, None, rule="cold", device="")]
    score = score_incidents(["hot", "cold"], incidents, Labels(benign=benign))
    assert [[one.alarmed for one in rule.benign] for rule in (*score.rules, score.total)] == [
        [0, 1, 0],
        [1, 0, 0],
        [1, 1, 0],
    ]
    assert [(one.kind, one.events) for one in score.total.benign] == [("clock", 1), ("front", 2), ("missing", 1)]
