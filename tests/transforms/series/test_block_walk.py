"""Blocks of many series: rounds, their order, and tracks without readings."""

from random import Random
from typing import Any

import numpy as np

from transforms.series.block_walk import BlockWalk, blocks_of
from transforms.series.track import Track, track_of

Row = tuple[int, int]
"""Slot and time."""


def track(*rows: Row) -> Track:
    slot, time_us = ([row[place] for row in rows] for place in (0, 1))
    return track_of(np.array(slot, np.int32), np.array(time_us, np.int64), np.arange(len(rows), dtype=np.float64))


def rounds(walk: BlockWalk) -> list[dict[str, Any]]:
    return [
        {
            "blocks": one.block_us.tolist(),
            "rows": one.rows.tolist(),
            "series": one.series.tolist(),
            "begins": one.begins.tolist(),
        }
        for one in walk
    ]


def test_a_round_has_one_block_of_each_series_that_has_as_many() -> None:
    """Slot 5 has blocks at 0 and 20, slot 2 at 10 only, slot 7 at 0, 10 and 30."""
    walk = blocks_of(track((2, 10), (2, 19), (5, 1), (5, 9), (5, 20), (7, 0), (7, 15), (7, 16), (7, 39)), 10)
    assert walk.slots.tolist() == [7, 5, 2]
    assert rounds(walk) == [
        {"blocks": [0, 0, 10], "rows": [5, 2, 3, 0, 1], "series": [0, 1, 1, 2, 2], "begins": [0, 1, 3]},
        {"blocks": [10, 20], "rows": [6, 7, 4], "series": [0, 0, 1], "begins": [0, 2]},
        {"blocks": [30], "rows": [8], "series": [0], "begins": [0]},
    ]
    assert [one.number for one in walk] == [3, 2, 1]


def test_series_with_as_many_blocks_stay_in_the_order_of_their_slots() -> None:
    walk = blocks_of(track((0, 5), (3, 1), (4, 2)), 10)
    assert walk.slots.tolist() == [0, 3, 4]
    assert rounds(walk) == [{"blocks": [0, 0, 0], "rows": [0, 1, 2], "series": [0, 1, 2], "begins": [0, 1, 2]}]


def test_blocks_before_1970_begin_at_multiples_of_their_length() -> None:
    walk = blocks_of(track((0, -11), (0, -10), (0, -1), (0, 0)), 10)
    assert [one["blocks"] for one in rounds(walk)] == [[-20], [-10], [0]]
    assert [one["rows"] for one in rounds(walk)] == [[0], [1, 2], [3]]


def test_every_row_is_in_one_block_of_its_series_and_blocks_come_in_their_order() -> None:
    random = Random(3)
    found = track(*sorted({(random.randrange(40), random.randrange(-500, 500)) for _ in range(600)}))
    walk = blocks_of(found, 50)
    seen: list[int] = []
    last = np.full(40, -(2**62))
    for one in walk:
        seen += one.rows.tolist()
        np.testing.assert_array_equal(walk.slots[one.series], found.slot[one.rows])
        np.testing.assert_array_equal(one.block_us[one.series], found.time_us[one.rows] // 50 * 50)
        np.testing.assert_array_equal(one.series[one.begins], np.arange(one.number))
        assert (one.block_us > last[: one.number]).all()
        last[: one.number] = one.block_us
    assert sorted(seen) == [*range(len(found))]


def test_a_track_without_readings_has_no_round() -> None:
    walk = blocks_of(track(), 10)
    assert (rounds(walk), walk.slots.tolist()) == ([], [])
