import base64
import json
import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.model.message_batch import MessageBatch
from telemetry.model.messages import CONTENT_ENCODING, ROWS, TIME_SHIFT, Message
from telemetry.model.reading_batch import ReadingBatch, concat_batches
from telemetry.model.record_batches import arrow_schema, from_records
from telemetry.model.records import Anomaly, DeadLetter, WindowAggregate
from telemetry.rules.bounds import Bounds
from telemetry.rules.conditions import Combination, Part, Rate, Silence, Stuck, Threshold, WindowStatistic
from telemetry.rules.rule import Rule
from telemetry.rules.rule_set import RuleSet
from tests.support.batches import BY_MINUTE, MINUTE, NAN, Row, batch_of, rows_of
from tests.support.rules import threshold_rule
from transforms.detect.evaluate import anomaly_id, detect
from transforms.windows.aggregate_records import aggregates
from transforms.windows.aggregate_table import aggregate_batch, merge_tables
from transforms.windows.late import PossiblyLateRows, dead_letters_of, select_rows

Record = TypeVar("Record", bound=msgspec.Struct)
HOT = threshold_rule("temp-high", "temp", "above", 30.0, severity="critical")
WET = threshold_rule("wet", "humidity", "outside", 20.0, 80.0, devices=("b*",))
READINGS: list[Row] = [
    ("a", 1, 90.0, 31.0),
    ("b", 2, 90.0, 30.0),
    ("b", 3, 10.0, NAN),
    ("b", 4, 80.0, 30.5),
    ("b", 5, NAN, 20.0),
]


def anomalies_of(batch: ReadingBatch, *rules: Rule) -> list[Anomaly]:
    found = detect(batch, RuleSet(rules)).anomalies
    assert found is not None
    return records_of(found, Anomaly)


def records_of(batch: Any, record: Callable[..., Record]) -> list[Record]:
    """The rows of a record batch as records, times as integer microseconds."""
    times = [name for name in batch.schema.names if str(batch.schema.field(name).type).startswith("timestamp")]
    rows = [
        row | {name: None if row[name] is None else batch.column(name)[n].value for name in times}
        for n, row in enumerate(batch.to_pylist())
    ]
    return [record(**row) for row in rows]


def test_each_breach_is_one_record_with_all_there_is_to_know():
    batch = batch_of(READINGS, "message 7", shift_us=1_000)
    rules = RuleSet([HOT, WET])
    detected = detect(batch, rules)

    def anomaly(rule: Rule, device: str, moment: int, value: float) -> Anomaly:
        return Anomaly(
            anomaly_id=anomaly_id(rule.id, device, moment - 1_000, rule.metric, value),
            rule_id=rule.id,
            severity=rule.severity,
            device=device,
            metric=rule.metric,
            value=value,
            threshold=rule.threshold,
            threshold_upper=rule.threshold_upper,
            comparison=rule.comparison,
            event_time=moment,
            source_time=moment - 1_000,
            message_id="message 7",
            rules_version=rules.version,
        )

    assert detected.anomalies is not None
    assert records_of(detected.anomalies, Anomaly) == [
        anomaly(HOT, "a", 1, 31.0),
        anomaly(HOT, "b", 4, 30.5),
        anomaly(WET, "b", 2, 90.0),
        anomaly(WET, "b", 3, 10.0),
    ]
    assert detected.by_rule == {"temp-high": 2, "wet": 2}


def test_breaches_are_counted_at_their_readings():
    detected = detect(
        batch_of(READINGS), RuleSet([HOT, WET, threshold_rule("very-high", "temp", "above", 30.7, severity="critical")])
    )
    assert detected.readings.breaches is not None
    assert detected.readings.breaches.tolist() == [[0, 1, 1, 0, 0], [2, 0, 0, 1, 0]]


def test_the_readings_stay_as_they_are():
    batch = batch_of(READINGS)
    before = rows_of(batch)
    assert rows_of(detect(batch, RuleSet([HOT])).readings) == before == rows_of(batch)


