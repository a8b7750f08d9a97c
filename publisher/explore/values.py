"""Convert cells of a metric to numbers like the job, and accumulate their statistics."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from telemetry.arrays import BoolArray, FloatArray
from telemetry.feed.formats.values import NumberProblem, NumberSpec, read_number
from telemetry.text.csv_cells import cell_to_json

_NUMBERS: Final = NumberSpec()
_BOOLEANS: Final = NumberSpec(booleans=True)


def read_values(cells: Sequence[str], *, boolean: bool) -> FloatArray:
    """Return the values of cells: NaN for a missing one, infinity for a cell that cannot be read.

    Args:
        cells: of one metric.
        boolean: whether true and false, on and off are numbers of it.
    """
    try:
        values = np.fromiter(map(float, cells), np.float64, len(cells))
    except ValueError:
        values = None
    if values is not None and np.isfinite(values).all() and "_" not in "".join(cells):
        return values
    spec = _BOOLEANS if boolean else _NUMBERS
    known = {cell: _read_value(cell, spec) for cell in set(cells)}
    return np.fromiter(map(known.__getitem__, cells), np.float64, len(cells))


def _read_value(cell: str, spec: NumberSpec) -> float:
    """Return the value that the job decodes from a cell: `cell_to_json` followed by `read_number`."""
    found = read_number(json.loads(cell_to_json(cell), parse_int=float), spec)
    if isinstance(found, NumberProblem):
        return math.nan if found is NumberProblem.MISSING else math.inf
    return found


@dataclass(slots=True)
class MetricStats:
    """Statistics of one metric.

    Attributes:
        count: number of values in readings.
        mean: mean of these values.
        min: smallest of these values, infinity if there is none.
        max: largest of these values, minus infinity if there is none.
        not_numbers: cells that cannot be read and do not say that nothing was measured, in any row.
        unread: cells of these in readings.
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
