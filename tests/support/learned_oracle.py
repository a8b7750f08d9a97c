"""Score the readings of one series one at a time in plain Python. Shares no code with `transforms.baselines`.

Each class has a method `see` that takes the next reading and returns its score, the expected value and the spread; NaN
for none.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from telemetry.rules.unusual import LearnedStuck, Unusual

HOUR = 3_600_000_000
DAY = 24 * HOUR
NAN = math.nan
SD = math.sqrt(math.pi / 2)
"""Standard deviation of a normal variable, in mean absolute deviations."""


class Seen(NamedTuple):
    """The answer for one reading."""

    score: float
    expected: float
    spread: float
    value: float


def block_length(half_life: int, parts: int) -> int:
    """Return the longest even part of an hour of which the half-life holds so many parts, or 1 s."""
    lengths = [minutes * 60 for minutes in (60, 30, 20, 15, 10, 5, 2, 1)] + [30, 10, 5, 1]
    return next((length * 1_000_000 for length in lengths if length * parts * 1_000_000 <= half_life), 1_000_000)


def forgotten(elapsed: int, length: int, half_life: float) -> float:
    """Return which part is forgotten from the start of one block to that of another, at most 64 blocks later."""
    return 1.0 - math.pow(0.5, min(max(elapsed // length, 0), 64) * length / half_life)


def by_readings(number: int, half: int) -> float:
    """Return which part so many readings may forget at most, of which `half` forget a half."""
    return 1.0 - math.pow(0.5, min(number, 8 * half) / half)


def larger(one: float, other: float) -> float:
    return other if math.isnan(one) else one if math.isnan(other) else max(one, other)


def smaller(one: float, other: float) -> float:
    return other if math.isnan(one) else one if math.isnan(other) else min(one, other)


def sided(score: float, direction: str) -> float:
    if math.isnan(score):
        return NAN
    return abs(score) if direction == "both" else max(score if direction == "up" else -score, 0.0)


@dataclass
class Blocks:
    """When a series began, and its open block."""

    length: int
    begun: int | None = None
    open: int | None = None

    def enter(self, time: int) -> tuple[int, int] | None:
        """Note a reading; return the starts of the block that closes and of the one that opens, if one closes."""
        self.begun = time if self.begun is None else self.begun
        before, self.open = self.open, time // self.length * self.length
        return None if before is None or before == self.open else (before, self.open)

    def is_young(self, time: int, learn: int) -> bool:
        assert self.begun is not None
        return time - self.begun < learn


@dataclass
class UsualChange:
    """The mean of changes that are not zero."""

    gap: int | None
    last: tuple[int, float] | None = None
    step: float = NAN
    known: int = 0
    sizes: list[float] = field(default_factory=list)

    def previous(self, time: int, value: float) -> float:
        before, self.last = self.last, (time, value)
        return before[1] if before is not None and (self.gap is None or time - before[0] <= self.gap) else NAN

    def add(self, change: float) -> None:
        if abs(change) > 0:
            self.sizes.append(smaller(abs(change), 4 * SD * self.step))

    def close(self, weight: float) -> None:
        if self.sizes:
            number = len(self.sizes)
            mean = sum(self.sizes) / number
            portion = max(weight, number / (self.known + number))
            self.step = self.step + portion * (mean - self.step) if self.known else mean
            self.known += number
            self.sizes = []


class JumpOracle:
    """Distance to the reading before, in usual changes."""

    def __init__(self, condition: Unusual, gap: int | None) -> None:
        self.condition = condition
        self.blocks = Blocks(block_length(condition.half_life_us, 24))
        self.changes = UsualChange(gap)

    def see(self, time: int, value: float) -> Seen:
        if closed := self.blocks.enter(time):
            self.changes.close(forgotten(closed[1] - closed[0], self.blocks.length, self.condition.half_life_us))
        previous = self.changes.previous(time, value)
        spread = SD * self.changes.step if self.changes.known >= 50 else NAN
        score = sided((value - previous) / spread, self.condition.direction)
        self.changes.add(value - previous)
        young = self.blocks.is_young(time, self.condition.learn_us)
        return Seen(NAN if young else score, previous, spread, value)


@dataclass
class UsualValue:
    """The usual value and the usual distance to it."""

    sensitivity: float
    clear: float
    mean: float = NAN
    deviation: float = NAN
    blocks: int = 0
    slow: bool = False
    distances: list[float] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)

    def add(self, distance: float, score: float, spread: float) -> None:
        limit = 4 * spread
        if limit > 0:  # one that was never off has no limit, else it would never learn
            distance = max(min(distance, limit), -limit)
        self.distances.append(distance)
        self.scores.append(score)

    def close(self, weight: float) -> tuple[float, float] | None:
        """Return the mean distance of the closed block, and its weight; None if it is empty."""
        if not self.distances:
            return None
        number = len(self.distances)
        off = sum(self.distances) / number
        spread = sum(map(abs, self.distances)) / number
        peak = max((score for score in self.scores if not math.isnan(score)), default=0.0)
        self.slow = peak > self.sensitivity or (self.slow and peak > self.clear)
        portion = max(weight, 1 / (self.blocks + 1)) * (0.1 if self.slow else 1.0)
        self.mean += portion * off
        self.deviation = self.deviation + portion * (spread - self.deviation) if self.blocks else spread
        self.blocks += 1
        self.distances, self.scores = [], []
        return off, portion


class LevelOracle:
    """Distance to the usual value, in usual deviations."""

    def __init__(self, condition: Unusual, gap: int | None) -> None:
        self.condition = condition
        self.blocks = Blocks(block_length(condition.half_life_us, 48))
        self.changes = UsualChange(gap)
        self.usual = UsualValue(condition.sensitivity, condition.clear)
        self.hours: dict[int, np.float32] = {}

    def see(self, time: int, value: float) -> Seen:
        length = self.blocks.length
        if closed := self.blocks.enter(time):
            weight = forgotten(closed[1] - closed[0], length, self.condition.half_life_us)
            self.changes.close(weight)
            taught = self.usual.close(weight)
            if taught is not None and self.condition.season:
                self.learn_hour(closed[0] // HOUR % 24, taught[0] * (1 - taught[1]))
        if math.isnan(self.usual.mean):
            self.usual.mean = value
        assert self.blocks.open is not None
        expected = self.usual.mean + float(self.hours.get(self.blocks.open // HOUR % 24, 0.0))
        change = value - self.changes.previous(time, value)
        usual = spread = SD * larger(self.usual.deviation, self.changes.step / math.sqrt(2))
        if math.isnan(self.changes.step) or spread == 0:
            spread = NAN
        score = sided((value - expected) / spread, self.condition.direction)
        score = NAN if self.blocks.is_young(time, self.condition.learn_us) else score
        self.changes.add(change)
        self.usual.add(value - expected, score, usual)
        return Seen(score, expected, spread, value)

    def learn_hour(self, hour: int, left: float) -> None:
        before = self.hours.get(hour)
        weight = 1.0 - 0.5 ** (self.blocks.length / (3 * HOUR))
        self.hours[hour] = np.float32(left if before is None else float(before) + weight * left)


class DriftOracle:
    """Distance between the mean of the last minutes and that of the last hours, in usual distances."""

    def __init__(self, condition: Unusual, gap: int | None) -> None:
        self.condition = condition
        self.blocks = Blocks(block_length(condition.half_life_us, 30))
        self.changes = UsualChange(gap)
        self.values: list[float] = []
        self.number = self.known = 0
        self.fast = self.slow = self.distance = self.score = self.spread = NAN

    def see(self, time: int, value: float) -> Seen:
        if closed := self.blocks.enter(time):
            self.close(closed)
        self.changes.add(value - self.changes.previous(time, value))
        reach = 2 * self.condition.sensitivity * self.spread
        self.values.append(max(min(value, self.slow + reach), self.slow - reach) if reach > 0 else value)
        young = self.blocks.is_young(time, self.condition.learn_us) or self.known < 360
        return Seen(NAN if young else self.score, self.slow, self.spread, value if math.isnan(self.fast) else self.fast)

    def close(self, closed: tuple[int, int]) -> None:
        elapsed, length, half_life = closed[1] - closed[0], self.blocks.length, self.condition.half_life_us
        self.changes.close(forgotten(elapsed, length, half_life))
        even = 1 / (self.number + 1)
        mean = self.values[0] + sum(value - self.values[0] for value in self.values) / len(self.values)
        read = len(self.values)
        self.known += read
        slow = min(forgotten(elapsed, length, half_life), by_readings(read, 360))
        fast = min(forgotten(elapsed, length, half_life // 30), by_readings(read, 12))
        self.slow = self.slow + max(slow, even) * (mean - self.slow) if self.number else mean
        self.fast = self.fast + max(fast, even) * (mean - self.fast) if self.number else mean
        apart = self.fast - self.slow
        self.spread = SD * larger(self.distance, self.changes.step / math.sqrt(2))
        self.score = sided(apart / self.spread, self.condition.direction) if self.spread > 0 else NAN
        if math.isnan(self.distance):
            self.distance = abs(apart) if self.number else NAN
        else:
            limit = 4 * SD * self.distance
            clipped = min(abs(apart), limit) if limit > 0 else abs(apart)
            learned = closed[1] - (self.blocks.begun or 0) >= self.condition.learn_us and self.known >= 360
            rate = 0.1 if learned and abs(apart) > self.condition.sensitivity * self.spread else 1.0
            gradual = min(forgotten(elapsed, length, 6 * half_life), by_readings(read, 6 * 360))
            portion = max(gradual, even) * rate
            self.distance += portion * (clipped - self.distance)
        self.number += 1
        self.values = []


class Bins:
    """Counts of values over their range; they move with their bin's centre when the range grows."""

    def __init__(self, number: int, most: int) -> None:
        self.number, self.most = number, most
        self.low = self.high = NAN
        self.counts = [0] * number

    @property
    def width(self) -> float:
        return (self.high - self.low) / self.number

    def place(self, value: float) -> int:
        return min(max(int((value - self.low) / self.width), 0), self.number - 1) if self.width > 0 else 0

    def add(self, place: int, count: int) -> None:
        self.counts[place] = min(self.counts[place] + count, self.most)

    def at(self, place: int) -> int:
        return self.counts[place] if 0 <= place < self.number else 0

    def cover(self, values: Sequence[float]) -> None:
        """Widen the range to hold some values."""
        old, low, width = self.counts, self.low, self.width
        self.low = min([low, *values] if low == low else values)
        self.high = max([self.high, *values] if low == low else values)
        self.counts = [0] * self.number
        for place, count in enumerate(old):
            if count:
                self.add(self.place(low + (place + 0.5) * width), count)


