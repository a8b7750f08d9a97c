"""Compute the expected output of a case row by row in plain Python, without code of the job."""

import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from telemetry.errors import ConfigError, TelemetryError

METRICS: Final = ("co", "humidity", "lpg", "smoke", "temp")
WINDOW_US: Final = 60_000_000
"""Length of a window, microseconds."""
THRESHOLD: Final = 30.0
"""A temperature above it, in °C, is an anomaly."""
_TOLERANCE: Final = 1e-9
"""Relative tolerance for another order of summation and for the 15 decimals of JSON written by some peers."""

AggregateKey: TypeAlias = tuple[str, str, int]
"""Device, metric, and start of the window in microseconds UTC."""
WindowStatistics: TypeAlias = tuple[int, float, float, float]
"""Count, mean, minimum and maximum."""
AnomalyKey: TypeAlias = tuple[str, int, float]
"""Device, time in microseconds UTC, and temperature in °C."""


class BenchmarkError(TelemetryError):
    """A case fails or its output is wrong, so its time is not valid."""


@dataclass(frozen=True, slots=True)
class OutputTotals:
    """Counts of an output.

    Attributes:
        rows: rows read.
        anomalies: readings above the threshold.
        windows: distinct windows.
        aggregates: distinct combinations of device, metric and window.
        values: sum of the counts of all aggregates.
    """

    rows: int
    anomalies: int
    windows: int
    aggregates: int
    values: int

    def check(self, name: str, found: "OutputTotals") -> None:
        """Compare the totals of a case with these expected totals.

        Raises:
            BenchmarkError: if they differ.
        """
        if found != self:
            raise BenchmarkError(f"{name}: found {found}, expected {self}")


@dataclass(frozen=True, slots=True)
class JobOutput:
    """Output of the job or of a peer, expected or found.

    Attributes:
        rows: rows read.
        anomalies: number of occurrences of each anomaly.
        aggregates: statistics of each device, metric and window.
    """

    rows: int
    anomalies: Counter[AnomalyKey] = field(default_factory=Counter)
    aggregates: Mapping[AggregateKey, WindowStatistics] = field(default_factory=dict)

    @property
    def totals(self) -> OutputTotals:
        """Counts of this output."""
        starts = {start for _, _, start in self.aggregates}
        values = sum(number for number, *_ in self.aggregates.values())
        return OutputTotals(self.rows, self.anomalies.total(), len(starts), len(self.aggregates), values)

    def check(self, name: str, found: "JobOutput", *, windows: bool = True) -> None:
        """Compare every anomaly and every statistic of an output with this expected output.

        Args:
            name: name of the case.
            found: output of the case.
            windows: whether the output has aggregates.

        Raises:
            BenchmarkError: if they differ.
        """
        if found.rows != self.rows:
            raise BenchmarkError(f"{name}: {found.rows} rows, expected {self.rows}")
        for problem, wrong in (
            ("missing", self.anomalies - found.anomalies),
            ("too much", found.anomalies - self.anomalies),
        ):
            if wrong:
                raise BenchmarkError(f"{name}: {wrong.total()} anomalies {problem}, such as {next(iter(wrong))}")
        if windows:
            self._check_aggregates(name, found.aggregates)

    def _check_aggregates(self, name: str, found: Mapping[AggregateKey, WindowStatistics]) -> None:
        if found.keys() != self.aggregates.keys():
            example = next(iter(found.keys() ^ self.aggregates.keys()))
            counts = f"{len(found)} aggregates, expected {len(self.aggregates)}"
            raise BenchmarkError(f"{name}: {counts}, such as {example}")
        for key, expected in self.aggregates.items():
            actual = found[key]
            if actual[0] != expected[0] or not all(
                math.isclose(one, other, rel_tol=_TOLERANCE)
                for one, other in zip(actual[1:], expected[1:], strict=True)
            ):
                raise BenchmarkError(f"{name}: {key} is {actual}, expected {expected}")


def anomaly_key(device: str, moment_us: int, value: float) -> AnomalyKey:
    """Return the key of an anomaly, with the value rounded to the precision that all peers write."""
    return device, moment_us, round(value, 9)


def compute_output(lines: Iterable[bytes], window_us: int = WINDOW_US) -> JobOutput:
    """Compute the expected output of lines of JSON.

    Raises:
        ConfigError: if a line is not a valid reading, because benchmarks use valid rows only.
    """
    found: dict[AggregateKey, tuple[int, float, float, float]] = {}
    anomalies: Counter[AnomalyKey] = Counter()
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
                anomalies[anomaly_key(device, moment_us, temp)] += 1
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ConfigError("--csv", "", f"row {rows} is not a valid reading ({error})") from error
    means = {key: (number, total / number, low, high) for key, (number, total, low, high) in found.items()}
    return JobOutput(rows, anomalies, means)
