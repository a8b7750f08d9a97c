"""Bound values to what can be squared and divided without an overflow.

Only sentinels of broken sensors lie beyond: the largest number of a type, or the smallest.
"""

from typing import Final

import numpy as np

from telemetry.arrays import FloatArray

MOST: Final = 1e30
LEAST: Final = 1.0 / MOST


def bounded(values: FloatArray) -> FloatArray:
    """Return values at most `MOST` from 0, with 0 for those within `LEAST` of it; NaN stays."""
    size = np.abs(values)
    beyond, below = size > MOST, (size < LEAST) & (size > 0.0)
    if not (beyond | below).any():
        return values
    return np.where(below, 0.0, np.clip(values, -MOST, MOST))
