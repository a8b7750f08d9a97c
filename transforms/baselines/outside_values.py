"""Keep values that lie outside of a range until their block closes, which alone may widen the range."""

from dataclasses import dataclass, field

import numpy as np

from telemetry.arrays import BoolArray, FloatArray
from transforms.series.track import RowArray


@dataclass(frozen=True, slots=True)
class OutsideValues:
    """K values of some series, in any order.

    Attributes:
        series: (K,) slot of the series, or its number in the order of a walk.
        values: (K,) in the unit of the metric.
    """

    series: RowArray = field(default_factory=lambda: np.empty(0, np.intp))
    values: FloatArray = field(default_factory=lambda: np.empty(0))

    def of(self, slots: RowArray) -> tuple["OutsideValues", "OutsideValues"]:
        """Return the values of some slots, numbered by their place among them, and the values of the others."""
        order = np.argsort(slots)
        place = np.searchsorted(slots, self.series, sorter=order)
        place = order[np.minimum(place, len(slots) - 1)] if len(slots) else np.zeros(len(self.series), np.intp)
        mine = slots[place] == self.series if len(slots) else np.zeros(len(self.series), np.bool_)
        return OutsideValues(place[mine], self.values[mine]), self._select(~mine)

    def divide(self, closing: BoolArray) -> tuple["OutsideValues", "OutsideValues"]:
        """Return the values of the first series whose blocks close, (n,), and the values of the others."""
        if not len(self.series):
            return self, self
        ends = np.zeros(max(int(self.series.max()) + 1, len(closing)), np.bool_)
        ends[: len(closing)] = closing
        mine = ends[self.series]
        return self._select(mine), self._select(~mine)

    def joined(self, other: "OutsideValues") -> "OutsideValues":
        """Return these values and others."""
        if not len(other.series):
            return self
        if not len(self.series):
            return other
        return OutsideValues(np.concatenate([self.series, other.series]), np.concatenate([self.values, other.values]))

    def in_order(self) -> "OutsideValues":
        """Return the values by series, those of a series in their order."""
        return self._select(np.argsort(self.series, kind="stable"))

    def _select(self, rows: BoolArray | RowArray) -> "OutsideValues":
        return OutsideValues(self.series[rows], self.values[rows])
