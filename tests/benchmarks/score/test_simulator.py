"""The scores of the simulator are those of `benchmarks.rule_scores`, as one object."""

from pathlib import Path

import pytest

from benchmarks.expected_output import BenchmarkError
from benchmarks.score.simulator import score_simulator, to_json
from pipeline.backtest.score import BenignScore, KindScore, LabelScore, RuleScore
from telemetry.errors import ConfigError
from tests.support.sources import ROOT

RULES = ROOT / "demo" / "rules.yaml"


def rule(name: str, found: int, false: int) -> RuleScore:
    kinds = (KindScore("drift", 0, 0, None), KindScore("spike", 4, found, 1e6), KindScore("", 4, found, 1e6))
    return RuleScore(name, found + false + 1, found, false, kinds, (BenignScore("front", 2, 1),))


def test_precision_and_recall_by_kind_of_all_rules_and_of_each():
    def of(found: int, incidents: int, false: int, precision: float | None) -> dict[str, object]:
        spike = {"faults": 4, "found": found, "recall": found / 4}
        return {"precision": precision, "recall": found / 4, "incidents": incidents, "false": false,
                "kinds": {"drift": {"faults": 0, "found": 0, "recall": None}, "spike": spike}}  # fmt: skip

    score = LabelScore((rule("one", 0, 0), rule("two", 3, 1)), rule("", 3, 1))
    each = {"one": of(0, 1, 0, None), "two": of(3, 5, 1, 0.75)}
    assert to_json(score) == {**of(3, 5, 1, 0.75), "rules": each}


@pytest.mark.loads_beam
def test_seeds_are_simulated_and_scored_together(capsys: pytest.CaptureFixture[str]):
    found = score_simulator(RULES, [1, 2], 6_000, 2)
    assert found["seeds"] == [1, 2]
    assert sum(kind["faults"] for kind in found["kinds"].values()) > 0
    assert capsys.readouterr().out.startswith("\n## Simulator\n\n12,000 readings of 4 devices, ")


@pytest.mark.loads_beam
def test_seeds_and_rules_that_cannot_be_used(tmp_path: Path):
    with pytest.raises(BenchmarkError, match="choose other seeds"):
        score_simulator(RULES, [1, 1], 6_000, 2)
    with pytest.raises(ConfigError, match=r"^--simulator-rules .*none\.yaml"):
        score_simulator(tmp_path / "none.yaml", [1], 6_000, 2)