def test_a_device_is_judged_and_described_by_its_own_bounds():
    own = {"b": Bounds("above", 30.2), "c": Bounds("above", 0.0)}
    rule = replace(HOT, overrides=own)
    found = anomalies_of(batch_of([*READINGS, ("b", 6, NAN, 30.1)]), rule)
    assert [(one.device, one.value, one.threshold) for one in found] == [("a", 31.0, 30.0), ("b", 30.5, 30.2)]
    band = replace(WET, overrides={"b": Bounds("outside", 5.0, 85.0)})
    (high,) = anomalies_of(batch_of(READINGS), band)
    assert (high.device, high.value, high.threshold, high.threshold_upper) == ("b", 90.0, 5.0, 85.0)


def test_devices_that_a_rule_leaves_out_breach_nothing():
    found = anomalies_of(batch_of(READINGS), replace(HOT, except_=("a*",)))
    assert [(one.device, one.value) for one in found] == [("b", 30.5)]


def test_each_breaching_reading_is_flagged_at_once_and_other_conditions_flag_none():
    rules = [
        replace(HOT, condition=Threshold(Bounds("above", 30.0, None, 20.0)), for_us=10, keep_us=10, max_gap_us=1),
        Rule("rate", "temp", Rate(Bounds("above", 0.0), 1)),
        Rule("stuck", "temp", Stuck(1)),
        Rule("mean", "temp", WindowStatistic("mean", 1, Bounds("above", 0.0))),
        Rule("silent", "", Silence(1)),
        Rule("both", "", Combination("all", (Part("temp", Bounds("above", 0.0)),))),
    ]
    detected = detect(batch_of(READINGS), RuleSet(rules))
    assert detected.by_rule == {"temp-high": 2}


def test_without_a_breach_there_is_nothing():
    batch = batch_of([("a", 1, NAN, NAN), ("a", 2, 50.0, 30.0)])
    detected = detect(batch, RuleSet([HOT]))
    assert detected.anomalies is None
    assert detected.by_rule == {}
    assert detected.readings is batch


def test_as_many_breaches_as_there_are_rules():
    rules = [replace(HOT, id=f"rule-{n}") for n in range(300)]
    detected = detect(batch_of([("a", 1, 50.0, 31.0)]), RuleSet(rules))
    table = aggregate_batch(detected.readings, BY_MINUTE)
    assert aggregates(table, BY_MINUTE, "on_time", 0).column("anomaly_count").to_pylist() == [0, 300]


def test_an_anomaly_knows_the_message_of_its_reading():
    joined = concat_batches([batch_of(READINGS[:1], "first"), batch_of(READINGS[1:], "second")])
    assert [found.message_id for found in anomalies_of(joined, HOT)] == ["first", "second"]


TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=5)
READING = st.tuples(TEXTS, TEXTS, st.integers(-(2**62), 2**62), TEXTS, st.floats(allow_nan=False))


@given(READING, READING)
def test_ids_are_equal_only_for_the_same_reading_and_rule(one, other):
    same = one == other and math.copysign(1, one[4]) == math.copysign(1, other[4])
    assert (anomaly_id(*one) == anomaly_id(*other)) == same


def test_an_id_is_the_same_on_every_run():
    assert anomaly_id("temp-high", "1c:bf:ce:15:ec:4d", 1_594_999_999_123_456, "temp", 30.6) == (
        "2a8731e31241b8ed2732536a5f5cd8ad"
    )


@pytest.mark.parametrize(
    "changed",
    [
        ("temp-low", "a", 1, "temp", 31.0),
        ("temp-high", "b", 1, "temp", 31.0),
        ("temp-high", "a", 2, "temp", 31.0),
        ("temp-high", "a", 1, "tem", 31.0),
        ("temp-high", "a", 1, "temp", math.nextafter(31.0, 32.0)),
        ("temp-hig", "ha", 1, "temp", 31.0),
        ("temp-high", "at", 1, "emp", 31.0),
    ],
)
def test_whatever_differs_makes_another_id(changed):
    assert anomaly_id("temp-high", "a", 1, "temp", 31.0) != anomaly_id(*changed)


