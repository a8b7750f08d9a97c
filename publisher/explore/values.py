"""Cells of a metric as numbers, as the job would read them, and their statistics."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from telemetry.model.metrics import BOOLEAN_METRICS

Floats = NDArray[np.float64]


def read_values(metric: str, cells: Sequence[str]) -> Floats:
    """Return the values of cells: NaN where missing, infinite where the cell is no number."""
    try:
        values = np.fromiter(map(float, cells), np.float64, len(cells))
    except ValueError:
        values = None
    if values is not None and np.isfinite(values).all() and "_" not in "".join(cells):
        return values
    flags = {"true": 1.0, "false": 0.0} if metric in BOOLEAN_METRICS else {}
    known = {cell: _read_value(cell, flags) for cell in set(cells)}
    return np.fromiter(map(known.__getitem__, cells), np.float64, len(cells))


def _read_value(cell: str, flags: dict[str, float]) -> float:
    """Apply `cell_to_json` and `read_object` to a cell, for their answer alone."""
    stripped = cell.strip().lower()
    if not stripped:
        return math.nan
    try:
        number = float(stripped) if "_" not in stripped else math.inf  # float() takes 1_000, JSON does not
    except ValueError:
        return flags.get(stripped, math.inf)
    return number if math.isfinite(number) else math.inf


@dataclass(slots=True)
class MetricStats:
    """Statistics of one metric.

    Attributes:
        count: values of readings.
        mean: of these values.
        min: smallest of them, infinite if there is none.
        max: largest of them, minus infinite if there is none.
        not_numbers: cells that are neither a number nor empty, in any row.
        unread: those of them in readings, whose metric the job does not decode.
    """

    count: int = 0
    mean: float = 0.0
    min: float = math.inf
    max: float = -math.inf
    not_numbers: int = 0
    unread: int = 0

    def add(self, values: Floats, readings: NDArray[np.bool_]) -> None:
        """Add the cells of rows as `read_values` returns them, and which of the rows are readings."""
        not_numbers = np.isinf(values)
        if not_numbers.any():
            self.not_numbers += int(np.count_nonzero(not_numbers))
            self.unread += int(np.count_nonzero(not_numbers & readings))
        numbers = values[np.isfinite(values) & readings]
        if len(numbers):
            self.count += len(numbers)
            # Weighted, so that the sum of many large values cannot overflow.
            self.mean += float(((numbers - self.mean) / self.count).sum())
            self.min = min(self.min, float(numbers.min()))
            self.max = max(self.max, float(numbers.max()))
