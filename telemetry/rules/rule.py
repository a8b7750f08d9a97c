"""Define a rule: a condition, for some devices, with times."""

import fnmatch
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from telemetry.arrays import BoolArray, FloatArray
from telemetry.rules.bounds import Bounds, Comparison, DeviceBounds, device_bounds
from telemetry.rules.conditions import Combination, Condition, Rate, Threshold, WindowStatistic
from telemetry.rules.unusual import Unusual

Severity = Literal["info", "warning", "critical"]


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of a rules file. Times are whole microseconds.

    Attributes:
        id: unique in its file; part of the id of each anomaly and incident.
        metric: the metric whose values it judges; "" for several metrics, and for the silence of a device.
        condition: when it is breached.
        severity: how much it matters.
        devices: globs; the rule applies to any matching device.
        except_: globs of devices that it does not apply to all the same.
        for_us: how long it must be breached without interruption before an incident opens.
        keep_us: how long it must be clear without interruption before an incident closes.
        max_gap_us: longest time between two readings that does not interrupt a breach; None for no limit of its own.
        overrides: bounds of single devices instead of those of the condition, by name.
        shelved: globs of devices for which it opens no incident at present; no part of what the rule says.
        line: of the file, from 1; 0 for none. It makes no difference between rules.
    """

    id: str
    metric: str
    condition: Condition
    severity: Severity = "warning"
    devices: tuple[str, ...] = ("*",)
    except_: tuple[str, ...] = ()
    for_us: int = 0
    keep_us: int = 0
    max_gap_us: int | None = None
    overrides: Mapping[str, Bounds] = field(default_factory=dict, hash=False)
    shelved: tuple[str, ...] = ()
    line: int = field(default=0, compare=False)

    @property
    def bounds(self) -> Bounds | None:
        """The bounds of devices without bounds of their own; None for a condition without one comparison."""
        return self.condition.bounds if isinstance(self.condition, Threshold | Rate | WindowStatistic) else None

    @property
    def metrics(self) -> tuple[str, ...]:
        """Every metric that the condition looks at, once each; none for the silence of a device."""
        if isinstance(self.condition, Combination):
            return tuple(dict.fromkeys(part.metric for part in self.condition.parts))
        if isinstance(self.condition, Unusual) and self.condition.metrics:
            return self.condition.metrics
        return (self.metric,) if self.metric else ()

    @property
    def comparison(self) -> Comparison:
        """The comparison of a rule that has bounds."""
        return self._bounds.comparison

    @property
    def threshold(self) -> float:
        """The bound, or the lower bound of a range, of a rule that has bounds."""
        return self._bounds.low

    @property
    def threshold_upper(self) -> float | None:
        """The upper bound of a range, of a rule that has bounds; None without a range."""
        return self._bounds.high

    def breaches(self, values: FloatArray) -> BoolArray:
        """Return which values breach a rule that has bounds; those of single devices are left out of account.

        Args:
            values: of any shape.

        Returns:
            The same shape, False where NaN.
        """
        return self._bounds.breaches(values)

    def bounds_of(self, device: str) -> Bounds:
        """Return the bounds that hold for a device, of a rule that has bounds."""
        return self.overrides.get(device, self._bounds)

    def bounds_for(self, devices: Sequence[str]) -> DeviceBounds:
        """Return the bounds (D,) that hold for D devices, of a rule that has bounds."""
        return device_bounds(self.comparison, [self.bounds_of(device) for device in devices])

    def matches(self, device: str) -> bool:
        """Return whether the rule applies to a device (case-sensitive globs)."""
        return self._applies_to(device) and not _matches(device, self.shelved)

    def is_shelved(self, device: str) -> bool:
        """Return whether only its being shelved keeps the rule from a device."""
        return self._applies_to(device) and _matches(device, self.shelved)

    @property
    def matches_all(self) -> bool:
        """Whether the rule applies to every device, so that names need no matching."""
        return "*" in self.devices and not self.except_ and not self.shelved

    def _applies_to(self, device: str) -> bool:
        return _matches(device, self.devices) and not _matches(device, self.except_)

    @property
    def _bounds(self) -> Bounds:
        bounds = self.bounds
        assert bounds is not None, f"rule {self.id!r} has no bounds"
        return bounds


def _matches(device: str, globs: Sequence[str]) -> bool:
    return any(fnmatch.fnmatchcase(device, glob) for glob in globs)
