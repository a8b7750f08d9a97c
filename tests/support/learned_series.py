"""Make up series of readings, and score them with the columnar detectors."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

import numpy as np
from numpy.typing import NDArray

from telemetry.rules.unusual import LearnedStuck, Unusual
from tests.support.incidents import SECOND, START
from tests.support.learned_oracle import Seen
from transforms.baselines.drift import score_drifts
from transforms.baselines.fields import learned_fields
from transforms.baselines.jump import score_jumps
from transforms.baselines.learned_stuck import score_repeats
from transforms.baselines.level import score_levels
from transforms.baselines.novel import score_novelty
from transforms.baselines.outside_values import OutsideValues
from transforms.baselines.scores import Scores
from transforms.baselines.together import score_together
from transforms.series.memory import SeriesColumns, fresh
from transforms.series.track import track_of

MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
Reading = tuple[int, int, float, float]
"""Slot, event time in microseconds, value, and value of a second metric."""


def _walking(random: Random) -> float:
    return random.gauss(0.0, 1.0) + (random.choice([-20.0, 20.0]) if random.random() < 0.03 else 0.0)


def _value(kind: str, random: Random, before: float, number: int) -> float:
    """Return the next value of a kind of series."""
    match kind:
        case "wave":
            return 20.0 + 5.0 * math.sin(number / 9.0) + 1e-3 * _walking(random)
        case "walk":
            return before + 0.3 * _walking(random)
        case "quantised":
            return round(2.0 * (20.0 + 0.7 * _walking(random))) / 2.0
        case "constant":
            return before + (1.0 if random.random() < 0.004 else 0.0)
        case "counter":
            return before + random.choice([0.0, 1.0, 1.0, 5.0])
        case "huge":
            return 1e15 + 1e12 * _walking(random)
        case "tiny":
            return 1e-12 * _walking(random)
    return -40.0 + 3.0 * _walking(random)  # noise below 0


KINDS = ("walk", "quantised", "constant", "counter", "huge", "tiny", "noise", "wave")


def some_series(seed: int, most: int = 250) -> list[Reading]:
    """Return readings of up to four series, by slot and time: of all kinds, with gaps, before and after 1970."""
    random, found = Random(seed), list[Reading]()
    slots = random.sample(range(5), random.randrange(1, 5))
    start = random.choice([START, START, -500 * DAY, -3 * HOUR])
    for slot in sorted(slots):
        kind, interval = random.choice(KINDS), random.choice([20, 60, 300]) * SECOND
        time, value = start + random.randrange(7200) * SECOND, 20.0
        for number in range(random.choice([1, 20, most])):
            value = _value(kind, random, value, number)
            second = math.nan if random.random() < 0.2 else random.gauss(50.0, 1.0) - 3.0 * value
            found.append((slot, time, math.nan if random.random() < 0.05 else value, second))
            gap = random.random()  # an hour is left out where clocks are put forward
            time += interval if gap > 0.02 else HOUR if gap > 0.01 else random.randrange(5 * DAY)
    return found


def cut(readings: Sequence[Reading], moments: Sequence[int]) -> list[list[Reading]]:
    """Return readings divided at moments, each part by slot and time."""
    parts: list[list[Reading]] = [[] for _ in range(len(moments) + 1)]
    for one in readings:
        parts[sum(one[1] >= moment for moment in moments)].append(one)
    return [part for part in parts if part]


@dataclass
class ColumnarDetector:
    """The columnar detector of a condition, with what it remembers of five series."""

    condition: Unusual | LearnedStuck
    gap_us: int | None

    def __post_init__(self) -> None:
        self.memory: SeriesColumns = fresh(learned_fields(self.condition), 5)
        self.outside = OutsideValues()

    def see(self, readings: Sequence[Reading]) -> list[Seen]:
        """Return the answers for readings, sorted by slot and time."""
        condition = self.condition
        slot, time, value, second = map(np.array, zip(*readings, strict=True))
        track = track_of(slot, time, value)
        gap = None if self.gap_us is None else np.full(5, self.gap_us)
        scores: Scores
        if isinstance(condition, LearnedStuck):
            scores = score_repeats(track, condition, self.memory)
        elif condition.kind == "together":
            scores = score_together(track, np.array([value, second]), condition, self.memory)
        elif condition.kind == "novel":
            scores, self.outside = score_novelty(track, condition, self.memory, self.outside)
        else:
            score_of: dict[str, Callable[..., Scores]] = {
                "jump": score_jumps,
                "level": score_levels,
                "drift": score_drifts,
            }
            scores = score_of[condition.kind](track, condition, self.memory, gap)
        assert {name: column.dtype for name, column in scores.memory.items()} == _types(condition)
        self.memory = scores.memory
        shown = np.full(len(track), np.nan) if condition_is_together(condition) else scores.track.value
        columns: list[NDArray[Any]] = [scores.score, scores.expected, scores.spread, shown]
        return [Seen(*row) for row in zip(*(column.tolist() for column in columns), strict=True)]


def condition_is_together(condition: Unusual | LearnedStuck) -> bool:
    return isinstance(condition, Unusual) and condition.kind == "together"


def _types(condition: Unusual | LearnedStuck) -> dict[str, np.dtype[Any]]:
    return {name: np.asarray(value).dtype for name, value in learned_fields(condition).items()}
