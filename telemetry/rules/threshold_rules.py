"""Evaluate threshold rules on arrays.

A rule names one metric and one comparison. NaN, a missing value, never breaches:

==========================  ============================
``above: x``                value > x
``below: x``                value < x
``outside: [low, high]``    value < low or value > high
``inside: [low, high]``     low <= value <= high
==========================  ============================
"""

import fnmatch
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from telemetry.arrays import BoolArray, FloatArray
from telemetry.errors import TelemetryError

Comparison = Literal["above", "below", "outside", "inside"]
Severity = Literal["info", "warning", "critical"]


class RuleError(TelemetryError):
    """A rules file that cannot be used; the text names the rule and the field."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One threshold rule.

    Attributes:
        id: unique in its file; part of each anomaly's id.
        metric: the metric whose values it checks.
        comparison: how the value is compared.
        threshold: the bound, or the lower bound of a range, in the metric's unit.
        threshold_upper: the upper bound of a range, else None.
        severity: how much it matters.
        devices: globs; the rule applies to readings of any matching device.
    """

    id: str
    metric: str
    comparison: Comparison
    threshold: float
    threshold_upper: float | None = None
    severity: Severity = "warning"
    devices: tuple[str, ...] = ("*",)

    def breaches(self, values: FloatArray) -> BoolArray:
        """Return which values breach the rule; same shape as `values`, False where NaN."""
        with np.errstate(invalid="ignore"):
            if self.comparison == "above":
                return values > self.threshold
            if self.comparison == "below":
                return values < self.threshold
            if self.comparison == "outside":
                return (values < self.threshold) | (values > self._upper)
            return (values >= self.threshold) & (values <= self._upper)

    def matches(self, device: str) -> bool:
        """Return whether the rule applies to a device (case-sensitive globs)."""
        return any(fnmatch.fnmatchcase(device, pattern) for pattern in self.devices)

    @property
    def matches_all(self) -> bool:
        """Whether the rule applies to every device, so that names need no matching."""
        return "*" in self.devices

    @property
    def _upper(self) -> float:
        assert self.threshold_upper is not None, "a range has two bounds"
        return self.threshold_upper


@dataclass(frozen=True, slots=True)
class RuleSet:
    """Rules that are in force together.

    Attributes:
        rules: in the order of the file.
        version: hash of the rules; equal for files that differ in layout only.
    """

    rules: tuple[Rule, ...]
    version: str

    def __init__(self, rules: Sequence[Rule]) -> None:
        """Keep the rules and derive their version."""
        object.__setattr__(self, "rules", tuple(rules))
        digest = hashlib.blake2b(repr(self.rules).encode(), digest_size=6)
        object.__setattr__(self, "version", digest.hexdigest())

    def check_metrics(self, metrics: Sequence[str]) -> None:
        """Raise a RuleError for the first rule whose metric is not decoded."""
        for rule in self.rules:
            if rule.metric not in metrics:
                raise RuleError(f"rule {rule.id!r}: metric {rule.metric!r} is not one of {', '.join(metrics)}")
