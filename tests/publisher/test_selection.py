"""Selection of the rows that are replayed."""

from collections.abc import Iterator

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from publisher.json_lines import NO_TIME, LineBatch
from publisher.replay.selection import Selection


def select(selection: Selection, times: list[int], cut: int = 100) -> list[int]:
    texts = [str(n) for n in range(len(times))]
    batches = [
        LineBatch(texts[i : i + cut], np.array(times[i : i + cut], np.int64), [""] * len(times[i : i + cut]))
        for i in range(0, len(times), cut)
    ]
    return [int(text) for batch in selection.select(iter(batches)) for text in batch.texts]


def test_everything_by_default() -> None:
    assert select(Selection(), [5, NO_TIME, 3]) == [0, 1, 2]


def test_the_start_is_included_and_the_end_is_not() -> None:
    assert select(Selection(start_us=2, end_us=4), [1, 2, 3, 4, 5, 3]) == [1, 2, 5]


def test_a_row_without_a_time_is_treated_like_the_row_before_it() -> None:
    assert select(Selection(start_us=2, end_us=4), [NO_TIME, 1, NO_TIME, 2, NO_TIME, NO_TIME, 4, NO_TIME]) == [
        0,
        3,
        4,
        5,
    ]


def test_the_limit_counts_selected_rows() -> None:
    assert select(Selection(start_us=2, limit=2), [1, 2, 1, 3, 4]) == [1, 3]


@given(
    times=st.lists(st.one_of(st.just(NO_TIME), st.integers(0, 9))),
    start=st.one_of(st.none(), st.integers(0, 9)),
    end=st.one_of(st.none(), st.integers(0, 9)),
    limit=st.one_of(st.none(), st.integers(1, 5)),
    cut=st.integers(1, 4),
)
def test_the_selection_equals_that_of_a_plain_loop(
    times: list[int], start: int | None, end: int | None, limit: int | None, cut: int
) -> None:
    expected: list[int] = []
    inside = True
    for number, time in enumerate(times):
        if time != NO_TIME:
            inside = (start is None or time >= start) and (end is None or time < end)
        if inside and (limit is None or len(expected) < limit):
            expected.append(number)
    assert select(Selection(start, end, limit), times, cut) == expected


def test_nothing_is_read_after_the_limit() -> None:
    def endless() -> Iterator[LineBatch]:
        while True:
            yield LineBatch(["x"], np.array([1], np.int64), ["a"])

    assert sum(map(len, Selection(limit=3).select(endless()))) == 3
