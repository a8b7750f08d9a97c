"""Rows of the timeline: by rule in the order of the file, then device."""

import pytest

from plotting.backtest import timeline_rows
from plotting.backtest.timeline_rows import timeline_of
from tests.support.backtests import HOT, fault, report_of
from tests.support.incidents import at, temps

TWO = "{version: 2, rules: [{id: z, metric: temp, above: 32, severity: critical}, {id: hot, metric: temp, above: 30}]}"
SAMPLES = [*temps(33, 20, 31, device="b"), *temps(31, 20, 20, device="a"), *temps(20, device="c")]


def test_rows_of_both_rules_with_the_faults_of_their_devices():
    report = report_of(SAMPLES, HOT, TWO, [fault(0, 5), fault(10, 99, device="c")])
    rows = timeline_of(report).rows
    assert [(one.rule_id, one.device, one.severity) for one in rows] == [
        ("hot", "a", "warning"),
        ("hot", "b", "warning"),
        ("z", "b", "critical"),
        ("", "c", ""),
    ]
    assert [one.incidents for one in rows] == [((at(0), at(10)),), ((at(0), at(10)), (at(20), at(20))), (), ()]
    assert [one.against for one in rows] == [rows[0].incidents, rows[1].incidents, ((at(0), at(10)),), ()]
    assert [one.faults for one in rows] == [((at(0), at(5)),), (), (), ((at(10), at(20)),)]


def test_a_picture_holds_a_bounded_number_of_rows(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(timeline_rows, "MOST_ROWS", 1)
    timeline = timeline_of(report_of(SAMPLES))
    assert ([row.device for row in timeline.rows], timeline.left_out) == (["a"], 1)
