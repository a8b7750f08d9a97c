"""Partial aggregates of a batch of a stream, and their bytes."""

from collections.abc import Sequence
from dataclasses import replace

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.model.message_batch import MessageBatch
from telemetry.model.messages import Message
from telemetry.model.reading_batch import ReadingBatch, concat_batches
from tests.support.batches import BY_MINUTE, MINUTE, NAN, Row, batch_of
from transforms.shuffle.shards import shard_of
from transforms.windows.aggregate_table import aggregate_batch, merge_tables, spread_windows
from transforms.windows.late import PossiblyLateRows, find_possibly_late, select_rows
from transforms.windows.partial_aggregate import PartialAggregate, decode_partial, encode_partial, partial_aggregates
from transforms.windows.table_bytes import decode_table, encode_table
from transforms.windows.window_spec import WindowSpec

HOUR = 60 * MINUTE
SPEC = WindowSpec(MINUTE, MINUTE, 10 * MINUTE)
ROWS = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "ä"]), st.integers(0, 4 * HOUR), st.floats(-9, 9), st.floats(-9, 9) | st.just(NAN)
    ),
    min_size=1,
    max_size=20,
)


def told(batch: ReadingBatch, watermark_us: int | None = None, publish_us: int | None = None) -> ReadingBatch:
    """A batch whose messages tell this watermark and publish time."""
    messages = [
        msgspec.structs.replace(message, watermark_us=watermark_us, publish_us=publish_us) for message in batch.messages
    ]
    return replace(batch, messages=MessageBatch.of(messages))


def lines_of(rows: PossiblyLateRows) -> list[tuple[str, int, int]]:
    """Message, line and event time of each row."""
    return [
        (rows.messages[code].message_id, line, event_us)
        for code, line, event_us in zip(rows.message, rows.line.tolist(), rows.event_us.tolist(), strict=True)
    ]


