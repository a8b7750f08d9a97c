"""Readings on their way to the keys that remember them."""

from collections import defaultdict
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.feed.feed import DeviceFields, Feed
from telemetry.feed.readings.canonical import CANONICAL_DOCUMENTS
from telemetry.model.message_batch import MessageBatch
from telemetry.model.messages import Message
from telemetry.model.reading_batch import ReadingBatch, concat_batches
from tests.support.batches import METRICS, MINUTE, NAN, batch_of, rows_of
from transforms.decode.decode_spec import DecodeSpec
from transforms.decode.feed_messages import FeedRowsAgain
from transforms.dedup.shard_readings import (
    SLICE_US,
    SliceKey,
    decode_readings,
    divide_readings,
    encode_readings,
    row_form,
)
from transforms.shuffle.key_pool import POOL_SIZE
from transforms.shuffle.shards import shard_of

SPEC = DecodeSpec(METRICS)
OF_A_FEED = DecodeSpec(METRICS, feed=Feed(device=DeviceFields(column="id")))
DOCUMENTS = DecodeSpec(METRICS, feed=CANONICAL_DOCUMENTS)
ROWS = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "c", "d", "é"]),
        st.integers(0, 3 * SLICE_US) | st.sampled_from([0, SLICE_US - 1, SLICE_US, POOL_SIZE * SLICE_US]),
        st.sampled_from([NAN, 50.0]),
        st.sampled_from([NAN, 20.0]),
    ),
    min_size=1,
    max_size=12,
)


@st.composite
def batches(draw: st.DrawFn) -> ReadingBatch:
    """Readings of several messages."""
    parts = [batch_of(rows, f"m{n}", shift_us=n) for n, rows in enumerate(draw(st.lists(ROWS, min_size=1, max_size=4)))]
    return concat_batches(parts)


@given(batches(), st.integers(1, 4))
def test_each_reading_goes_to_the_key_of_its_device_and_time_in_order(batch, shards):
    found: dict[SliceKey, list[object]] = defaultdict(list)
    for key, part in divide_readings(batch, shards):
        decoded = decode_readings(encode_readings(part), SPEC)
        assert rows_of(decoded) == rows_of(part)
        assert set(part.devices) == {row[0] for row in rows_of(part)}
        assert set(part.messages.ids) == {row[4] for row in rows_of(part)}
        found[key] += rows_of(part)
    expected = defaultdict(list)
    for row in rows_of(batch):
        expected[shard_of(row[0], shards), row[1] // SLICE_US % POOL_SIZE].append(row)
    # Two slices of one key come one after the other.
    by_slice = {key: sorted(rows, key=lambda row: row[1] // SLICE_US) for key, rows in expected.items()}
    assert dict(found) == by_slice


def test_readings_of_one_key_are_not_copied():
    batch = batch_of([("a", 0, 1.0, 2.0), ("b", MINUTE, 1.0, 2.0)])
    ((key, part),) = divide_readings(batch, 1)
    assert key == (0, 0)
    assert part is batch


def test_all_that_belongs_to_a_message_comes_back():
    message = Message(b"{}\n{}", {"run_id": "r"}, "m1", 5, 7, ("ts", "device"), 3)
    other = Message(b"x", {}, "m0", None, 7, ("ts", "device"), 3)
    batch = batch_of([("a", 0, 1.0, NAN), ("a", 1, 1.0, NAN)])
    batch = replace(batch, messages=MessageBatch.of([other, message]), message=np.array([1, 1], np.int32))
    ((_, part),) = divide_readings(batch, 1)
    decoded = decode_readings(encode_readings(part), SPEC)
    assert list(decoded.messages) == [message]
    assert decoded.message.tolist() == [0, 0]
    assert (decoded.messages.watermark_us, decoded.breaches) == (7, None)


@pytest.mark.parametrize(
    ("metrics", "values"),
    [(("temp", "co", "humidity"), ["[2.0, 4.0]", "[nan, nan]", "[1.0, 3.0]"]), (("humidity",), ["[1.0, 3.0]"])],
)
def test_readings_of_a_job_with_other_metrics_become_those_of_this_one(metrics, values):
    content = encode_readings(batch_of([("a", 0, 1.0, 2.0), ("a", 1, 3.0, 4.0)]))
    decoded = decode_readings(content, DecodeSpec(metrics))
    assert decoded.metrics == metrics
    assert [repr(row.tolist()) for row in decoded.values] == values


@pytest.mark.parametrize(
    ("raw", "spec", "form"),
    [
        (None, SPEC, 0),
        (None, OF_A_FEED, 0),
        (FeedRowsAgain(OF_A_FEED), OF_A_FEED, 1),
        (FeedRowsAgain(DOCUMENTS), SPEC, 2),
    ],
    ids=["lines", "lines beside a feed", "rows of a feed", "documents"],
)
def test_the_bytes_of_readings_are_found_again_in_their_messages(raw, spec, form):
    batch = replace(batch_of([("a", 0, 1.0, 2.0)]), raw=raw)
    assert decode_readings(encode_readings(batch), spec).raw == raw
    assert row_form(raw) == form
