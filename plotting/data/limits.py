"""The bounds of the rules that were in force, also of those that nothing has breached."""

import argparse
from collections.abc import Sequence
from dataclasses import replace

from plotting.data.panels import MAX_THRESHOLDS, Panel
from telemetry.errors import ConfigError
from telemetry.rules.parse import load_rules
from telemetry.rules.threshold_rules import RuleError, RuleSet


def add_rules(parser: argparse.ArgumentParser) -> None:
    """Add the flag that names the job's rules."""
    parser.add_argument(
        "--rules",
        default="",
        metavar="FILE",
        help="the job's rules, to draw every bound (default: the bounds that the anomalies name)",
    )


def read_limits(path: str) -> RuleSet | None:
    """Return the rules of ``--rules``; None for "": then the bounds are those that the anomalies name.

    Raises:
        ConfigError: if the file cannot be read or is no file of rules.
    """
    try:
        return load_rules(path) if path else None
    except RuleError as error:
        raise ConfigError("--rules", path, str(error)) from error


def with_limits(panels: Sequence[Panel], rules: RuleSet | None, metric: str) -> list[Panel]:
    """Return the panels with the bounds of every rule that watches their device and metric.

    Args:
        panels: what is shown, with the bounds that their anomalies name.
        rules: those of the job; None leaves the panels as they are.
        metric: the metric shown.
    """
    if rules is None:
        return list(panels)
    return [replace(panel, thresholds=_bounds(rules, panel.device, metric)) for panel in panels]


def _bounds(rules: RuleSet, device: str, metric: str) -> tuple[float, ...]:
    watching = [rule for rule in rules.rules if rule.metric == metric and rule.matches(device)]
    bounds = {rule.threshold for rule in watching}
    bounds |= {rule.threshold_upper for rule in watching if rule.threshold_upper is not None}
    return tuple(sorted(bounds)) if len(bounds) <= MAX_THRESHOLDS else ()