@given(ROWS, st.sampled_from([1, 3]), st.sampled_from([SPEC, WindowSpec(4 * MINUTE, MINUTE, 0)]))
def test_partial_aggregates_are_the_batch_by_shard_and_hour(rows, shards, spec):
    batch = batch_of(rows)
    found = list(partial_aggregates(batch, spec, shards, HOUR))
    whole = spread_windows(aggregate_batch(batch, spec), spec)
    assert len({(shard, bucket) for shard, bucket, _ in found}) == len(found)
    for shard, bucket, partial in found:
        assert {shard_of(device, shards) for device in partial.table.devices} == {shard}
        assert set((partial.table.window_us // HOUR).tolist()) == {bucket}
    together = merge_tables([partial.table for _, _, partial in found])
    assert sorted(together.devices) == sorted(whole.devices)
    assert together.ints.sum() == whole.ints.sum()
    late = [row for _, _, partial in found if partial.possibly_late for row in lines_of(partial.possibly_late)]
    assert sorted(late) == [("m", n, row[1]) for n, row in enumerate(rows, 1)], "the source tells nothing: any may be"


def test_a_row_that_may_be_late_goes_with_its_first_window():
    batch = batch_of([("a", HOUR + 1, 1.0, 2.0), ("a", 3 * HOUR, 1.0, 2.0)])
    found = {bucket: partial for _, bucket, partial in partial_aggregates(batch, WindowSpec(2 * HOUR, HOUR), 1, HOUR)}
    late = {bucket: partial.possibly_late for bucket, partial in found.items()}
    assert {bucket: rows and lines_of(rows) for bucket, rows in late.items()} == {
        0: [("m", 1, HOUR + 1)],
        1: None,
        2: [("m", 2, 3 * HOUR)],
        3: None,
    }


@pytest.mark.parametrize(
    ("watermark_us", "publish_us", "expected"),
    [
        pytest.param(11 * MINUTE - 1, None, [False, False], id="before the end of the lateness"),
        pytest.param(11 * MINUTE, None, [True, False], id="at the end of the lateness"),
        pytest.param(0, 2**60, [False, False], id="told"),
        pytest.param(None, 11 * MINUTE - 1, [False, False], id="untold, published before"),
        pytest.param(None, 11 * MINUTE, [True, False], id="untold, published afterwards"),
        pytest.param(None, None, [True, True], id="nothing known"),
    ],
)
def test_what_may_be_late(watermark_us, publish_us, expected):
    batch = told(batch_of([("a", 59, 1.0, 2.0), ("a", 5 * HOUR, 1.0, 2.0)]), watermark_us, publish_us)
    assert find_possibly_late(batch, SPEC, watermark_us).tolist() == expected


def test_the_highest_watermark_of_the_messages_counts():
    batch = concat_batches([told(batch_of([("a", 0, 1.0, 2.0)]), us) for us in (5, 9, None, 7)])
    assert [partial.watermark_us for _, _, partial in partial_aggregates(batch, SPEC, 1, HOUR)] == [9]


def test_selected_rows_keep_only_the_messages_they_came_from():
    rows: list[list[Row]] = [[("a", n, 1.0, 2.0), ("a", n + 5, 1.0, 2.0)] for n in range(3)]
    batch = concat_batches(list(map(batch_of, rows, "xyz")))
    assert [message.message_id for message in batch.messages] == ["x", "y", "z"]
    selected = select_rows(batch, np.array([5, 0]))
    assert [message.message_id for message in selected.messages] == ["x", "z"]
    assert lines_of(selected) == [("z", 2, 7), ("x", 1, 0)]


def same(one: PartialAggregate, other: PartialAggregate) -> bool:
    rows = [partial.possibly_late for partial in (one, other)]
    return (
        encode_table(one.table) == encode_table(other.table)
        and one.watermark_us == other.watermark_us
        and [None if late is None else (late.messages, lines_of(late)) for late in rows[:1]]
        == [None if late is None else (late.messages, lines_of(late)) for late in rows[1:]]
    )


@pytest.mark.parametrize("minutes", [1, 500])
@pytest.mark.parametrize("watermark_us", [None, 0, 2**50])
def test_bytes_and_back(minutes: int, watermark_us: int | None):
    rows: Sequence[Row] = [("ä", n * MINUTE, 1.5, NAN) for n in range(minutes)]
    message = Message(b"x\n" * minutes, {"a": "b"}, "id", 5, watermark_us, ("ts", "device"), 3)
    batch = replace(batch_of(rows), messages=MessageBatch.of([message]))
    for _, _, partial in partial_aggregates(batch, SPEC, 1, HOUR):
        decoded = decode_partial(encode_partial(partial))
        assert same(decoded, partial)
        assert decoded.message_ids() == partial.message_ids()


def test_a_message_goes_once_to_all_the_places_of_its_late_rows():
    """Its payload is not repeated for each shard and hour: 1,000 hours of a megabyte would be a gigabyte."""
    rows: list[Row] = [(f"device-{n % 7}", n * HOUR, 1.0, 2.0) for n in range(1_000)]
    batch = told(batch_of(rows), 2**50)
    payload = batch.messages.payload(0)
    partials = [partial for _, _, partial in partial_aggregates(batch, SPEC, 16, HOUR)]
    late = [partial.possibly_late for partial in partials if partial.possibly_late is not None]
    assert len(late) > 500
    assert sorted(line for one in late for line in one.contents) == sorted(payload.split(b"\n"))
    assert all(message.payload == b"" for one in late for message in one.messages)


@given(ROWS)
def test_a_table_arrives_as_it_left(rows):
    table = aggregate_batch(batch_of(rows), BY_MINUTE)
    decoded = decode_table(encode_table(table))
    assert (decoded.metrics, decoded.devices) == (table.metrics, table.devices)
    for name in ("device", "window_us", "floats", "ints"):
        found, expected = getattr(decoded, name), getattr(table, name)
        assert (found.dtype, found.shape, found.tobytes()) == (expected.dtype, expected.shape, expected.tobytes()), name


def test_a_table_without_groups_arrives_too():
    table = aggregate_batch(batch_of([("a", 0, 1.0, 2.0)]), BY_MINUTE).select(np.zeros(1, np.bool_))
    decoded = decode_table(encode_table(table))
    assert (len(decoded), decoded.floats.shape, decoded.ints.shape) == (0, (6, 2, 0), (4, 2, 0))
