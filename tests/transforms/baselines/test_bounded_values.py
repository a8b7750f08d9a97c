"""Values near the limits of floating point are bounded, and then no detector warns of an overflow."""

import math
from random import Random

import numpy as np
import pytest

from telemetry.rules.unusual import LearnedStuck, Unusual
from tests.support.incidents import START
from tests.support.learned_series import DAY, HOUR, MINUTE, ColumnarDetector
from transforms.baselines.bounded_values import bounded

EXTREMES = [1.7e308, -1.7e308, 5e-324, -0.0, 0.0, 1e200, 1e39, 5.0, 20.0]
CONDITIONS = [
    Unusual("jump", 4.0, 2.0, 0, HOUR),
    Unusual("level", 4.0, 2.0, 0, HOUR, season="hour"),
    Unusual("drift", 4.0, 2.0, 0, HOUR),
    Unusual("novel", 4.0, 2.0, 0, DAY, span_us=HOUR),
    Unusual("together", 4.0, 2.0, 0, HOUR, metrics=("temp", "humidity")),
    LearnedStuck(0, HOUR),
]


def test_values_in_between_stay_as_they_are() -> None:
    values = np.array([-1e30, -1e-30, -0.0, 0.0, math.nan, 20.0, 1e30])
    assert bounded(values) is values


def test_values_beyond_become_the_bound_or_zero() -> None:
    values = np.array([1.7e308, -1.1e30, 5e-324, -9e-31, math.nan, 20.0])
    np.testing.assert_array_equal(bounded(values), [1e30, -1e30, 0.0, 0.0, math.nan, 20.0])


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("condition", CONDITIONS, ids=lambda one: getattr(one, "kind", "stuck"))
def test_no_detector_overflows(condition: Unusual | LearnedStuck) -> None:
    for seed in range(25):
        random = Random(seed)
        some = [*random.sample(EXTREMES, random.choice([1, 2, 5])), 20.0]
        values = bounded(np.array([random.choice(some) for _ in range(400)])).tolist()
        rows = [(0, START + row * MINUTE, *values[2 * row : 2 * row + 2]) for row in range(200)]
        found = ColumnarDetector(condition, None).see(rows)
        assert not any(math.isinf(number) for one in found for number in one)
