"""Small series with windows, as of NAB, and its score computed row by row from the definition."""

import json
import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeAlias

import numpy as np

from benchmarks.score.nab.profiles import CostProfile
from benchmarks.score.nab.series import WINDOWS_FILE, LabelledSeries

T0 = datetime(2014, 4, 1, tzinfo=UTC)
STEP = timedelta(minutes=5)
SmallFile: TypeAlias = tuple[Sequence[tuple[int, float]], Sequence[tuple[int, int]]]
"""Number of the time and value of each row, and the numbers of the first and last time of each window."""


def moment(row: int) -> str:
    """Return the time of a row as NAB writes it."""
    return f"{T0 + row * STEP:%Y-%m-%d %H:%M:%S}"


def make_series(rows: int, *windows: tuple[int, int], name: str = "folder/one", values: Sequence[float] = ()):
    """Return a series with a row every five minutes, and windows from one row to another."""
    given = np.array(values or [0.0] * rows, np.float64)
    times = np.array([int((T0 + row * STEP).timestamp()) * 1_000_000 for row in range(rows)], np.int64)
    return LabelledSeries(name, tuple(map(moment, range(rows))), times, given, windows)


def write_corpus(folder: Path, files: Mapping[str, SmallFile]) -> Path:
    """Write files, by ``folder/file``, and their windows as a folder of NAB."""
    labels = {}
    for name, (rows, windows) in files.items():
        path = folder / f"{name}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = ["timestamp,value", *(f"{moment(number)},{value!r}" for number, value in rows)]
        path.write_text("\n".join(lines) + "\n")
        labels[f"{name}.csv"] = [[f"{moment(first)}.000000", f"{moment(last)}.000000"] for first, last in windows]
    (folder / WINDOWS_FILE).write_text(json.dumps(labels))
    return folder


def plain_total(
    corpus: Sequence[LabelledSeries], scores: Sequence[Sequence[float]], threshold: float, profile: CostProfile
) -> float:
    """Return the total of a detector, one row after the other."""
    total = 0.0
    for series, given in zip(corpus, scores, strict=True):
        rows = len(series)
        first_judged = min(math.floor(0.15 * rows), 750)
        best = [-profile.miss for _ in series.windows]
        for row in range(first_judged, rows):
            if given[row] >= threshold:
                inside = [number for number, (first, last) in enumerate(series.windows) if first <= row <= last]
                if inside:
                    first, last = series.windows[inside[0]]
                    early = sigmoid(-(last - row + 1) / (last - first + 1)) / sigmoid(-1.0)
                    best[inside[0]] = max(best[inside[0]], profile.hit * early)
                else:
                    total += profile.false_alarm * worth_outside(series, row)
        total += sum(best)
    return total


def worth_outside(series: LabelledSeries, row: int) -> float:
    before = [window for window in series.windows if window[1] < row]
    if not before:
        return -1.0
    first, last = before[-1]
    distance = abs(last - row) / (last - first) if last > first else math.inf
    return -1.0 if distance > 3 else sigmoid(distance)


def sigmoid(position: float) -> float:
    return 2 / (1 + math.exp(5 * position)) - 1
