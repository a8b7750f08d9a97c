"""The command runs the real job on a small folder of NAB, and leaves scores and labels that others can check."""

import gzip
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from benchmarks.score.__main__ import main
from benchmarks.score.nab.profiles import PROFILES
from benchmarks.score.nab.series import read_corpus
from tests.support.nab import SmallFile, plain_total, write_corpus

RULES = """
version: 2
rules:
  - {id: high, metric: value, above: 100}
  - {id: mean, metric: value, window: {statistic: mean, length: 1h}, above: 50, min_readings: 2}
"""


def rows(count: int, high: Mapping[int, float]) -> list[tuple[int, float]]:
    return [(row, high.get(row, row / 100)) for row in range(count)]


FILES: Mapping[str, SmallFile] = {
    "one/a": (rows(60, {25: 120.0, 26: 130.0, 50: 150.0}), [(20, 29)]),  # one incident of two rows, one outside
    "one/b": (rows(60, {31: 500.0, 32: 500.0}), [(10, 15), (30, 40)]),
    "one/c": (rows(60, {}), []),
    "two/a": ([*rows(30, {}), *((row, 200.0 if row in (24, 27) else 0.0) for row in range(24, 50))], [(22, 28)]),
}
"""In the last one the times 24 to 29 come again, with values that do not count: of a device and time the first does."""
EXPECTED = {"one/a": [25, 50], "one/b": [31, 36], "one/c": [], "two/a": []}
"""Rows at which incidents open: at a reading, or with the reading after the end of a window of the rules."""


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = write_corpus(tmp_path / "nab", FILES)
    monkeypatch.setenv("NAB_DATA", str(folder))
    for name in ("CSV", "TELEMETRY_DATA"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "rules.yaml").write_text(RULES)
    return folder


@pytest.mark.loads_beam
def test_incidents_of_the_job_are_scored_and_written(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    output = tmp_path / "score"
    assert main(["--output", str(output), "--nab-rules", str(tmp_path / "rules.yaml")]) == 0
    corpus = read_corpus(data)
    for series in corpus:
        lines = (output / "nab" / f"{series.name}.csv").read_text().splitlines()
        assert lines[0] == "timestamp,label"
        assert [line.partition(",")[0] for line in lines[1:]] == list(series.timestamps)
        assert [row for row, line in enumerate(lines[1:]) if line.endswith(",1")] == EXPECTED[series.name]
    scores = json.loads((output / "scores.json").read_text())["nab"]
    groups: dict[str, list[str]] = {
        "": ["one/a", "one/b", "one/c", "two/a"],
        "choosing": ["one/a", "one/c", "two/a"],
        "reporting": ["one/b"],
    }
    for group, names in groups.items():
        check_group(scores[group] if group else scores, names, corpus)
    assert list(scores["categories"]) == ["one", "two"]
    check_group(scores["categories"]["one"], ["one/a", "one/b", "one/c"], corpus)
    check_group(scores["categories"]["two"], ["two/a"], corpus)
    assert (scores["windows"], scores["windows_hit"], scores["false_alarms"]) == (4, 2, 1)
    printed = capsys.readouterr().out
    assert "These are not all series of the benchmark, so that no published score applies." in printed
    assert "Differences below 3 points are noise" in printed
    assert f"\nwrote {output / 'scores.json'}\n" in printed


def check_group(found: Mapping[str, Any], names: list[str], corpus: Any) -> None:
    some = [series for series in corpus if series.name in names]
    labels = [[float(row in EXPECTED[one.name]) for row in range(len(one))] for one in some]
    windows = sum(len(one.windows) for one in some)
    for profile in PROFILES:
        expected = profile.normalised(plain_total(some, labels, 1.0, profile), windows)
        assert found[profile.name] == pytest.approx(expected)


@pytest.mark.loads_beam
def test_each_section_is_optional(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    for name in ("NAB_DATA", "CSV"):
        monkeypatch.delenv(name, raising=False)
    content = "ts,device,temp\n" + "".join(f"{60 * row},a,{6 if row == 9 else 20}\n" for row in range(20))
    (tmp_path / "telemetry_full.csv.gz").write_bytes(gzip.compress(content.encode()))
    monkeypatch.setenv("TELEMETRY_DATA", str(tmp_path))
    (tmp_path / "rules.yaml").write_text("version: 2\nrules:\n  - {id: low, metric: temp, below: 10}\n")
    flags = ["--founding-rules", str(tmp_path / "rules.yaml"), "--seeds", "1", "--rows", "6000", "--devices", "2"]
    assert main(["--output", str(tmp_path / "score"), *flags]) == 0
    assert capsys.readouterr().out.startswith("NAB is left out: NAB_DATA names no folder\n\n## Founding telemetry\n")
    scores = json.loads((tmp_path / "score" / "scores.json").read_text())
    assert list(scores) == ["founding", "simulator"]
    assert (scores["founding"]["dropout_rows"], scores["founding"]["rules"][0]["dropout_rows_found"]) == (1, 1)
    assert scores["simulator"]["seeds"] == [1]


def test_without_data_nothing_is_scored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("TELEMETRY_DATA", str(tmp_path))  # without the file
    for name in ("NAB_DATA", "CSV"):
        monkeypatch.delenv(name, raising=False)
    assert main(["--output", str(tmp_path / "out")]) == 2
    assert not (tmp_path / "out").exists()
    assert capsys.readouterr().err == ("score: error: NAB_DATA, CSV and --seeds: nothing to score, give one of them\n")


def test_what_cannot_be_used_is_one_line_with_exit_code_2(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    output = ["--output", str(tmp_path / "out")]
    problems = {
        ("--output", str(data / "combined_windows.json")): "--output .*: cannot be made: File exists",
        ("--nab-rules", str(tmp_path / "none.yaml"), *output): "--nab-rules .*none.yaml: .*",
        ("--nab-rules", *output): "--nab-rules: expected one argument",
        ("--seeds", "x", *output): "--seeds: invalid int value: 'x'",
    }
    for flags, problem in problems.items():
        assert main(flags) == 2
        assert re.fullmatch(f"score: error: {problem}\n", capsys.readouterr().err)
    (data / "combined_windows.json").unlink()
    assert main(output) == 2
    missing = f"NAB_DATA {data / 'combined_windows.json'}: cannot be read: No such file or directory"
    assert capsys.readouterr().err == f"score: error: {missing}\n"
