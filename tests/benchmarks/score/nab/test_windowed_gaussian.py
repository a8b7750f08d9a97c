"""The windowed Gaussian is what its definition says, value after value."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.score.nab.windowed_gaussian import windowed_gaussian


def plain_scores(values: list[float], window: int, step: int) -> list[float]:
    """Return the scores, one value after the other."""
    held: list[float] = []
    waiting: list[float] = []
    scores = []
    for value in values:
        if held:
            deviation = float(np.std(held)) or 1e-6
            scores.append(1 - 0.5 * math.erfc(abs(value - float(np.mean(held))) / deviation / math.sqrt(2)))
        else:
            scores.append(0.0)
        if len(held) < window:
            held.append(value)
        else:
            waiting.append(value)
            if len(waiting) == step:
                held, waiting = held[step:] + waiting, []
    return scores


@given(st.lists(st.integers(-20, 20).map(float), max_size=60), st.integers(9, 20), st.integers(1, 9))
def test_scores_are_those_of_the_definition(values, window, step):
    expected = plain_scores(values, window, step)
    assert windowed_gaussian(np.array(values), window, step).tolist() == pytest.approx(expected, abs=1e-7)


def test_a_score_that_rounds_to_1_is_1():
    found = windowed_gaussian(np.array([0.0, 1.0, 0.0, 1.0, 4.0, 100.0]))
    assert found[0] == 0
    assert found[2] == pytest.approx(0.841344746, abs=1e-9)  # one standard deviation from the mean
    assert 0.99 < found[4] < 1
    assert found[5] == 1
