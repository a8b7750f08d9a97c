import base64
import math
from typing import Any

import apache_beam as beam
import pyarrow as pa
from apache_beam.transforms.window import TimestampedValue

from telemetry.model.message_batch import MessageBatch
from telemetry.model.messages import Message
from telemetry.model.reading_batch import ReadingBatch
from telemetry.model.record_batches import arrow_schema
from telemetry.model.records import DeadLetter
from tests.support.counting import Tally
from tests.support.run_transform import run_transform
from transforms.decode.collect_messages import CollectMessages
from transforms.decode.decode_messages import DecodeMessages, _Decode
from transforms.decode.decode_spec import DecodeSpec

METRICS = ("temp",)
SPEC = DecodeSpec(METRICS)
BIG = b'{"ts": 5, "device": "big", "temp": 1}\n' * 27_600  # just above a megabyte


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


def outputs_of(*messages: Message) -> list[tuple[str | None, list[tuple[Any, ...]]]]:
    """Outputs for one batch of messages: tag, rows."""
    found = []
    for output in _Decode(SPEC).process(MessageBatch.of(messages)):
        tag = output.tag if isinstance(output, beam.pvalue.TaggedOutput) else None
        found.append((tag, told(output if tag is None else output.value)))
    return found


def test_a_batch_of_messages_becomes_one_batch_of_readings(tally: Tally):
    first = message('{"ts": 1, "device": "a", "temp": 20}', "m1")
    second = message('{"ts": 2, "device": "b", "temp": 21}\n{"ts": 3, "device": "a", "temp": 22}', "m2")
    third = message('{"ts": 4, "device": "b", "temp": 23}', "m3", time_shift="10")
    assert outputs_of(first, second, third) == [
        (
            None,
            [
                ("m1", "a", 1_000_000, 20.0),
                ("m2", "b", 2_000_000, 21.0),
                ("m2", "a", 3_000_000, 22.0),
                ("m3", "b", 14_000_000, 23.0),
            ],
        )
    ]
    assert tally.counts == {
        "messages": 3,
        "payload_bytes": sum(len(one.payload) for one in (first, second, third)),
        "rows_decoded": 4,
        "values_read/temp": 4,
    }


def test_readings_are_not_counted_where_a_later_step_removes_some(tally: Tally):
    run_transform(
        [MessageBatch.of([message('{"ts":1,"device":"a"}\nx', "m")])], DecodeMessages(SPEC, False), MessageBatch
    )
    assert +tally.counts == {"messages": 1, "payload_bytes": 23, "dead_letters/not_json": 1}


def test_what_cannot_be_read_goes_to_the_dead_letters(tally: Tally):
    first = message('{"ts": 1, "device": "a", "temp": 20, "new": 1}\nx\n{}', "m1")
    second = message("{}", "m2")
    assert outputs_of(first, second) == [
        (None, [("m1", "a", 1_000_000, 20.0)]),
        (
            "dead_letters",
            [("m1", "not_json", b"x"), ("m1", "missing_field", b"{}"), ("m2", "missing_field", b"{}")],
        ),
    ]
    assert tally.counts == {
        "messages": 2,
        "payload_bytes": len(first.payload) + 2,
        "fields_ignored": 1,
        "fields_ignored/new": 1,
        "rows_decoded": 1,
        "values_read/temp": 1,
        "dead_letters/not_json": 1,
        "dead_letters/missing_field": 2,
    }


def test_values_that_cannot_be_read_are_counted_with_an_example(tally: Tally):
    one = message('{"ts": 1, "device": "a", "temp": "warm\\n"}\n{"ts": 2, "device": "a", "temp": "hot"}', "m1")
    two = message('{"ts": 3, "device": "a", "temp": 1e400}\n{"ts": 4, "device": "a", "temp": "NA", "\\u0007": 1}', "m2")
    names = ("m1", "m1", "m2", "m2")
    assert str(outputs_of(one, two)) == str(
        [
            (
                None,
                [(name, "a", second * 1_000_000, math.nan) for name, second in zip(names, range(1, 5), strict=True)],
            )
        ]
    )
    assert tally.counts == {
        "messages": 2,
        "payload_bytes": len(one.payload) + len(two.payload),
        "rows_decoded": 4,
        "fields_ignored": 1,
        "fields_ignored/\\x07": 1,
        "values_unread/temp/not_a_number": 2,
        "values_unread/temp/not_finite": 1,
        "values_read/temp": 0,
    }
    assert tally.texts == {"unread_examples": {"temp/not_a_number\twarm\\n", "temp/not_finite\tinf"}}


def test_rows_that_are_fitted_to_their_header_are_counted(tally: Tally):
    assert outputs_of(Message(b"1,a\n2,b,3", {}, "m", columns=("ts", "device", "temp")))[0][1][1] == (
        "m",
        "b",
        2_000_000,
        3,
    )
    assert {name: count for name, count in tally.counts.items() if name.startswith(("rows", "values"))} == {
        "rows_decoded": 2,
        "rows_fitted": 1,
        "values_read/temp": 1,
    }


def test_a_batch_of_bad_messages_has_dead_letters_only():
    assert outputs_of(message(b"\xff", "m")) == [("dead_letters", [("m", "not_utf8", b"\xff")])]


def test_an_empty_batch_gives_nothing(tally: Tally):
    assert outputs_of() == []
    assert set(tally.counts.values()) <= {0}


def test_a_large_batch_is_decoded_a_megabyte_at_a_time():
    small = '{"ts": 1, "device": "a", "temp": 20}'
    found = outputs_of(message(small, "m1"), message(BIG, "m2"), message(small, "m3"))
    big = [("m2", "big", 5_000_000, 1.0)] * 27_600
    assert found == [(None, [("m1", "a", 1_000_000, 20.0), *big]), (None, [("m3", "a", 1_000_000, 20.0)])]


def test_in_a_pipeline_every_line_comes_out_once(tally: Tally):
    lines = [f'{{"ts": {n}, "device": "a", "temp": {n}}}\nx{n}' for n in range(5)]
    elements = [TimestampedValue(message(line, f"m{n}"), n) for n, line in enumerate(lines)]
    elements.append(TimestampedValue(message(BIG + b"last", "big"), 9))
    readings = [(f"m{n}", "a", n * 1_000_000, float(n)) for n in range(5)] + [("big", "big", 5_000_000, 1.0)] * 27_600
    letters = [(f"m{n}", "not_json", f"x{n}".encode()) for n in range(5)] + [("big", "not_json", b"last")]

    outputs = run_transform(elements, lambda some: some | CollectMessages() | DecodeMessages(SPEC), Message)
    found = {name: sorted(row for batch in batches for row in told(batch)) for name, batches in outputs.items()}
    assert found == {"readings": sorted(readings), "dead_letters": sorted(letters)}
    assert tally.counts["rows_decoded"] == len(readings)
    assert tally.counts["dead_letters/not_json"] == len(letters)
