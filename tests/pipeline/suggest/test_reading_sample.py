"""The sample of readings: bounded, fair, and the same however the readings come."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pipeline.suggest.reading_sample import ReadingSample

NAMES = ("a", "b", "c")
COUNT = 3_000
DEVICE = (np.arange(COUNT) % 3).astype(np.int32)
TIME_US = np.arange(COUNT) * 1_000_000
NUMBERS = np.arange(COUNT, dtype=np.float64)[np.newaxis]


def sampled(order: NDArray[np.intp], cuts: list[int], most: int = 1_000) -> list[float]:
    sample = ReadingSample(1, most)
    for part in np.split(order, cuts):
        sample.add(NAMES, DEVICE[part], TIME_US[part], NUMBERS[:, part])
    assert (DEVICE[sample.numbers[0].astype(int)] == sample.device).all()
    assert (TIME_US[sample.numbers[0].astype(int)] == sample.time_us).all()
    return sorted(sample.numbers[0].tolist())


def test_all_readings_are_kept_while_they_are_few():
    assert sampled(np.arange(COUNT), [], most=COUNT) == NUMBERS[0].tolist()


def test_a_sample_is_bounded_and_fair():
    kept = np.array(sampled(np.arange(COUNT), []), int)
    assert 400 < len(kept) <= 1_000
    assert abs(np.bincount(DEVICE[kept]) / len(kept) - 1 / 3).max() < 0.06
    assert abs(kept.mean() / COUNT - 0.5) < 0.04


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 2**32), st.lists(st.integers(0, COUNT), max_size=5))
def test_order_and_cuts_make_no_difference(seed, cuts):
    order = np.random.default_rng(seed).permutation(COUNT)
    assert sampled(order, sorted(cuts)) == sampled(np.arange(COUNT), [])


def test_many_metrics_have_fewer_rows():
    assert ReadingSample(1_000)._most_rows == 4_000
