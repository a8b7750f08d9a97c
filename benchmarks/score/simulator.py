"""Score rules on the simulator's faults, by the functions of `benchmarks.rule_scores`."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.rule_scores import judge_seed, score_seeds, tables
from pipeline.backtest.score import LabelScore, RuleScore
from telemetry.errors import ConfigError
from telemetry.rules.errors import RuleError
from telemetry.rules.parse import load_rules


def score_simulator(rules: Path, seeds: Sequence[int], rows: int, devices: int) -> dict[str, Any]:
    """Simulate the seeds, print the tables, and return the scores of all of them together.

    Args:
        rules: file of the rules.
        seeds: different from one another.
        rows: of each seed.
        devices: of each seed.

    Raises:
        ConfigError: if the rules, the rows or the devices cannot be used.
        BenchmarkError: if two seeds are the same.
    """
    try:
        judged_by = load_rules(str(rules))
    except RuleError as error:
        raise ConfigError("--simulator-rules", rules, str(error)) from error
    with tempfile.TemporaryDirectory(prefix="score-") as folder:
        results = [judge_seed(judged_by, rows, devices, seed, Path(folder)) for seed in seeds]
    score, by_size = score_seeds(judged_by, results)
    print("\n## Simulator\n")
    for line in tables(results, score, by_size):
        print(line)
    return {"seeds": list(seeds), **to_json(score)}


def to_json(score: LabelScore) -> dict[str, Any]:
    """Return precision, and recall by kind of fault, of all rules together and of each."""
    return {**_of_rule(score.total), "rules": {rule.rule_id: _of_rule(rule) for rule in score.rules}}


def _of_rule(score: RuleScore) -> dict[str, Any]:
    *kinds, total = score.kinds
    return {
        "precision": score.precision,
        "recall": total.recall,
        "incidents": score.incidents,
        "false": score.false,
        "kinds": {kind.kind: {"faults": kind.faults, "found": kind.found, "recall": kind.recall} for kind in kinds},
    }
