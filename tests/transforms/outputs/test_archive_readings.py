"""Archived readings: every row, every value, every time, exactly."""

import math
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from telemetry.feed.default_feed import DEFAULT_CATALOG
from telemetry.model.message_batch import MessageBatch
from telemetry.model.messages import Message
from telemetry.model.record_batches import arrow_schema
from telemetry.model.records import Reading
from transforms.decode.codec import decode
from transforms.decode.decode_spec import DecodeSpec
from transforms.outputs.reading_records import reading_records

ROWS = (
    b'{"ts":1.5,"device":"a","temp":20.5,"humidity":null}\n'
    b'{"ts":2.000001,"device":"\xc3\xa4","temp":-0.1,"humidity":50}\n'
    b'{"ts":3,"device":"a"}'
)


def records() -> pa.RecordBatch:
    messages = [Message(ROWS, {"time_shift": "10"}, "m1"), Message(b'{"ts":4,"device":"b","temp":1}', {}, "m2")]
    readings = decode(MessageBatch.of(messages), DecodeSpec(("temp", "humidity"))).readings
    assert readings is not None
    return reading_records(readings, "a-job", DEFAULT_CATALOG)


def test_contents() -> None:
    batch = records()
    times = {name: batch.column(name).cast(pa.int64()).to_pylist() for name in ("event_time", "source_time")}
    assert times["source_time"] == [1_500_000, 2_000_001, 3_000_000, 4_000_000]
    assert times["event_time"] == [11_500_000, 12_000_001, 13_000_000, 4_000_000]
    found = batch.drop_columns(["event_time", "source_time"]).to_pydict()
    assert found == {
        "device": ["a", "ä", "a", "b"],
        "message_id": ["m1", "m1", "m1", "m2"],
        "line": [1, 2, 3, 1],
        "job_id": ["a-job"] * 4,
        "temp": [20.5, -0.1, None, 1.0],
        "humidity": [None, 50.0, None, None],
    }


def test_the_schema_is_the_same_whatever_the_rows() -> None:
    schema = arrow_schema(Reading, ("temp", "humidity"), ("°C", "%"))
    assert records().schema.equals(schema, check_metadata=True)
    names = ["device", "event_time", "source_time", "message_id", "line", "job_id", "temp", "humidity"]
    assert schema.names == names
    assert [field.nullable for field in schema] == [False] * 6 + [True] * 2
    assert schema.field("temp").metadata[b"description"].decode() == "measured value, in °C"
    assert not any(pa.types.is_nested(field.type) or pa.types.is_dictionary(field.type) for field in schema)


@pytest.mark.parametrize("value", [5e-324, 1.7976931348623157e308, 0.1 + 0.2, -0.0])
def test_values_stay_the_same_double(value: float) -> None:
    readings = decode(MessageBatch.of([Message(b'{"ts":1,"device":"a","temp":0}')]), DecodeSpec(("temp",))).readings
    assert readings is not None
    (found,) = reading_records(replace(readings, values=np.array([[value]]))).column("temp").to_pylist()
    assert math.copysign(1, found) == math.copysign(1, value)
    assert found == value
