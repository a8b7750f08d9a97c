import pickle

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.model.record_batches import arrow_schema
from telemetry.model.records import LedgerEntry
from tests.support.batches import MINUTE, batch_of
from transforms.shuffle.pickling import pack, unpack
from transforms.windows.aggregate_records import aggregates
from transforms.windows.aggregate_table import AggregateTable, aggregate_batch


@given(st.binary(max_size=100), st.sampled_from([1, 100, 1_000]))
def test_what_is_unpacked_is_what_was_packed(content, times):
    assert unpack(*pack(content * times)) == content * times


def test_what_is_long_becomes_shorter():
    assert len(pack(b"0123456789" * 1_000)[1]) < 1_000
    assert pack(b"0123456789") == (0, b"0123456789")


@pytest.mark.parametrize("minutes", [1, 500])
def test_a_table_arrives_as_it_left(minutes):
    table = aggregate_batch(batch_of([("a", n * MINUTE, 1.5, float("nan")) for n in range(minutes)]), MINUTE)
    arrived = pickle.loads(pickle.dumps(table))
    assert isinstance(arrived, AggregateTable)
    assert (arrived.metrics, arrived.devices) == (table.metrics, table.devices)
    for name in ("device", "window_us", "floats", "ints"):
        assert np.array_equal(getattr(arrived, name), getattr(table, name), equal_nan=name == "floats")


@pytest.mark.parametrize("minutes", [1, 500])
def test_a_record_batch_arrives_as_it_left(minutes):
    table = aggregate_batch(batch_of([("ä", n * MINUTE, 1.5, 2.5) for n in range(minutes)]), MINUTE)
    batch = aggregates(table, MINUTE, "on_time", 0)
    packed = pickle.dumps(batch)
    assert pickle.loads(packed).equals(batch, check_metadata=True)
    assert minutes == 1 or len(packed) < batch.nbytes / 2


def test_a_record_batch_without_rows_and_with_nulls_arrives_as_it_left():
    schema = arrow_schema(LedgerEntry)
    for rows in ([], [{name: None if name == "day" else 1 if name == "count" else "x" for name in schema.names}]):
        batch = pa.RecordBatch.from_pylist(rows, schema)
        assert pickle.loads(pickle.dumps(batch)).equals(batch, check_metadata=True)
