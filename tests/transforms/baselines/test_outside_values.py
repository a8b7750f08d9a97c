"""Values outside of a range, which wait for the end of their block."""

import numpy as np

from transforms.baselines.outside_values import OutsideValues


def outside(*pairs: tuple[int, float]) -> OutsideValues:
    return OutsideValues(
        np.array([one for one, _ in pairs], np.intp), np.array([value for _, value in pairs], np.float64)
    )


def pairs(values: OutsideValues) -> list[tuple[int, float]]:
    return [*zip(values.series.tolist(), values.values.tolist(), strict=True)]


def test_values_of_some_slots_are_numbered_by_their_place() -> None:
    mine, others = outside((4, 1.0), (2, 2.0), (4, 3.0), (9, 4.0)).of(np.array([9, 3, 4]))
    assert pairs(mine) == [(2, 1.0), (2, 3.0), (0, 4.0)]
    assert pairs(others) == [(2, 2.0)]


def test_without_slots_or_without_values_nothing_is_found() -> None:
    mine, others = outside((4, 1.0)).of(np.empty(0, np.intp))
    assert (pairs(mine), pairs(others)) == ([], [(4, 1.0)])
    mine, others = outside().of(np.array([1, 0]))
    assert (pairs(mine), pairs(others)) == ([], [])


def test_a_slot_beyond_the_largest_is_not_the_largest() -> None:
    mine, others = outside((5, 1.0), (4, 2.0)).of(np.array([4]))
    assert (pairs(mine), pairs(others)) == ([(0, 2.0)], [(5, 1.0)])


def test_blocks_that_close_take_their_values_and_others_wait() -> None:
    ending, waiting = outside((0, 1.0), (1, 2.0), (3, 3.0), (0, 4.0)).divide(np.array([True, False]))
    assert pairs(ending) == [(0, 1.0), (0, 4.0)]
    assert pairs(waiting) == [(1, 2.0), (3, 3.0)]
    ending, waiting = outside().divide(np.array([True]))
    assert (pairs(ending), pairs(waiting)) == ([], [])


def test_joined_values_are_in_order_by_series_and_of_a_series_as_they_came() -> None:
    joined = outside((3, 1.0), (0, 2.0)).joined(outside((3, 0.5), (0, 9.0))).in_order()
    assert pairs(joined) == [(0, 2.0), (0, 9.0), (3, 1.0), (3, 0.5)]
    assert pairs(outside().joined(outside((1, 1.0)))) == [(1, 1.0)]
    assert pairs(outside((1, 1.0)).joined(outside())) == [(1, 1.0)]
