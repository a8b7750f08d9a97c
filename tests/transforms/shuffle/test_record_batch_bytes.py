import pyarrow as pa
import pytest

from telemetry.model.record_batches import arrow_schema
from telemetry.model.records import LedgerEntry
from tests.support.batches import BY_MINUTE, MINUTE, batch_of
from transforms.shuffle.record_batch_bytes import decode_record_batch, encode_record_batch
from transforms.windows.aggregate_records import aggregates
from transforms.windows.aggregate_table import aggregate_batch


@pytest.mark.parametrize("minutes", [1, 500])
def test_bytes_and_back(minutes):
    table = aggregate_batch(batch_of([("ä", n * MINUTE, 1.5, 2.5) for n in range(minutes)]), BY_MINUTE)
    batch = aggregates(table, BY_MINUTE, "on_time", 0)
    content = encode_record_batch(batch)
    assert decode_record_batch(content).equals(batch, check_metadata=True)
    assert minutes == 1 or len(content) < batch.nbytes / 2


def test_a_slice_is_encoded_without_the_rest():
    table = aggregate_batch(batch_of([("a", n * MINUTE, 1.5, 2.5) for n in range(500)]), BY_MINUTE)
    batch = aggregates(table, BY_MINUTE, "on_time", 0)
    some = batch.slice(10, 3)
    assert decode_record_batch(encode_record_batch(some)).equals(some)
    assert len(encode_record_batch(some)) < 5_000


def test_no_rows_and_nulls():
    schema = arrow_schema(LedgerEntry)
    full = {field.name: None if field.nullable else "x" if field.type == pa.string() else 1 for field in schema}
    for rows in ([], [full]):
        batch = pa.RecordBatch.from_pylist(rows, schema)
        assert decode_record_batch(encode_record_batch(batch)).equals(batch, check_metadata=True)
