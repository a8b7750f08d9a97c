"""Bins of the values of many series."""

import numpy as np
import pytest

from transforms.baselines.histogram import add, bin_of, near, widen

pytestmark = pytest.mark.filterwarnings("error")


def test_a_value_is_in_a_bin_of_the_range_and_the_high_end_in_the_last_one() -> None:
    values = np.array([10.0, 10.99, 11.0, 13.99, 14.0])
    assert bin_of(values, np.full(5, 10.0), np.full(5, 1.0), 4).tolist() == [0, 0, 1, 3, 3]


def test_values_outside_are_in_the_outer_bins() -> None:
    assert bin_of(np.array([-5.0, 99.0]), np.full(2, 10.0), np.full(2, 1.0), 4).tolist() == [0, 3]


def test_a_range_of_one_value_and_no_range_have_one_bin() -> None:
    assert bin_of(np.array([7.0, 7.0]), np.array([7.0, np.nan]), np.array([0.0, np.nan]), 4).tolist() == [0, 0]


def test_values_are_counted_and_those_nearby_are_in_the_bin_and_those_beside_it() -> None:
    counts = np.zeros((3, 4), np.uint8)
    add(counts, np.array([0, 0, 0, 2, 2]), np.array([0, 0, 1, 3, 2]))
    assert counts.tolist() == [[2, 1, 0, 0], [0, 0, 0, 0], [0, 0, 1, 1]]
    series, place = np.array([0, 0, 0, 0, 1, 2, 2]), np.array([0, 1, 2, 3, 0, 3, 0])
    assert near(counts, series, place).tolist() == [3, 3, 1, 0, 0, 2, 0]


@pytest.mark.parametrize(("number", "unit", "expected"), [(254, 1, 254), (255, 1, 255), (300, 1, 255), (5, 64, 255)])
def test_a_full_bin_stays_full(number: int, unit: int, expected: int) -> None:
    counts = np.zeros((1, 4), np.uint8)
    add(counts, np.zeros(number, np.intp), np.full(number, 2), unit)
    assert counts.tolist() == [[0, 0, expected, 0]]
    assert near(np.full((1, 4), 255, np.uint8), np.array([0]), np.array([1])).tolist() == [765]


def test_counts_move_to_the_bins_of_their_centres() -> None:
    """From 0 to 4 in bins of 1, to 0 to 8 in bins of 2; the series between them stays."""
    counts = np.array([[1, 2, 4, 8], [1, 1, 1, 1], [1, 2, 4, 8]], np.uint16)
    widen(
        counts,
        np.array([0, 2]),
        (np.array([0.0, 0.0]), np.array([1.0, 1.0])),
        (np.array([0.0, -4.0]), np.array([2.0, 2.0])),
    )
    assert counts.tolist() == [[3, 12, 0, 0], [1, 1, 1, 1], [0, 0, 3, 12]]


def test_counts_that_meet_in_a_bin_fill_it_at_most() -> None:
    counts = np.array([[200, 100, 0, 7]], np.uint8)
    widen(counts, np.array([0]), (np.array([0.0]), np.array([1.0])), (np.array([0.0]), np.array([2.0])))
    assert counts.tolist() == [[255, 7, 0, 0]]


def test_a_range_of_one_value_widens() -> None:
    counts = np.array([[9, 0, 0, 0]], np.uint16)
    widen(counts, np.array([0]), (np.array([5.0]), np.array([0.0])), (np.array([1.0]), np.array([1.0])))
    assert counts.tolist() == [[0, 0, 0, 9]]
