"""What a contender must find, computed row by row in plain Python. Shares no code with the job."""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from transforms.errors import ConfigError, TelemetryError

METRICS: Final = ("co", "humidity", "lpg", "smoke", "temp")
WINDOW_US: Final = 60_000_000
"""Length of a window, microseconds."""
THRESHOLD: Final = 30.0
"""A temperature above it, in °C, is an anomaly."""


class BenchmarkError(TelemetryError):
    """A contender that failed, or whose output is wrong: its time does not count."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What there is to find in some rows.

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


def plain_answer(lines: Iterable[bytes]) -> Answer:
    """Return what there is to find in lines of JSON.

    Raises:
        ConfigError: for a line that is no clean reading: a benchmark is about good rows.
    """
    counts: Counter[tuple[str, str, int]] = Counter()
    rows = anomalies = 0
    for line in lines:
        rows += 1
        try:
            row = json.loads(line)
            moment_us = round(row["ts"] * 1e6)
            start_us = moment_us - moment_us % WINDOW_US
            for metric in METRICS:
                if row.get(metric) is not None:
                    counts[row["device"], metric, start_us] += 1
            anomalies += (row.get("temp") or 0.0) > THRESHOLD
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ConfigError("--csv", "", f"row {rows} is not a clean reading ({error})") from error
    return Answer(rows, anomalies, len({start for _, _, start in counts}), len(counts), counts.total())
