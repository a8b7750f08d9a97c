"""Make rules for tests."""

from telemetry.rules.bounds import Bounds, Comparison
from telemetry.rules.conditions import Threshold
from telemetry.rules.rule import Rule, Severity


def threshold_rule(
    id: str,
    metric: str,
    comparison: Comparison,
    low: float,
    high: float | None = None,
    severity: Severity = "warning",
    devices: tuple[str, ...] = ("*",),
) -> Rule:
    """Return a rule that a file of version 1 can express."""
    return Rule(id, metric, Threshold(Bounds(comparison, low, high)), severity, devices)
