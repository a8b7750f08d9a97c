"""Traces of rules that learn say the same as their transitions, in slices of any size."""

import numpy as np

from telemetry.model.record_batches import to_records
from telemetry.model.records import Incident
from telemetry.rules.parse import parse_rules
from transforms.incidents.advance import advance
from transforms.incidents.change_rules import with_rules
from transforms.incidents.learned_trace import LearnedTrace, LearnedTracer
from transforms.incidents.time_slices import TimeSlice
from transforms.incidents.watched_rows import WatchedRows

MINUTE = 60_000_000
START = 1_600_002_000_000_000
RULES = parse_rules(
    """
version: 2
incidents: {update_every: 1m}
rules:
- {id: jump, metric: temp, unusual: {kind: jump, learn: 1h}}
- {id: level, metric: temp, unusual: {kind: level, learn: 1h, half_life: 1h, sensitivity: 4}, devices: [a]}
- {id: high, metric: temp, above: 30}
- {id: stuck, metric: temp, stuck: {learn: 1h}}
- {id: silent, silence: {for: 5m}}
"""
)


def readings() -> WatchedRows:
    """Return 300 readings of each of two devices, one a minute, with spikes and a gap."""
    random, number = np.random.default_rng(1), 300
    values = 20 + random.normal(0, 0.2, 2 * number)
    values[[400, 401, 500]] += 6.0
    times = START + np.repeat(np.arange(number), 2) * MINUTE
    times[450:] += 20 * MINUTE
    return WatchedRows(("temp",), ("a", "b"), np.tile(np.array([0, 1], np.int32), number), times, values[None])


def traced(rows: WatchedRows, slice_rows: int, **options: object) -> dict[tuple[str, str], list[np.ndarray]]:
    """Return times, values, scores, expected values and spreads by rule and device."""
    tracer = LearnedTracer(RULES, **options)  # type: ignore[arg-type]
    found: dict[tuple[str, str], list[LearnedTrace]] = {}
    for start in range(0, len(rows), slice_rows):
        part = rows.part(start, start + slice_rows)
        for one in tracer.trace(TimeSlice(part, int(part.event_us[-1]) + 1)):
            found.setdefault((one.rule.id, one.device), []).append(one)
    names = ("time_us", "value", "score", "expected", "spread")
    return {
        key: [np.concatenate([getattr(one, name) for one in some]) for name in names] for key, some in found.items()
    }


def test_every_series_of_a_rule_that_learns_is_traced() -> None:
    rows = readings()
    found = traced(rows, len(rows))
    assert set(found) == {("jump", "a"), ("jump", "b"), ("level", "a"), ("stuck", "a"), ("stuck", "b")}
    times, values, *_ = found["level", "a"]
    assert times.tolist() == rows.event_us[rows.device == 0].tolist()
    assert values.tolist() == rows.values[0][rows.device == 0].tolist()


def test_transitions_tell_what_is_traced() -> None:
    rows = readings()
    state, _ = with_rules(RULES)
    _, batch = advance(RULES, state, rows, int(rows.event_us[-1]) + 1)
    assert batch is not None
    told = [one for one in to_records(Incident, batch) if one.score is not None]
    assert {(one.rule_id, one.state) for one in told} >= {("jump", "opened"), ("jump", "closed"), ("level", "opened")}
    found = traced(rows, len(rows))
    for one in told:
        times, *columns = found[one.rule_id, one.device]
        (row,) = np.flatnonzero(times == one.event_time)
        said = [one.value, one.score, one.expected, one.spread]
        assert [None if column[row] != column[row] else column[row] for column in columns] == said


def test_slices_make_no_difference() -> None:
    rows = readings()
    whole, parts = traced(rows, len(rows)), traced(rows, 14)
    assert whole.keys() == parts.keys()
    for key, columns in whole.items():
        for one, other in zip(columns, parts[key], strict=True):
            np.testing.assert_array_equal(one, other)


def test_only_the_series_that_are_wanted() -> None:
    rows = readings()
    found = traced(rows, 100, wanted=[("jump", "b")])
    assert set(found) == {("jump", "b")}
    np.testing.assert_array_equal(found["jump", "b"][2], traced(rows, len(rows))["jump", "b"][2])