def test_ids_do_not_depend_on_the_batch_the_message_or_the_shift():
    alone = anomalies_of(batch_of(READINGS[3:4], "x", shift_us=5), HOT)
    among = anomalies_of(batch_of([(d, t + 60, h, v) for d, t, h, v in READINGS], "y", shift_us=65), HOT, WET)
    assert alone[0].anomaly_id == among[1].anomaly_id
    assert (alone[0].event_time, among[1].event_time) == (4, 64)


def test_a_breach_is_the_same_anomaly_whatever_the_severity_and_the_bound():
    (one,) = anomalies_of(batch_of(READINGS[:1]), HOT)
    (other,) = anomalies_of(batch_of(READINGS[:1]), threshold_rule("temp-high", "temp", "above", 29.0, severity="info"))
    assert one.anomaly_id == other.anomaly_id
    assert one.rules_version != other.rules_version


def test_aggregates_are_in_order_of_window_device_and_metric():
    rows: list[Row] = [
        ("b", MINUTE, 50.0, 20.0),
        ("ä", 0, 51.0, NAN),
        ("a", 0, 52.0, 31.0),
        ("b", 5, 54.0, 24.0),
        ("b", 0, 53.0, 22.0),
    ]
    table = aggregate_batch(detect(batch_of(rows), RuleSet([HOT])).readings, BY_MINUTE)

    def record(
        device, metric, start, count, mean, stddev, low, high, first, last, anomalies=0, seconds=0
    ) -> WindowAggregate:
        statistics = count, mean, stddev, low, high, first, last, anomalies
        return WindowAggregate(
            device, metric, start, start + MINUTE, *statistics, "late", 3, "a-job", start, start + seconds
        )

    assert records_of(aggregates(table, BY_MINUTE, "late", 3, "a-job"), WindowAggregate) == [
        record("a", "humidity", 0, 1, 52.0, 0.0, 52.0, 52.0, 52.0, 52.0),
        record("a", "temp", 0, 1, 31.0, 0.0, 31.0, 31.0, 31.0, 31.0, anomalies=1),
        record("b", "humidity", 0, 2, 53.5, 0.5, 53.0, 54.0, 53.0, 54.0, seconds=5),
        record("b", "temp", 0, 2, 23.0, 1.0, 22.0, 24.0, 22.0, 24.0, seconds=5),
        record("ä", "humidity", 0, 1, 51.0, 0.0, 51.0, 51.0, 51.0, 51.0),
        record("b", "humidity", MINUTE, 1, 50.0, 0.0, 50.0, 50.0, 50.0, 50.0),
        record("b", "temp", MINUTE, 1, 20.0, 0.0, 20.0, 20.0, 20.0, 20.0),
    ]


@given(st.permutations(READINGS), st.integers(1, 4))
def test_the_order_of_readings_does_not_change_aggregates(rows, cut):
    whole = aggregates(aggregate_batch(batch_of(READINGS), BY_MINUTE), BY_MINUTE, "on_time", 0)
    parts = [aggregate_batch(batch_of(part), BY_MINUTE) for part in (rows[:cut], rows[cut:])]
    merged = aggregates(merge_tables(parts), BY_MINUTE, "on_time", 0)
    exact = ["mean", "stddev"]
    assert merged.drop_columns(exact) == whole.drop_columns(exact)
    for name in exact:
        assert merged.column(name).to_pylist() == pytest.approx(whole.column(name).to_pylist(), rel=1e-12, abs=1e-12)


def test_a_group_without_readings_is_no_record():
    table = aggregate_batch(batch_of([("a", 0, NAN, NAN)]), BY_MINUTE)
    assert len(aggregates(table, BY_MINUTE, "on_time", 0)) == 0


