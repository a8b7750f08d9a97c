import base64
from typing import Any

import apache_beam as beam
import pyarrow as pa
import pytest
from apache_beam.transforms.window import GlobalWindow, TimestampedValue
from apache_beam.utils.timestamp import MAX_TIMESTAMP, Timestamp
from msgspec.structs import replace

from telemetry.model.messages import Message
from telemetry.model.reading_batch import ReadingBatch
from telemetry.model.record_batches import arrow_schema
from telemetry.model.records import DeadLetter
from tests.support.run_transform import run_transform
from transforms import counters
from transforms.decode.decode_messages import DecodeMessages, _Decode

METRICS = ("temp",)
BIG = b'{"ts": 5, "device": "big", "temp": 1}\n' * 27_600  # just above a megabyte


@pytest.fixture(autouse=True)
def _from_zero():
    counters.start_tally()
    yield
    counters.start_tally()


def message(text: str | bytes, name: str, **attributes: str) -> Message:
    return Message(text if isinstance(text, bytes) else text.encode(), attributes, name)


def told(batch: ReadingBatch | pa.RecordBatch) -> list[tuple[Any, ...]]:
    """Readings as (message, device, event time, metric), dead letters as (message, reason, payload)."""
    if isinstance(batch, pa.RecordBatch):
        assert batch.schema == arrow_schema(DeadLetter)
        return [(row["message_id"], row["reason"], base64.b64decode(row["payload"])) for row in batch.to_pylist()]
    return [
        (batch.messages[m].message_id, batch.devices[d], int(us), float(value))
        for m, d, us, value in zip(batch.message, batch.device, batch.event_us, batch.values[0], strict=True)
    ]


def bundle(step: _Decode, *elements: tuple[Message, float]) -> list[tuple[str | None, float, list[tuple[Any, ...]]]]:
    """Outputs of one bundle: tag, timestamp in seconds, rows."""
    step.start_bundle()
    outputs = [out for element, seconds in elements for out in step.process(element, Timestamp(seconds))]
    outputs += step.finish_bundle()
    found = []
    for output in outputs:
        tag = output.tag if isinstance(output, beam.pvalue.TaggedOutput) else None
        stamped = output if tag is None else output.value
        if not isinstance(stamped, TimestampedValue):
            assert stamped.windows == (GlobalWindow(),)
        found.append((tag, float(stamped.timestamp), told(stamped.value)))
    return found


def test_the_messages_of_a_bundle_become_one_batch_with_their_smallest_timestamp():
    first = message('{"ts": 1, "device": "a", "temp": 20}', "m1")
    second = message('{"ts": 2, "device": "b", "temp": 21}\n{"ts": 3, "device": "a", "temp": 22}', "m2")
    third = message('{"ts": 4, "device": "b", "temp": 23}', "m3", time_shift="10")
    assert bundle(_Decode(METRICS), (first, 7), (second, 2.5), (third, 14)) == [
        (
            None,
            2.5,
            [
                ("m1", "a", 1_000_000, 20.0),
                ("m2", "b", 2_000_000, 21.0),
                ("m2", "a", 3_000_000, 22.0),
                ("m3", "b", 14_000_000, 23.0),
            ],
        )
    ]
    assert counters.tally() == {
        "messages": 3,
        "payload_bytes": sum(len(one.payload) for one in (first, second, third)),
        "rows_decoded": 4,
    }


def test_what_cannot_be_read_goes_to_the_dead_letters_of_the_same_bundle():
    first = message('{"ts": 1, "device": "a", "temp": 20, "new": 1}\nx\n{}', "m1")
    second = message("{}", "m2")
    assert bundle(_Decode(METRICS), (first, 3), (second, 4)) == [
        (None, 3.0, [("m1", "a", 1_000_000, 20.0)]),
        (
            "dead_letters",
            3.0,
            [("m1", "not_json", b"x"), ("m1", "missing_field", b"{}"), ("m2", "missing_field", b"{}")],
        ),
    ]
    assert counters.tally() == {
        "messages": 2,
        "payload_bytes": len(first.payload) + 2,
        "fields_ignored": 1,
        "rows_decoded": 1,
        "dead_letters/not_json": 1,
        "dead_letters/missing_field": 2,
    }


def test_a_bundle_of_bad_messages_has_dead_letters_only():
    assert bundle(_Decode(METRICS), (message(b"\xff", "m"), 1)) == [("dead_letters", 1.0, [("m", "not_utf8", b"\xff")])]


def test_an_empty_bundle_gives_nothing():
    assert bundle(_Decode(METRICS)) == []
    assert counters.tally() == {}


def test_a_large_bundle_is_decoded_a_megabyte_at_a_time():
    small = '{"ts": 1, "device": "a", "temp": 20}'
    found = bundle(_Decode(METRICS), (message(small, "m1"), 9), (message(BIG, "m2"), 8), (message(small, "m3"), 20))
    big = [("m2", "big", 5_000_000, 1.0)] * 27_600
    assert found == [(None, 8.0, [("m1", "a", 1_000_000, 20.0), *big]), (None, 20.0, [("m3", "a", 1_000_000, 20.0)])]


def test_messages_of_two_portions_are_never_in_one_batch():
    small = '{"ts": 1, "device": "a", "temp": 20}'
    elements = [(replace(message(small, f"m{n}"), portion=portion), 9.0 - n) for n, portion in enumerate((4, 4, 7, 4))]
    found = [[row[0] for row in rows] for _, _, rows in bundle(_Decode(METRICS), *elements)]
    assert found == [["m0", "m1"], ["m2"], ["m3"]]


def test_nothing_is_left_of_a_bundle_that_failed():
    step = _Decode(METRICS)
    step.start_bundle()
    assert list(step.process(message('{"ts": 1, "device": "lost"}', "m1"), Timestamp(1))) == []
    again = message('{"ts": 1, "device": "a", "temp": 20}', "m2")
    assert bundle(step, (again, 6)) == [(None, 6.0, [("m2", "a", 1_000_000, 20.0)])]
    assert (step.messages, step.size, step.earliest) == ([], 0, MAX_TIMESTAMP)


def test_in_a_pipeline_every_line_comes_out_once():
    lines = [f'{{"ts": {n}, "device": "a", "temp": {n}}}\nx{n}' for n in range(5)]
    elements = [TimestampedValue(message(line, f"m{n}"), n) for n, line in enumerate(lines)]
    elements.append(TimestampedValue(message(BIG + b"last", "big"), 9))
    readings = [(f"m{n}", "a", n * 1_000_000, float(n)) for n in range(5)] + [("big", "big", 5_000_000, 1.0)] * 27_600
    letters = [(f"m{n}", "not_json", f"x{n}".encode()) for n in range(5)] + [("big", "not_json", b"last")]

    outputs = run_transform(elements, DecodeMessages(METRICS), Message)
    found = {name: sorted(row for batch in batches for row in told(batch)) for name, batches in outputs.items()}
    assert found == {"readings": sorted(readings), "dead_letters": sorted(letters)}
    assert counters.tally()["rows_decoded"] == len(readings)
    assert counters.tally()["dead_letters/not_json"] == len(letters)
