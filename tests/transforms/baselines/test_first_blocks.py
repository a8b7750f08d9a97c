"""Series whose first blocks are constant learn afterwards."""

import math
from random import Random

import pytest

from telemetry.rules.unusual import Unusual
from tests.support.incidents import START
from tests.support.learned_series import DAY, HOUR, MINUTE, ColumnarDetector, Reading

LEVEL = Unusual("level", 6.0, 3.0, 0, DAY)
DRIFT = Unusual("drift", 100.0, 50.0, 0, 2 * HOUR)
TOGETHER = Unusual("together", 4.0, 2.0, 0, DAY, metrics=("temp", "humidity"))


def readings(minutes: int, values: list[float]) -> list[Reading]:
    return [(0, START + number * minutes * MINUTE, value, value) for number, value in enumerate(values)]


def noise(number: int, about: float) -> list[float]:
    random = Random(1)
    return [random.gauss(about, 1.0) for _ in range(number)]


def test_a_level_that_begins_constant_is_learned() -> None:
    found = ColumnarDetector(LEVEL, None).see(readings(1, [20.0] * 30 + noise(5 * 1440, 25.0)))
    assert found[-1].expected == pytest.approx(25.0, abs=0.3)
    assert found[-1].spread == pytest.approx(1.0, abs=0.15)


def test_a_level_of_one_reading_a_block_is_learned() -> None:
    """The first reading of a series is its usual value at first: it is not off at all."""
    detector = ColumnarDetector(LEVEL, None)
    detector.see(readings(20, noise(1000, 25.0)))
    assert detector.memory["mean"][0] == pytest.approx(25.0, abs=0.3)
    assert detector.memory["deviation"][0] == pytest.approx(0.8, abs=0.1)


def test_the_usual_distance_of_minutes_to_hours_is_learned() -> None:
    """Both are the same mean at first."""
    detector = ColumnarDetector(DRIFT, None)
    detector.see(readings(1, [20.0 + 5.0 * math.sin(minute / 100.0) for minute in range(3000)]))
    assert detector.memory["distance"][0] > 1.0


def test_metrics_that_begin_constant_are_judged_together() -> None:
    detector = ColumnarDetector(TOGETHER, None)
    found = detector.see(readings(1, [20.0] * 30 + noise(1440, 20.0)))
    assert not math.isnan(found[-1].score)