class SlowMeanOracle:
    """How rare the running mean of closed blocks is."""

    def __init__(self, span: int) -> None:
        self.span = span
        self.bins = Bins(32, 65535)
        self.mean, self.means = NAN, 0
        self.record, self.record_time = 0.0, 0

    def close(self, values: Sequence[float], elapsed: int, now: int) -> tuple[float, float]:
        """Return the mean, and its score."""
        block = sum(values) / len(values)
        weight = min(forgotten(elapsed, HOUR, self.span), 1.0 - 0.5 ** (min(len(values), 96) / 12))
        self.mean = block if math.isnan(self.mean) else self.mean + weight * (block - self.mean)
        bins = self.bins
        if not bins.low <= self.mean <= bins.high:
            bins.cover([self.mean])
        place = bins.place(self.mean)
        nearby = bins.at(place) + 0.5 * (bins.at(place - 1) + bins.at(place + 1))
        surprise = -math.log((nearby + 0.2) / (self.means + 0.2 * 32))
        record = self.record * 0.5 ** ((now - self.record_time) / (28 * DAY)) if self.means else 0.0
        score = 4 * surprise / (1.2 * record) if self.means >= 24 and record > 0 else NAN
        self.record, self.record_time = max(record, surprise), now
        bins.add(place, 1)
        self.means += 1
        return self.mean, score


