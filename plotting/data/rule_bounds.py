"""Take the bounds to draw from the job's rules, including rules that no reading breached."""

import argparse
from collections.abc import Sequence
from dataclasses import replace

from plotting.data.panels import MAX_THRESHOLDS, Panel
from telemetry.errors import ConfigError
from telemetry.rules.errors import RuleError
from telemetry.rules.parse import load_rules
from telemetry.rules.rule_set import RuleSet


def add_rules_flag(parser: argparse.ArgumentParser) -> None:
    """Add the flag ``--rules``, the job's rules file."""
    parser.add_argument(
        "--rules",
        default="",
        metavar="FILE",
        help="the job's rules, to draw every bound (default: the bounds that the anomalies name)",
    )


def read_rules_flag(path: str) -> RuleSet | None:
    """Return the rules in the file given to ``--rules``; None for "", which draws the bounds stored with the anomalies.

    Raises:
        ConfigError: if the file cannot be read or is not a rules file.
    """
    try:
        return load_rules(path) if path else None
    except RuleError as error:
        raise ConfigError("--rules", path, str(error)) from error


def with_rule_bounds(panels: Sequence[Panel], rules: RuleSet | None, metric: str) -> list[Panel]:
    """Return the panels with the bounds of every rule that applies to their device and metric.

    Args:
        panels: panels with the bounds stored with their anomalies.
        rules: the job's rules; None leaves the panels unchanged.
        metric: the metric shown.
    """
    if rules is None:
        return list(panels)
    return [replace(panel, thresholds=_bounds(rules, panel.device, metric)) for panel in panels]


def _bounds(rules: RuleSet, device: str, metric: str) -> tuple[float, ...]:
    watching = [rule for rule in rules.thresholds if rule.metric == metric and rule.matches(device)]
    found = [rule.bounds_of(device) for rule in watching]
    bounds = {one.low for one in found} | {one.high for one in found if one.high is not None}
    return tuple(sorted(bounds)) if len(bounds) <= MAX_THRESHOLDS else ()
