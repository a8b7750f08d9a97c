"""Of all the hours that a stream lives through there are few keys, as a runner keeps something for each."""

from telemetry.rules.parse import load_rules
from tests.support.batches import BY_MINUTE, MINUTE, batch_of
from transforms.detect.evaluate import detect
from transforms.outputs.write_files import _KeyByHour
from transforms.shuffle.key_pool import POOL_SIZE, pooled_key
from transforms.windows.aggregate_records import aggregates
from transforms.windows.aggregate_table import aggregate_batch
from transforms.windows.aggregate_windows import _AggregateBatches
from transforms.windows.window_spec import WindowSpec

HOURS = 1_000
BATCH = batch_of([("a", hour * 60 * MINUTE, 50.0, 31.0) for hour in range(HOURS)])


def test_hours_reuse_the_keys_of_the_pool():
    hours = (0, 1, POOL_SIZE - 1, POOL_SIZE, -1)
    assert [pooled_key(hour) for hour in hours] == [0, 1, POOL_SIZE - 1, 0, POOL_SIZE - 1]


def test_windows_of_a_stream_have_the_keys_of_the_pool():
    keyed = list(_AggregateBatches(WindowSpec(), 1, 60 * MINUTE).process(BATCH))
    assert len(keyed) == HOURS
    assert {key for key, _ in keyed} == {(0, key) for key in range(POOL_SIZE)}


def test_records_of_a_stream_are_gathered_by_pooled_key_and_those_of_files_by_hour():
    anomalies = detect(BATCH, load_rules(None)).anomalies
    panes = aggregates(aggregate_batch(BATCH, BY_MINUTE), BY_MINUTE, "on_time", 0)
    for kind, batch in (("anomalies", anomalies), ("aggregates", panes)):
        assert batch is not None
        for pooled, keys in ((True, POOL_SIZE), (False, HOURS)):
            keyed = list(_KeyByHour(kind, 1, pooled).process(batch))
            assert len(keyed) == HOURS
            assert {key for key, _ in keyed} == {(0, hour) for hour in range(keys)}
