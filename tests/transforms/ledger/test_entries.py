"""Entries of the ledger: what they count, for whom, and that the same rows give the same entries."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from telemetry.model.dead_letters import Reason, RejectionError, dead_line, dead_message
from telemetry.model.message_batch import MessageBatch
from telemetry.model.messages import Message
from telemetry.model.reading_batch import concat_batches
from telemetry.model.record_batches import from_records
from telemetry.model.records import Anomaly, DeadLetter, Incident
from tests.support.batches import BY_MINUTE, MINUTE, NAN, batch_of
from tests.support.given_incidents import HOUR, TRANSITIONS
from tests.support.records import START, incident
from transforms.ledger.entries import (
    anomaly_entries,
    dead_letter_entries,
    duplicate_entries,
    incident_entries,
    missed_entries,
    reading_entries,
    repeat_entries,
    row_count,
)
from transforms.windows.aggregate_table import aggregate_batch
from transforms.windows.late import MissedValues
from transforms.windows.window_spec import WindowSpec

DAY = 86_400_000_000
FIXED = WindowSpec(MINUTE, MINUTE, 0, None)
SLIDING = WindowSpec(3 * MINUTE, MINUTE, 0, None)
ROWS = [("a", DAY + MINUTE, 50.0, 31.0), ("b", DAY, NAN, 20.0), ("a", 2 * DAY, NAN, NAN)]


def counts(entries: pa.RecordBatch) -> dict[tuple[str, str, str], int]:
    """(run, item, detail) and how many, of all hours."""
    found: Counter[tuple[str, str, str]] = Counter()
    for row in entries.to_pylist():
        found[row["run_id"], row["item"], row["detail"]] += row["count"]
    return dict(found)


def ids(entries: pa.RecordBatch) -> set[str]:
    found: list[str] = entries.column("entry_id").to_pylist()
    assert len(set(found)) == len(found)
    return set(found)


def days(entries: pa.RecordBatch) -> set[int | None]:
    return set(entries.column("day").cast(pa.int64()).to_pylist())


def of_run(rows, run: str, message_id: str = "m"):
    batch = batch_of(rows, message_id)
    message = replace_message(batch.messages[0], {"run_id": run} if run else {})
    return replace(batch, messages=MessageBatch.of([message]))


def replace_message(message: Message, attributes: dict[str, str]) -> Message:
    return Message(message.payload, attributes, message.message_id, message.publish_us)


def test_readings_count_as_rows_and_their_values_once_a_window():
    entries = reading_entries(of_run(ROWS, "r"), SLIDING)
    assert counts(entries) == {
        ("r", "rows_decoded", ""): 3,
        ("r", "values", "humidity"): 3,
        ("r", "values", "temp"): 6,
    }
    hours = {
        (row["detail"], row["hour_start"].isoformat()[:13], row["count"])
        for row in entries.to_pylist()
        if row["hour_start"]
    }
    assert hours == {
        ("humidity", "1970-01-01T23", 1), ("humidity", "1970-01-02T00", 2),
        ("temp", "1970-01-01T23", 3), ("temp", "1970-01-02T00", 3),
    }  # fmt: skip
    assert days(entries) == {0, DAY}


def test_a_batch_of_several_runs_is_booked_for_each():
    batch = concat_batches([of_run(ROWS[:1], "r", "m1"), of_run(ROWS[1:], "", "m2"), of_run(ROWS[:1], "r", "m3")])
    assert counts(reading_entries(batch, FIXED)) == {
        ("r", "rows_decoded", ""): 2,
        ("r", "values", "humidity"): 2,
        ("r", "values", "temp"): 2,
        ("", "rows_decoded", ""): 2,
        ("", "values", "temp"): 1,
    }


def test_the_same_batch_has_the_same_ids_and_another_has_not():
    batch = of_run(ROWS, "r")
    first = ids(reading_entries(batch, FIXED))
    assert ids(reading_entries(batch, FIXED)) == first
    for other in (of_run(ROWS, "r", "m2"), of_run(ROWS, "s"), batch.select(np.array([0, 1]))):
        assert not ids(reading_entries(other, FIXED)) & first


def test_equal_readings_of_two_messages_that_were_pulled_together_are_told_apart():
    """A large message between them is decoded for itself, so that they are two batches of one pull."""
    pulled = MessageBatch.of([Message(b"a", {}, "m1"), Message(b"b", {}, "m2")])
    first, second = (
        replace(batch_of(ROWS), messages=pulled, message=np.full(len(ROWS), index, np.int32)) for index in (0, 1)
    )
    assert not ids(reading_entries(first, FIXED)) & ids(reading_entries(second, FIXED))


def anomaly(anomaly_id: str, message_id: str = "m", rule: str = "temp-high") -> Anomaly:
    return Anomaly(anomaly_id, rule, "info", "a", "temp", 31.0, 30.0, None, "above", DAY + 5, DAY, message_id, "v")


def test_anomalies_count_by_rule_and_those_of_one_message_and_reading_once():
    found = [anomaly("1"), anomaly("2"), anomaly("1"), anomaly("1", "m2"), anomaly("3", rule="other")]
    entries = anomaly_entries(from_records(Anomaly, found))
    assert counts(entries) == {("", "anomalies", "temp-high"): 3, ("", "anomalies", "other"): 1}
    assert days(entries) == {DAY}
    assert ids(anomaly_entries(from_records(Anomaly, found[::-1]))) == ids(entries)


def test_transitions_count_by_rule_and_hour_with_the_sums_of_their_values():
    found: dict[tuple[str, int], list[tuple[int, float, float | None, float | None]]] = {}
    for row in incident_entries(from_records(Incident, TRANSITIONS)).to_pylist():
        assert (row["run_id"], row["item"]) == ("", "incidents")
        place = row["detail"], int(row["hour_start"].timestamp()) - START // 1_000_000
        found.setdefault(place, []).append((row["count"], row["total"], row["low"], row["high"]))
    assert {place: sorted(sums, key=str) for place, sums in found.items()} == {
        ("hot", 0): [(1, 31.0, 31.0, 31.0), (1, 32.25, 32.25, 32.25), (1, 33.0, 33.0, 33.0)],
        ("hot", 3_600): [(1, 29.5, 29.5, 29.5)],
        ("silent", 3_600): [(1, 0.0, None, None), (1, 0.0, None, None)],
    }
    assert days(incident_entries(from_records(Incident, [incident(moment=START + 30 * HOUR)]))) == {START + 24 * HOUR}


def test_a_transition_has_the_same_entry_in_any_batch_and_another_has_not():
    """The watermark decides in which batch a transition leaves, and it moves in another way when a job runs again."""
    whole = ids(incident_entries(from_records(Incident, TRANSITIONS)))
    assert len(whole) == len(TRANSITIONS)
    parts = [from_records(Incident, part) for part in (TRANSITIONS[:1], TRANSITIONS[4:], TRANSITIONS[::-1] * 2)]
    assert ids(incident_entries(parts[0])) | ids(incident_entries(parts[1])) < whole
    assert ids(incident_entries(parts[2])) == whole
    others = [
        incident("a-1", state="closed"),
        incident("a-1", value=31.5),
        incident("a-1", 1),
        incident("a-1", rule="r"),
    ]
    assert not ids(incident_entries(from_records(Incident, others))) & whole


def test_dead_letters_count_by_run_and_reason_and_as_rows_where_they_were_decoded():
    message = Message(b"x", {"run_id": "r", "rows": "40", "content-encoding": "gzip"}, "m", 2 * DAY)
    letters = [
        dead_message(message, RejectionError(Reason.BAD_ENCODING, "broken"), "decode"),
        dead_line(message, 3, b"x", RejectionError(Reason.NOT_JSON, "?"), "decode"),
        dead_line(message, 4, b"y", RejectionError(Reason.TOO_LATE, "late"), "aggregate", DAY),
        dead_message(Message(b"z"), RejectionError(Reason.NOT_STORED, "?"), "bigquery"),
    ]
    entries = dead_letter_entries(from_records(DeadLetter, letters))
    assert counts(entries) == {
        ("r", "dead_letters", "bad_encoding"): 1,
        ("r", "rows_rejected", "bad_encoding"): 40,
        ("r", "dead_letters", "not_json"): 1,
        ("r", "rows_rejected", "not_json"): 1,
        ("r", "dead_letters", "too_late"): 1,
        ("", "dead_letters", "not_stored"): 1,
    }
    assert days(entries) == {2 * DAY, None}


@pytest.mark.parametrize("rows", ["-1", "many", "1e3", "²", "9" * 30, ""])
def test_a_message_that_does_not_say_well_how_many_rows_it_holds_is_one(rows):
    assert row_count({"rows": rows}) == 1


def test_dead_letters_without_any_time_have_no_day():
    letter = dead_message(Message(b"x"), RejectionError(Reason.NOT_JSON, "?"), "decode")
    assert days(dead_letter_entries(from_records(DeadLetter, [letter]))) == {None}


def test_duplicates_count_as_the_rows_of_their_messages():
    messages = [Message(b"1\n2", {"run_id": "r"}, "a", DAY + 1), Message(b"1", {"rows": "7"}, "b", 3 * DAY)]
    entries = duplicate_entries(MessageBatch.of(messages))
    assert counts(entries) == {("r", "rows_duplicate", ""): 2, ("", "rows_duplicate", ""): 7}
    assert days(entries) == {DAY}


def test_repeats_count_as_rows_of_their_runs():
    batch = concat_batches([of_run(ROWS, "r"), of_run(ROWS[1:2], "")])
    entries = repeat_entries(batch, "job")
    assert counts(entries) == {("r", "rows_duplicate", ""): 3, ("", "rows_duplicate", ""): 1}
    assert days(entries) == {DAY}
    assert ids(repeat_entries(batch, "job")) == ids(entries)


def test_repeats_of_other_messages_and_lines_have_entries_of_their_own():
    """A reading that comes a third time differs from the second in nothing but where it lies."""
    batch = of_run(ROWS[:1] * 2, "r")
    first, second = batch.select(np.array([0])), batch.select(np.array([1]))
    found = [repeat_entries(one) for one in (first, second, of_run(ROWS[:1], "r", "n"), batch)]
    assert len(set().union(*map(ids, found))) == 4
    assert ids(reading_entries(first, FIXED)).isdisjoint(ids(found[0]))


def test_missed_windows_count_their_values_and_tell_arrivals_apart():
    table = aggregate_batch(batch_of(ROWS), BY_MINUTE)
    entries = missed_entries(MissedValues(table, ("m1",)))
    assert counts(entries) == {("", "values_missed", "humidity"): 1, ("", "values_missed", "temp"): 2}
    assert not ids(missed_entries(MissedValues(table, ("m2",)))) & ids(entries)
    assert days(entries) == {DAY}