class NovelOracle:
    """How rare values like a reading's are."""

    def __init__(self, condition: Unusual, gap: int | None) -> None:
        self.condition = condition
        self.blocks = Blocks(HOUR)
        self.bins = Bins(64, 65535)
        self.total = 0.0
        self.values: list[float] = []
        self.slow = SlowMeanOracle(condition.span_us) if condition.span_us else None

    def see(self, time: int, value: float) -> Seen:
        mean, mean_score = NAN, NAN
        if closed := self.blocks.enter(time):
            self.age(*closed)
            if self.slow is not None:
                mean, mean_score = self.slow.close(self.values, closed[1] - closed[0], closed[1])
            self.close()
        score, expected, spread = self.rate(value)
        self.values.append(value)
        if mean_score > (-math.inf if math.isnan(score) else score):
            score, expected, spread, value = mean_score, NAN, NAN, mean
        young = self.blocks.is_young(time, self.condition.learn_us)
        return Seen(NAN if young else score, expected, spread, value)

    def rate(self, value: float) -> tuple[float, float, float]:
        bins = self.bins
        if not self.total:
            return NAN, NAN, NAN
        if bins.low <= value <= bins.high:
            place = bins.place(value)
            nearby = sum(bins.at(place + offset) for offset in (-1, 0, 1)) / 64
        else:
            nearby = self.total if max(bins.low - value, value - bins.high) <= bins.width else 0.0
        score = math.log10(max(self.total, 1.0) / max(nearby, 0.01))
        if score <= self.condition.sensitivity:
            return score, NAN, NAN
        centres = [bins.low + (place + 0.5) * bins.width for place, count in enumerate(bins.counts) if count]
        nearest = min(centres, key=lambda centre: abs(centre - value), default=bins.low + 0.5 * bins.width)
        return score, nearest, bins.width

    def age(self, before: int, now: int) -> None:
        """Forget half in a half-life, in eight steps."""
        step = max(self.condition.half_life_us // 8, 1)
        if steps := now // step - before // step:
            remains = 0.5 ** (min(steps, 128) / 8)
            self.bins.counts = [int(count * remains) for count in self.bins.counts]
            self.total *= remains

    def close(self) -> None:
        bins = self.bins
        outside = [value for value in self.values if not bins.low <= value <= bins.high]
        inside = [0] * 64
        for value in self.values:
            if bins.low <= value <= bins.high:
                place = bins.place(value)
                inside[place] = min(inside[place] + 1, 255)
        for place, count in enumerate(inside):
            bins.add(place, 64 * count)
        if outside:
            bins.cover(outside)
            for value in outside:
                bins.add(bins.place(value), 64)
        self.total += len(self.values)
        if self.total > 1023:  # as many as a bin holds
            self.total = min(self.total, sum(bins.counts) / 64)
        self.values = []


class TogetherOracle:
    """How far several metrics are off at the same time."""

    def __init__(self, condition: Unusual, gap: int | None) -> None:
        self.condition = condition
        self.blocks = Blocks(block_length(condition.half_life_us, 144))
        self.metrics = [UsualValue(math.inf, math.inf) for _ in condition.metrics]
        self.z = [0.0] * len(self.metrics)
        self.usual = self.score = NAN

    def see(self, time: int, values: Sequence[float]) -> Seen:
        if closed := self.blocks.enter(time):
            self.close(closed[1] - closed[0])
        for metric, value in zip(self.metrics, values, strict=True):
            if not math.isnan(value):
                metric.mean = value if math.isnan(metric.mean) else metric.mean
                metric.add(value - metric.mean, NAN, SD * metric.deviation)
        young = self.blocks.is_young(time, self.condition.learn_us)
        return Seen(NAN if young else self.score, NAN, NAN, NAN)

    def close(self, elapsed: int) -> None:
        length = self.blocks.length
        weight, smooth = forgotten(elapsed, length, self.condition.half_life_us), forgotten(elapsed, length, 3 * length)
        squares = []
        for number, metric in enumerate(self.metrics):
            spread = SD * metric.deviation
            taught = metric.close(weight)
            if taught is not None and spread > 0 and metric.blocks >= 10:
                self.z[number] += smooth * (taught[0] / spread - self.z[number])
                squares.append(self.z[number] ** 2)
        self.score = NAN
        if squares:
            q = math.sqrt(sum(squares) / len(squares))
            self.score = q / self.usual if self.usual > 0 else NAN
            self.usual = q if math.isnan(self.usual) else self.usual + weight * (min(q, 4 * self.usual) - self.usual)


class StuckOracle:
    """How often in a row a reading comes, in the longest runs that are usual."""

    def __init__(self, condition: LearnedStuck, gap: int | None) -> None:
        self.condition = condition
        self.blocks = Blocks(block_length(condition.half_life_us, 24))
        self.value, self.run = NAN, 0
        self.longest, self.share, self.closed = 0.0, 0.0, 0
        self.runs: list[float] = []
        self.repeats: list[bool] = []

    def see(self, time: int, value: float) -> Seen:
        if closed := self.blocks.enter(time):
            self.close(forgotten(closed[1] - closed[0], self.blocks.length, self.condition.half_life_us))
        limit = self.limit()
        repeats = value == self.value
        if not repeats:
            self.runs.append(min(self.run, 1.25 * self.longest) if self.run > limit else self.run)
        self.repeats.append(repeats)
        self.value, self.run = value, self.run + 1 if repeats else 1
        young = self.blocks.is_young(time, self.condition.learn_us)
        return Seen(NAN if young else self.run / limit, NAN, NAN, value)

    def limit(self) -> float:
        if not self.closed:
            return NAN
        by_chance = 0.0 if self.share <= 0 else math.inf if self.share >= 1 else math.log(1e-6) / math.log(self.share)
        return max(10.0, 2 * self.longest, by_chance)

    def close(self, weight: float) -> None:
        self.longest = max([self.longest * (1 - weight), *self.runs])
        portion = max(weight, 1 / (self.closed + 1))
        self.share += portion * (sum(self.repeats) / len(self.repeats) - self.share)
        self.closed += 1
        self.runs, self.repeats = [], []
