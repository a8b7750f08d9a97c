"""Compare values with bounds, stated once for all devices or for each.

==========================  ============================  ==================================================
comparison                  breached by                   cleared by, where `clear` is the bound or given
==========================  ============================  ==================================================
``above: x``                value > x                     value <= clear, with clear <= x
``below: x``                value < x                     value >= clear, with clear >= x
``outside: [low, high]``    value < low or value > high   clear_low <= value <= clear_high, within the bounds
``inside: [low, high]``     low <= value <= high          value < clear_low or > clear_high, around the bounds
==========================  ============================  ==================================================

NaN, a missing value, neither breaches nor clears.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from telemetry.arrays import BoolArray, FloatArray

Comparison = Literal["above", "below", "outside", "inside"]


class Bounds(msgspec.Struct, frozen=True, omit_defaults=True):
    """A comparison with its bounds, in the unit of the value.

    Attributes:
        comparison: how a value is compared.
        low: the bound, or the lower bound of a range.
        high: the upper bound of a range, else None.
        clear_low: the value at which a breach ends, or the lower one of a range; None for the bound itself.
        clear_high: the upper value of a range at which a breach ends; None for the bound itself, and without a range.
    """

    comparison: Comparison
    low: float
    high: float | None = None
    clear_low: float | None = None
    clear_high: float | None = None

    def breaches(self, values: FloatArray) -> BoolArray:
        """Return which values breach; same shape as `values`, False where NaN."""
        return _breach(self.comparison, values, self.low, self.high)

    def clears(self, values: FloatArray) -> BoolArray:
        """Return which values end a breach; same shape as `values`, False where NaN.

        Without `clear` it is the exact complement of `breaches`, but for NaN.
        """
        return _clear(self.comparison, values, self.clear_at, self.clear_high_at)

    @property
    def clear_at(self) -> float:
        """The value at which a breach ends, or the lower one of a range."""
        return self.low if self.clear_low is None else self.clear_low

    @property
    def clear_high_at(self) -> float | None:
        """The upper value of a range at which a breach ends; None without a range."""
        return self.high if self.clear_high is None else self.clear_high

    @property
    def has_clear(self) -> bool:
        """Whether a breach ends elsewhere than at the bound."""
        return self.clear_low is not None or self.clear_high is not None

    def moved(self, low: float, high: float | None = None) -> "Bounds":
        """Return the same comparison with other bounds; each `clear` keeps its distance from its bound."""
        return Bounds(
            self.comparison,
            low,
            high,
            None if self.clear_low is None else _shift(self.clear_low, self.low, low),
            None if self.clear_high is None or self.high is None or high is None
            else _shift(self.clear_high, self.high, high),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class DeviceBounds:
    """One comparison with bounds of D devices.

    Attributes:
        comparison: how a value is compared.
        low: (D,) the bound, or the lower bound of a range.
        high: (D,) the upper bound of a range, else None.
        clear: (D,) the value at which a breach ends, or the lower one of a range.
        clear_high: (D,) the upper value of a range at which a breach ends, else None.
    """

    comparison: Comparison
    low: FloatArray
    high: FloatArray | None
    clear: FloatArray
    clear_high: FloatArray | None

    def breaches(self, values: FloatArray, device: NDArray[np.integer[Any]]) -> BoolArray:
        """Return which values breach, (N,); `device` is the index (N,) of each value's device."""
        return _breach(self.comparison, values, self.low[device], None if self.high is None else self.high[device])

    def clears(self, values: FloatArray, device: NDArray[np.integer[Any]]) -> BoolArray:
        """Return which values end a breach, (N,); `device` is the index (N,) of each value's device."""
        high = None if self.clear_high is None else self.clear_high[device]
        return _clear(self.comparison, values, self.clear[device], high)


def device_bounds(comparison: Comparison, bounds: Sequence[Bounds]) -> DeviceBounds:
    """Return the bounds of D devices as arrays, in the order given; all are of one comparison."""
    ranged = comparison in ("outside", "inside")
    return DeviceBounds(
        comparison,
        np.array([one.low for one in bounds], np.float64),
        np.array([one.high for one in bounds], np.float64) if ranged else None,
        np.array([one.clear_at for one in bounds], np.float64),
        np.array([one.clear_high_at for one in bounds], np.float64) if ranged else None,
    )


def _breach(
    comparison: Comparison, values: FloatArray, low: float | FloatArray, high: float | FloatArray | None
) -> BoolArray:
    with np.errstate(invalid="ignore"):
        if comparison == "above":
            return values > low
        if comparison == "below":
            return values < low
        assert high is not None, "a range has two bounds"
        if comparison == "outside":
            return (values < low) | (values > high)
        return (values >= low) & (values <= high)


def _clear(
    comparison: Comparison, values: FloatArray, low: float | FloatArray, high: float | FloatArray | None
) -> BoolArray:
    return ~(_breach(comparison, values, low, high) | np.isnan(values))


def _shift(clear: float, bound: float, moved: float) -> float:
    """Return `clear` moved as far as its bound, in decimals, so that 29.7 for 30.2 is 30.6 for 31.1."""
    return float(Decimal(repr(clear)) + (Decimal(repr(moved)) - Decimal(repr(bound))))
