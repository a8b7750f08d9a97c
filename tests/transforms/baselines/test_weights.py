"""Lengths and weights of blocks."""

import numpy as np
import pytest

from tests.support.incidents import SECOND
from transforms.baselines.weights import Weights, block_length_us

MINUTE = 60 * SECOND


@pytest.mark.parametrize(
    ("half_life", "length"),
    [
        (SECOND, SECOND),  # never shorter
        (100 * SECOND, SECOND),
        (499 * SECOND, SECOND),
        (500 * SECOND, 5 * SECOND),
        (120 * MINUTE, MINUTE),
        (360 * MINUTE, 2 * MINUTE),
        (1440 * MINUTE, 10 * MINUTE),
        (6000 * MINUTE, 60 * MINUTE),
        (10**9 * MINUTE, 60 * MINUTE),  # never longer
    ],
)
def test_a_block_is_an_even_part_of_an_hour_and_at_most_a_hundredth_of_the_half_life(half_life, length) -> None:
    assert block_length_us(half_life, 100) == length


def test_half_is_forgotten_in_the_half_life_and_no_more_than_64_blocks_count() -> None:
    weights = Weights(4 * MINUTE, MINUTE)
    before = np.array([0, 0, 0, 0, 0, -2 * MINUTE])
    now = np.array([0, MINUTE, 4 * MINUTE, 8 * MINUTE, 10**6 * MINUTE, 2 * MINUTE])
    expected = [0.0, 1.0 - 0.5**0.25, 0.5, 0.75, 1.0 - 0.5**16, 0.5]
    assert weights.since(before, now).tolist() == expected


def test_few_readings_forget_less() -> None:
    weights = Weights(4 * MINUTE, MINUTE, 12)
    before, now = np.zeros(4, np.int64), np.full(4, 4 * MINUTE)
    assert weights.of(before, now, np.array([0, 6, 12, 1000])).tolist() == [0.0, 1.0 - 0.5**0.5, 0.5, 0.5]


def test_a_block_before_the_other_weighs_nothing() -> None:
    assert Weights(MINUTE, MINUTE).since(np.array([MINUTE]), np.array([0])).tolist() == [0.0]


def test_a_series_without_a_block_is_as_one_that_was_away_for_long() -> None:
    """Its weight has no meaning, but its computation must not overflow."""
    assert Weights(MINUTE, MINUTE).since(np.array([-(2**62)]), np.array([2**51])).tolist() == [1.0]