def late_message() -> tuple[Message, list[bytes]]:
    lines = [b'{"ts":10,"device":"a"}', b"  ", b'{"ts":20, "device":"a"}', b'{"ts":30,"device":"b"}']
    attributes = {ROWS: "3", TIME_SHIFT: "0", "origin": "x"}
    return Message(b"\n".join(lines), attributes, "late", publish_us=77), lines


def all_rows(batch: ReadingBatch) -> PossiblyLateRows:
    return select_rows(batch, np.arange(len(batch)))


def test_a_reading_that_came_too_late_is_a_dead_letter_of_its_own_line():
    message, lines = late_message()
    batch = replace(
        batch_of([("a", 10_000_000, 1.0, 2.0), ("a", 20_000_000, 1.0, 2.0), ("b", 30_000_000, 1.0, 2.0)]),
        messages=MessageBatch.of([message]),
        line=np.array([1, 3, 4], np.int32),
    )
    missed = [(0, MINUTE), (-MINUTE // 2, MINUTE)]
    found = records_of(dead_letters_of(all_rows(batch), np.array([False, True, True]), missed, 11 * MINUTE), DeadLetter)

    def letter(line: int, event_us: int, error: str) -> DeadLetter:
        return DeadLetter(
            reason="too_late",
            error=error,
            stage="aggregate",
            payload=base64.b64encode(lines[line - 1]).decode(),
            line=line,
            attributes=json.dumps({"origin": "x", TIME_SHIFT: "0"}, separators=(",", ":")),
            message_id="late",
            publish_time=77,
            event_time=event_us,
        )

    closed = "had closed, watermark 1970-01-01T00:11:00.000000Z"
    assert found == [
        letter(3, 20_000_000, f"window 1970-01-01T00:00:00.000000Z to 1970-01-01T00:01:00.000000Z {closed}"),
        letter(4, 30_000_000, f"window 1969-12-31T23:59:30.000000Z to 1970-01-01T00:01:00.000000Z {closed}"),
    ]


def test_letters_of_late_readings_are_bounded_by_message():
    batch = batch_of([("a", n, 1.0, 2.0) for n in range(3_000)])
    letters = dead_letters_of(all_rows(batch), np.ones(3_000, np.bool_), [(0, MINUTE)] * 3_000, 11 * MINUTE)
    found = records_of(letters, DeadLetter)
    assert len(found) == 1_001
    assert json.loads(found[-1].attributes) == {ROWS: "2000"}
    assert b"\n".join(base64.b64decode(letter.payload) for letter in found) == batch.messages.payload(0)


def test_a_late_reading_that_is_its_whole_message_has_no_line():
    message = Message(b'{"ts":10,"device":"a"}', {CONTENT_ENCODING: "identity"}, "one")
    batch = replace(batch_of([("a", 10, 1.0, 2.0)]), messages=MessageBatch.of([message]), line=np.zeros(1, np.int32))
    (found,) = records_of(dead_letters_of(all_rows(batch), np.array([True]), [(0, MINUTE)], 11 * MINUTE), DeadLetter)
    assert (found.line, base64.b64decode(found.payload), found.attributes) == (None, message.payload, "{}")
    assert found.publish_time is None


def test_record_batches_have_the_schema_of_their_records():
    detected = detect(batch_of(READINGS), RuleSet([HOT]))
    assert detected.anomalies is not None
    table = aggregate_batch(detected.readings, BY_MINUTE)
    found = aggregates(table, BY_MINUTE, "on_time", 0)
    message, _ = late_message()
    batch = replace(batch_of([("a", 10, 1.0, 2.0)]), messages=MessageBatch.of([message]))
    letters = dead_letters_of(all_rows(batch), np.array([True]), [(0, MINUTE)], 11 * MINUTE)
    for records, record in ((detected.anomalies, Anomaly), (found, WindowAggregate), (letters, DeadLetter)):
        assert records.schema.equals(arrow_schema(record), check_metadata=True)
        assert records.equals(from_records(record, records_of(records, record)))
        records.validate(full=True)
