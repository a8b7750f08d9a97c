"""Keys of readings: the same device, time and metrics, and nothing else."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.model.reading_batch import concat_batches
from tests.support.batches import MINUTE, NAN, batch_of
from tests.support.repeats import arrivals_of
from transforms.dedup.reading_keys import ReadingKeys, reading_keys

ROW = ("a", MINUTE, 50.0, 20.0)
DEVICES = st.sampled_from(["a", "b", "ab", "", "temp", "a\0", "ä", "1", "01"])
VALUES = st.sampled_from([NAN, 0.0, -1.0, 20.0])
ROWS = st.lists(st.tuples(DEVICES, st.integers(0, 3), VALUES, VALUES), min_size=1, max_size=40)


def same(one: tuple[str, int, float, float], other: tuple[str, int, float, float]) -> bool:
    keys = reading_keys(batch_of([one, other]))
    return bool(keys.again().tolist() == [False, True])


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        (ROW, True),
        (("a", MINUTE, 51.0, 0.0), True),
        (("a", MINUTE, float("inf"), 20.0), True),
        (("b", MINUTE, 50.0, 20.0), False),
        (("a", MINUTE + 1, 50.0, 20.0), False),
        (("a", MINUTE, 50.0, NAN), False),
        (("a", MINUTE, NAN, 20.0), False),
        (("a", MINUTE, NAN, NAN), False),
    ],
    ids=["equal", "other values", "infinite", "device", "time", "no temp", "no humidity", "no value"],
)
def test_device_time_and_metrics_are_compared_and_values_are_not(other, expected):
    assert same(ROW, other) is expected


def test_readings_without_a_value_are_equal_too():
    assert same(("a", 0, NAN, NAN), ("a", 0, NAN, NAN))


@given(ROWS)
def test_keys_are_equal_where_device_time_and_metrics_are(rows):
    batch = batch_of(rows)
    keys = reading_keys(batch)
    pairs = list(zip(keys.event_us.tolist(), keys.digest.tolist(), strict=True))
    arrivals = arrivals_of(batch)
    assert [[a == b for b in pairs] for a in pairs] == [[a == b for b in arrivals] for a in arrivals]


@given(ROWS)
def test_the_batch_does_not_matter(rows):
    """Neither the codes of devices nor the order of metrics, nor a metric that no reading has."""
    batch, first = batch_of(rows), batch_of([("z", 0, 1.0, 1.0)])
    joined = reading_keys(concat_batches([first, batch])).digest[1:]
    turned = replace(batch, metrics=batch.metrics[::-1], values=batch.values[::-1])
    wider = replace(
        batch,
        metrics=(*batch.metrics, "smoke"),
        values=np.concatenate([batch.values, np.full((1, len(batch)), np.nan)]),
    )
    expected = reading_keys(batch).digest.tolist()
    assert [joined.tolist(), *(reading_keys(one).digest.tolist() for one in (turned, wider))] == [expected] * 3


def test_the_digests_of_a_running_job_stay_the_same():
    """State holds them, so they depend on names alone, in any process and in every release."""
    keys = reading_keys(batch_of([("a", 1, 2.0, 3.0), ("b", 1, NAN, 3.0)]))
    assert keys.digest.tolist() == [13140728954045946869, 2992918021309417082]


def test_sorted_keys_keep_the_order_of_equal_ones():
    keys = ReadingKeys(np.array([2, 1, 2, 1]), np.array([5, 2**63, 5, 7], np.uint64))
    assert keys.order().tolist() == [3, 1, 0, 2]
    assert keys.select(keys.order()).again().tolist() == [False, False, False, True]
