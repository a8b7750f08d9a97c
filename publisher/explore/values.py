"""Convert cells of a metric to numbers like the job, and accumulate their statistics."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from telemetry.arrays import BoolArray, FloatArray


def read_values(cells: Sequence[str], *, boolean: bool) -> FloatArray:
    """Return the values of cells: NaN for an empty cell, infinity for a cell that is not a number.

    Args:
        cells: of one metric.
        boolean: whether true and false are numbers of it.
    """
    try:
        values = np.fromiter(map(float, cells), np.float64, len(cells))
    except ValueError:
        values = None
    if values is not None and np.isfinite(values).all() and "_" not in "".join(cells):
        return values
    booleans = {"true": 1.0, "false": 0.0} if boolean else {}
    known = {cell: _read_value(cell, booleans) for cell in set(cells)}
    return np.fromiter(map(known.__getitem__, cells), np.float64, len(cells))


def _read_value(cell: str, booleans: dict[str, float]) -> float:
    """Return the value that the job decodes from a cell: `cell_to_json` followed by `read_object`."""
    stripped = cell.strip().lower()
    if not stripped:
        return math.nan
    try:
        number = float(stripped) if "_" not in stripped else math.inf  # float() accepts 1_000, JSON does not
    except ValueError:
        return booleans.get(stripped, math.inf)
    return number if math.isfinite(number) else math.inf


@dataclass(slots=True)
class MetricStats:
    """Statistics of one metric.

    Attributes:
        count: number of values in readings.
        mean: mean of these values.
        min: smallest of these values, infinity if there is none.
        max: largest of these values, minus infinity if there is none.
        not_numbers: cells that are neither a number nor empty, in any row.
        unread: cells of these in readings, in a metric that the job does not decode.
    """

    count: int = 0
    mean: float = 0.0
    min: float = math.inf
    max: float = -math.inf
    not_numbers: int = 0
    unread: int = 0

    def add(self, values: FloatArray, readings: BoolArray) -> None:
        """Add a column.

        Args:
            values: (N,) result of `read_values`.
            readings: (N,) mask of the rows that are readings.
        """
        not_numbers = np.isinf(values)
        if not_numbers.any():
            self.not_numbers += int(np.count_nonzero(not_numbers))
            self.unread += int(np.count_nonzero(not_numbers & readings))
        numbers = values[np.isfinite(values) & readings]
        if len(numbers):
            self.count += len(numbers)
            # Updates the mean, so that the sum of many large values cannot overflow.
            self.mean += float(((numbers - self.mean) / self.count).sum())
            self.min = min(self.min, float(numbers.min()))
            self.max = max(self.max, float(numbers.max()))
