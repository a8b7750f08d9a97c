"""Runs of repeated readings: what they teach, and when they are unusual. Blocks are hours, readings minutes."""

import math

import pytest

from telemetry.rules.unusual import LearnedStuck
from tests.support.incidents import START
from tests.support.learned_series import DAY, MINUTE, ColumnarDetector, Reading

CONDITION = LearnedStuck(0, 7 * DAY)


def minutely(values: list[float], begin: int = 0) -> list[Reading]:
    return [(0, START + (begin + minute) * MINUTE, value, math.nan) for minute, value in enumerate(values)]


def runs(length: int, number: int) -> list[float]:
    return [float(run) for run in range(number) for _ in range(length)]


def test_a_run_is_unusual_when_it_has_a_chance_of_one_in_a_million() -> None:
    """Two of three readings repeat the one before: the limit is ln(1e-6) / ln(2/3), which is 34.07."""
    detector = ColumnarDetector(CONDITION, None)
    detector.see(minutely(runs(3, 20)))
    scores = [one.score for one in detector.see(minutely([99.0] * 40, begin=60))]
    assert scores[0] == pytest.approx(1 / 34.07, rel=1e-3)
    assert [number + 1 for number, score in enumerate(scores) if score > 1] == [35, 36, 37, 38, 39, 40]


def test_readings_that_never_repeat_are_stuck_after_ten() -> None:
    detector = ColumnarDetector(CONDITION, None)
    detector.see(minutely(runs(1, 60)))
    scores = [one.score for one in detector.see(minutely([99.0] * 12, begin=60))]
    assert scores == pytest.approx([run / 10 for run in range(1, 13)])


@pytest.mark.parametrize(("stuck", "taught"), [(34, 34.0), (35, 3.75)])
def test_an_unusual_run_teaches_a_quarter_more_than_the_longest_before(stuck: int, taught: float) -> None:
    detector = ColumnarDetector(CONDITION, None)
    detector.see(minutely(runs(3, 20)))
    detector.see(minutely([99.0] * stuck + [1.0], begin=60))
    assert detector.memory["open_longest"][0] == taught
