"""What a contender must find, computed row by row in plain Python. Shares no code with the job."""

import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from telemetry.errors import ConfigError, TelemetryError

METRICS: Final = ("co", "humidity", "lpg", "smoke", "temp")
WINDOW_US: Final = 60_000_000
"""Length of a window, microseconds."""
THRESHOLD: Final = 30.0
"""A temperature above it, in °C, is an anomaly."""
_CLOSE: Final = 1e-9
"""Relative: sums in another order, and what 15 decimals of a peer's JSON lose."""

Key = tuple[str, str, int]
"""Device, metric, start of the window in microseconds UTC."""
Statistics = tuple[int, float, float, float]
"""Number, mean, smallest, largest."""
Hot = tuple[str, int, float]
"""An anomaly: device, microseconds UTC, °C."""


class BenchmarkError(TelemetryError):
    """A contender that failed, or whose output is wrong: its time does not count."""


@dataclass(frozen=True, slots=True)
class Answer:
    """How much there is to find in some rows.

    Attributes:
        rows: how many were read.
        anomalies: readings above the threshold.
        windows: distinct windows of event time.
        aggregates: distinct (device, metric, window).
        values: readings that went into them: the sum of their counts.
    """

    rows: int
    anomalies: int
    windows: int
    aggregates: int
    values: int

    def check(self, name: str, found: "Answer") -> None:
        """Compare a contender's answer with this one, the right one.

        Raises:
            BenchmarkError: if they differ.
        """
        if found != self:
            raise BenchmarkError(f"{name}: found {found}, expected {self}")


@dataclass(frozen=True, slots=True)
class Truth:
    """What there is to find in some rows.

    Attributes:
        rows: how many were read.
        anomalies: how often each was found.
        aggregates: statistics of each device, metric and window.
    """

    rows: int
    anomalies: Counter[Hot] = field(default_factory=Counter)
    aggregates: Mapping[Key, Statistics] = field(default_factory=dict)

    @property
    def answer(self) -> Answer:
        """How much that is."""
        starts = {start for _, _, start in self.aggregates}
        values = sum(number for number, *_ in self.aggregates.values())
        return Answer(self.rows, self.anomalies.total(), len(starts), len(self.aggregates), values)

    def check(self, name: str, found: "Truth", *, windows: bool = True) -> None:
        """Compare what a contender found with this, the truth: each anomaly and each statistic, not their numbers only.

        Args:
            name: the contender's.
            found: its output.
            windows: whether it has aggregates.

        Raises:
            BenchmarkError: if they differ.
        """
        if found.rows != self.rows:
            raise BenchmarkError(f"{name}: {found.rows} rows, expected {self.rows}")
        for what, wrong in (
            ("missing", self.anomalies - found.anomalies),
            ("too much", found.anomalies - self.anomalies),
        ):
            if wrong:
                raise BenchmarkError(f"{name}: {wrong.total()} anomalies {what}, such as {next(iter(wrong))}")
        if windows:
            self._check_aggregates(name, found.aggregates)

    def _check_aggregates(self, name: str, found: Mapping[Key, Statistics]) -> None:
        if found.keys() != self.aggregates.keys():
            odd = next(iter(found.keys() ^ self.aggregates.keys()))
            number = f"{len(found)} aggregates, expected {len(self.aggregates)}"
            raise BenchmarkError(f"{name}: {number}, such as {odd}")
        for key, right in self.aggregates.items():
            theirs = found[key]
            if theirs[0] != right[0] or not all(
                math.isclose(one, other, rel_tol=_CLOSE) for one, other in zip(theirs[1:], right[1:], strict=True)
            ):
                raise BenchmarkError(f"{name}: {key} is {theirs}, expected {right}")


def hot(device: str, moment_us: int, value: float) -> Hot:
    """Return an anomaly, its value rounded as far as every contender's JSON is exact."""
    return device, moment_us, round(value, 9)


def plain_truth(lines: Iterable[bytes], window_us: int = WINDOW_US) -> Truth:
    """Return what there is to find in lines of JSON.

    Raises:
        ConfigError: for a line that is no clean reading: a benchmark is about good rows.
    """
    found: dict[Key, tuple[int, float, float, float]] = {}
    anomalies: Counter[Hot] = Counter()
    rows = 0
    for line in lines:
        rows += 1
        try:
            row = json.loads(line)
            device = row["device"]
            moment_us = round(row["ts"] * 1e6)
            start_us = moment_us - moment_us % window_us
            for metric in METRICS:
                value = row.get(metric)
                if value is not None:
                    key = (device, metric, start_us)
                    number, total, low, high = found.get(key, (0, 0.0, value, value))
                    found[key] = (number + 1, total + value, min(low, value), max(high, value))
            temp = row.get("temp")
            if temp is not None and temp > THRESHOLD:
                anomalies[hot(device, moment_us, temp)] += 1
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ConfigError("--csv", "", f"row {rows} is not a clean reading ({error})") from error
    means = {key: (number, total / number, low, high) for key, (number, total, low, high) in found.items()}
    return Truth(rows, anomalies, means)
