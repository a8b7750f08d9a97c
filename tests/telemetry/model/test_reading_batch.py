from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.model.reading_batch import concat_batches, merge_names
from tests.support.batches import NAN, Row, batch_of, rows_of

A, B, C, D = ("b", 1, 50.0, 20.0), ("a", 2, NAN, 21.0), ("b", 3, 52.0, NAN), ("c", 4, 53.0, 23.0)
ROWS = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "c", "ä"]), st.integers(0, 2**50), st.floats(-1e6, 1e6), st.sampled_from([NAN, 20.0])
    ),
    min_size=1,
    max_size=30,
)


@pytest.mark.parametrize("rows", [np.array([False, True, False, True]), np.array([1, 3])])
def test_a_mask_or_an_index_picks_rows(rows):
    batch = batch_of([A, B, C, D], shift_us=10)
    assert rows_of(batch.select(rows)) == [
        ("a", 2, -8, ["nan", "21.0"], "m", 2),
        ("c", 4, -6, ["53.0", "23.0"], "m", 4),
    ]


def test_an_index_picks_in_its_own_order():
    batch = batch_of([A, B, C])
    assert rows_of(batch.select(np.array([2, 0, 2]))) == [rows_of(batch)[n] for n in (2, 0, 2)]


def test_breaches_go_with_their_rows():
    batch = replace(batch_of([A, B, C]), breaches=np.array([[0, 1, 2], [3, 4, 5]], np.uint16))
    picked = batch.select(np.array([2, 1])).breaches
    assert picked is not None
    assert picked.tolist() == [[2, 1], [5, 4]]
    assert batch_of([A, B, C]).select(np.array([0])).breaches is None


def test_picking_nothing_is_an_empty_batch():
    batch = batch_of([A, B]).select(np.zeros(2, np.bool_))
    assert len(batch) == 0
    assert batch.values.shape == (2, 0)


def test_rows_of_several_batches_come_in_order_and_know_their_messages():
    joined = concat_batches([batch_of([A, B], "first"), batch_of([C], "second"), batch_of([D, A], "third")])
    assert rows_of(joined) == [
        ("b", 1, 1, ["50.0", "20.0"], "first", 1),
        ("a", 2, 2, ["nan", "21.0"], "first", 2),
        ("b", 3, 3, ["52.0", "nan"], "second", 1),
        ("c", 4, 4, ["53.0", "23.0"], "third", 1),
        ("b", 1, 1, ["50.0", "20.0"], "third", 2),
    ]
    assert joined.devices == ("b", "a", "c"), "a device of several batches is one device"
    assert len(joined.messages) == 3


@given(ROWS, st.lists(st.integers(0, 30), max_size=5))
def test_cut_and_joined_is_the_same(rows, cuts):
    whole = batch_of(rows)
    edges = [0, *sorted(min(cut, len(rows)) for cut in cuts), len(rows)]
    parts = [whole.select(np.arange(start, end)) for start, end in pairwise(edges) if end > start]
    joined = concat_batches(parts)
    assert rows_of(joined) == rows_of(whole)
    assert joined.metrics == whole.metrics


def test_types_stay_as_they_are():
    joined = concat_batches([batch_of([A]), batch_of([B])])
    for batch in (joined, joined.select(np.array([True, False]))):
        types = [array.dtype for array in (batch.device, batch.event_us, batch.source_us, batch.message, batch.line)]
        assert types == [np.int32, np.int64, np.int64, np.int32, np.int32]
        assert batch.values.dtype == np.float64


def test_one_batch_is_joined_to_itself():
    batch = batch_of([A])
    assert concat_batches([batch]) is batch


@given(st.lists(st.lists(st.sampled_from("abcdef"), min_size=1, unique=True), min_size=1, max_size=5), st.data())
def test_merged_names_are_distinct_and_mean_the_same(lists, data):
    parts = [tuple(names) for names in lists]
    codes = [
        np.array(data.draw(st.lists(st.integers(0, len(names) - 1), max_size=8)), np.int32).astype(np.int32)
        for names in parts
    ]
    names, code = merge_names(parts, codes)
    assert len(set(names)) == len(names)
    expected = [part[n] for part, numbers in zip(parts, codes, strict=True) for n in numbers.tolist()]
    assert [names[n] for n in code.tolist()] == expected


def test_a_batch_has_as_many_rows_as_times():
    rows: list[Row] = [A, B, C]
    assert len(batch_of(rows)) == 3
