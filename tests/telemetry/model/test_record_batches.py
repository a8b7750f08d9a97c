import io
import json
import math
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.model.kinds import KINDS
from telemetry.model.record_batches import (
    arrow_schema,
    concat_record_batches,
    from_columns,
    from_records,
    has_default,
    record_times,
    to_json_lines,
    to_parquet,
    to_records,
)
from telemetry.model.records import Anomaly, DeadLetter, Incident, WindowAggregate
from telemetry.text.timestamps import format_time, parse_time
from tests.support.records import transition

LATEST_US = 253_402_300_799_999_999  # the end of the year 9999
FIRST_US = -30_610_224_000_000_000  # the beginning of the year 1000
LETTER = DeadLetter("not_json", "é ' \" \n", "decode", "eA==", None, "{}", "m1", 1_594_512_094_385_975, None)
JSON_TYPES = {
    pa.string(): {"type": "string"},
    pa.float64(): {"type": "number"},
    pa.int64(): {"type": "integer"},
    pa.bool_(): {"type": "boolean"},
    pa.timestamp("us", tz="UTC"): {"type": "integer"},
}
times = st.integers(FIRST_US, LATEST_US)
texts = st.text(st.characters(exclude_categories=["Cs"]))
# The value a type can take, by the name of the type in a record's annotations.
VALUES: dict[type, st.SearchStrategy[Any]] = {
    msgspec.inspect.StrType: texts,
    msgspec.inspect.FloatType: st.floats(allow_nan=False, allow_infinity=False),
    msgspec.inspect.IntType: times,
    msgspec.inspect.BoolType: st.booleans(),
    msgspec.inspect.NoneType: st.none(),
}


def values_of(kind: Any) -> st.SearchStrategy[Any]:
    if isinstance(kind, msgspec.inspect.Metadata):
        kind = kind.type
    if isinstance(kind, msgspec.inspect.UnionType):
        return st.one_of([values_of(part) for part in kind.types])
    return VALUES[type(kind)]


def rows_of(record: type[msgspec.Struct]) -> st.SearchStrategy[list[msgspec.Struct]]:
    fields = msgspec.inspect.type_info(record).fields  # type: ignore[attr-defined]
    return st.lists(st.builds(record, **{field.name: values_of(field.type) for field in fields}), max_size=5)


RECORDS = [kind.record for kind in KINDS.values()]
records = pytest.mark.parametrize("record", RECORDS)
batches = st.sampled_from(RECORDS).flatmap(lambda record: st.tuples(st.just(record), rows_of(record)))


@records
def test_arrow_and_json_agree_on_names_types_nulls_and_descriptions(record):
    properties = msgspec.json.schema_components([record])[1][record.__name__]["properties"]
    schema = arrow_schema(record)
    assert schema.names == list(properties) == list(record.__struct_fields__)
    for field in schema:
        described = dict(properties[field.name])
        expected = {b"description": described.pop("description").encode()}
        if "default" in described:
            expected[b"default"] = json.dumps(described.pop("default")).encode()
        assert field.metadata == expected
        assert has_default(field) is (b"default" in expected)
        kinds = described.get("anyOf", [described])
        assert JSON_TYPES[field.type] in [{"type": kind["type"]} for kind in kinds]
        assert field.nullable is ({"type": "null"} in kinds)


@given(batches, st.sampled_from([2, 20_000]))
def test_lines_of_json_and_parquet_say_what_the_records_say(pair, at_once):
    record, rows = pair
    batch = from_records(record, rows)
    assert batch.schema == arrow_schema(record)
    assert batch.num_rows == len(rows)
    moments = {field.name for field in batch.schema if field.type == pa.timestamp("us", tz="UTC")}
    lines = to_json_lines(batch, at_once).decode().split("\n")
    assert lines.pop() == ""
    for line, row in zip(lines, rows, strict=True):
        expected = msgspec.structs.asdict(row)
        for name in moments:
            expected[name] = None if expected[name] is None else format_time(expected[name])
        assert json.loads(line) == expected
        assert list(json.loads(line)) == batch.schema.names
    table = pa.parquet.read_table(io.BytesIO(to_parquet(batch)))
    assert table.schema.equals(batch.schema, check_metadata=True)
    assert table.to_batches() == ([batch] if rows else [])


def test_a_line_is_written_like_this():
    assert to_json_lines(from_records(DeadLetter, [LETTER])).decode() == (
        '{"reason":"not_json","error":"é \' \\" \\n","stage":"decode","payload":"eA==","line":null,"attributes":"{}",'
        '"message_id":"m1","publish_time":"2020-07-12T00:01:34.385975Z","event_time":null,"job_id":""}\n'
    )


@given(st.lists(st.none() | times, max_size=6))
def test_times_come_back_as_whole_microseconds(moments):
    rows = [msgspec.structs.replace(LETTER, event_time=moment) for moment in moments]
    batch = from_records(DeadLetter, rows)
    lowest = np.iinfo(np.int64).min
    assert record_times(batch, "event_time").tolist() == [lowest if us is None else us for us in moments]
    written = [json.loads(line)["event_time"] for line in to_json_lines(batch).splitlines()]
    assert [None if text is None else parse_time(text) for text in written] == moments


def test_columns_are_the_records_they_stand_for():
    rows = [
        WindowAggregate("a", "temp", 0, 60_000_000, 2, 1.5, 0.5, 1.0, 2.0, 1.0, 2.0, 1, "on_time", 0),
        WindowAggregate("b", "temp", 0, 60_000_000, 1, 9.0, 0.0, 9.0, 9.0, 9.0, 9.0, 0, "late", 1),
    ]
    columns = {name: [getattr(row, name) for row in rows] for name in WindowAggregate.__struct_fields__}
    assert from_columns(WindowAggregate, columns) == from_records(WindowAggregate, rows)
    columns["count"] = np.array([2, 1])  # type: ignore[assignment]
    assert from_columns(WindowAggregate, columns) == from_records(WindowAggregate, rows)


@pytest.mark.parametrize("change", [{"extra": [1]}, {"reason": None}])
def test_columns_of_other_names_are_refused(change):
    columns: dict[str, Any] = {name: [getattr(LETTER, name)] for name in DeadLetter.__struct_fields__} | change
    if columns["reason"] is None:
        del columns["reason"]
    with pytest.raises(ValueError, match=r"are not those of DeadLetter$"):
        from_columns(DeadLetter, columns)


def test_a_number_json_cannot_write_is_null():
    anomaly = Anomaly("i", "r", "info", "a", "temp", math.inf, math.nan, None, "above", 0, 0, "m", "v")
    line = json.loads(to_json_lines(from_records(Anomaly, [anomaly])))
    assert (line["value"], line["threshold"]) == (None, None)


def test_batches_are_joined_in_order():
    one, other = from_records(DeadLetter, [LETTER]), from_records(DeadLetter, [msgspec.structs.replace(LETTER, line=7)])
    assert concat_record_batches([one]) is one
    joined = concat_record_batches([one, other, one])
    assert joined.schema.equals(one.schema, check_metadata=True)
    assert joined.column("line").to_pylist() == [None, 7, None]


def test_records_come_back_from_a_batch() -> None:
    every = [transition(0), transition(1, state="closed"), transition(2, value=None, worst=None, job_id="j")]
    assert to_records(Incident, from_records(Incident, every)) == every
    assert to_records(Incident, from_records(Incident, [])) == []
    older = from_records(Incident, every[:2]).drop_columns(["job_id"])
    assert to_records(Incident, older) == every[:2]
