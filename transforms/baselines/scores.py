"""Tell how unusual readings are."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from telemetry.arrays import BoolArray, FloatArray
from telemetry.rules.unusual import Direction
from transforms.series.memory import SeriesColumns
from transforms.series.track import Track

SD_OF_MEAN: Final = 1.2533141373155003
"""Standard deviation of a normal variable, divided by its mean distance to its mean: sqrt(pi / 2)."""
SQRT_2: Final = 1.4142135623730951
"""Standard deviation of the changes of independent readings, in that of the readings."""
CLIP: Final = 4.0
"""A reading teaches at most this many standard deviations."""


@dataclass(frozen=True, slots=True)
class Scores:
    """How unusual N readings of S series are.

    Attributes:
        track: what was judged; its values are readings or means of them.
        score: (N,) NaN where nothing can be said, as too little is known.
        expected: (N,) the usual value, in the unit of the metric; NaN where there is none.
        spread: (N,) the standard deviation of usual values, in the unit of the metric; NaN where there is none.
        memory: what is remembered of all series afterwards.
        moved: (N,) whether a reading differs from the one before; None where that is not asked for.
    """

    track: Track
    score: FloatArray
    expected: FloatArray
    spread: FloatArray
    memory: SeriesColumns
    moved: BoolArray | None = None


def one_sided(score: FloatArray, direction: Direction) -> FloatArray:
    """Return signed scores as scores of one side: how far a reading lies on the side that counts, at least 0."""
    if direction == "both":
        return np.abs(score)
    with np.errstate(invalid="ignore"):
        return np.maximum(score if direction == "up" else -score, 0.0)
