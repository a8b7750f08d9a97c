"""The table of what rules find: it is that of `telemetry backtest`, over several seeds."""

import contextlib
import io
import json
from pathlib import Path

import pytest

from benchmarks.rule_scores import main
from telemetry.cli.main import main as telemetry
from tests.support.sources import ROOT

RULES = str(ROOT / "demo" / "rules.yaml")
SIZE = ["--rows", "60000", "--devices", "5"]


def cells(text: str) -> dict[str, list[str]]:
    """Return the cells of each row of the tables by the first one."""
    rows = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("| ")]
    return {first.strip(): [cell.strip() for cell in rest] for first, *rest in rows}


@pytest.fixture(scope="module")
def printed() -> dict[int, str]:
    """Return what is printed for one seed and for two, by their number."""
    found = {}
    for seeds in (["1"], ["1", "2"]):
        with contextlib.redirect_stdout(io.StringIO()) as out:
            assert main(["--seeds", *seeds, *SIZE]) == 0
        found[len(seeds)] = out.getvalue()
    return found


def test_one_seed_is_what_a_backtest_says(
    printed: dict[int, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    csv, labels = str(tmp_path / "t.csv"), str(tmp_path / "l.csv")
    assert telemetry(["simulate", *SIZE, "--seed", "1", "--faults", "all", "--output", csv, "--labels", labels]) == 0
    capsys.readouterr()
    assert telemetry(["backtest", "--input", csv, "--labels", labels, "--rules", RULES, "--json"]) == 0
    score = json.loads(capsys.readouterr().out)["rules"]["score"]
    found = cells(printed[1])
    for kind in score["by_kind"]:
        assert found[kind["kind"]][:2] == [str(kind["faults"]), str(kind["found"])]
    for event in score["total"]["benign"]:
        assert found[event["kind"]] == [str(event["events"]), str(event["alarmed"])]
    for rule in score["by_rule"]:
        assert found[rule["rule"]][:4] == [f"{rule[name]:,}" for name in ("incidents", "true", "late", "false")]
    bands = [row for name, row in found.items() if name.startswith("…")]
    for column in (0, 1):
        assert sum(int(band[column]) for band in bands) == int(found["small-shift"][column]) > 0
    assert printed[1].startswith("60,000 readings of 5 devices, 4 device-days\n")


def test_seeds_are_judged_by_themselves_and_added(printed: dict[int, str]) -> None:
    one, two = cells(printed[1]), cells(printed[2])
    assert printed[2].startswith("120,000 readings of 10 devices, 7 device-days\n")
    assert int(two["silence"][0]) == 2 * int(one["silence"][0])
    assert two["silent"][:4] == [two["silence"][0], two["silence"][0], "0", "0"]  # the end of a seed is no silence


def test_a_seed_counts_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--seeds", "1", "1", *SIZE]) == 1
    assert capsys.readouterr().err.endswith("two seeds have a device of the same name: choose other seeds\n")
