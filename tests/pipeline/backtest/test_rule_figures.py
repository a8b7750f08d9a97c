"""Figures of the incidents of each rule."""

from pipeline.backtest.rule_figures import RuleFigures, figures_by_rule
from telemetry.rules.parse import parse_rules
from tests.support.backtests import incident
from tests.support.incidents import SECOND, at

RULES = parse_rules(
    "{version: 2, rules: [{id: hot, metric: temp, above: 30, severity: critical}, {id: cold, metric: temp, below: 1}]}"
)


def test_figures_of_each_rule():
    incidents = [incident(0, 100), incident(50, 200, device="b"), incident(800, None)]
    hot, cold = figures_by_rule(RULES, incidents, at(0), at(1000))
    assert hot == RuleFigures("hot", "critical", 3, 259.2, 150 * SECOND, 0.4, 1)
    assert cold == RuleFigures("cold", "warning", 0, 0.0, None, 0.0, 0)


def test_one_moment_has_no_days():
    (hot, _) = figures_by_rule(RULES, [incident(0, None)], at(0), at(0))
    assert (hot.per_day, hot.median_us, hot.open_share, hot.still_open) == (None, 0, 0.0, 1)
