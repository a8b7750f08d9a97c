"""The benchmark of charts runs and tells what it measured; how fast anything is, no test says."""

import gzip
from pathlib import Path

import pytest

from benchmarks import charts
from benchmarks.answers import BenchmarkError
from benchmarks.charts import Chart, main, measure, to_table
from benchmarks.child import Child
from telemetry.errors import ConfigError

LINES = ["ts,device,temp", *(f"{n * 10},{'ab'[n % 2]},{35 if n == 7 else 20}" for n in range(40))]
NAMES = ["CSV", "CSV, gzip", "archive (Parquet)"]


def test_a_tiny_run_draws_the_same_from_all_three(tmp_path, capsys):
    file = tmp_path / "own.csv.gz"
    file.write_bytes(gzip.compress("\n".join(LINES).encode()))
    assert main(["--csv", str(file), "--rows", "0", "--rounds", "1"]) == 0
    facts, heading, *rows = capsys.readouterr().out.splitlines()
    assert "python 3." in facts
    assert heading.split() == ["scatter", "of", "s", "beyond", "import", "peak", "MB", "what", "was", "drawn"]
    assert [row.partition("  ")[0] for row in rows] == NAMES
    for row in rows:
        assert "40 of 40 points drawn, 1 anomalies, 2 devices" in row


def test_the_last_picture_has_the_rows_asked_for(tmp_path, monkeypatch):
    file = tmp_path / "own.csv"
    file.write_text("\n".join(LINES))
    took, jobs = iter([2.0, 3.0, 4.0, 5.0]), []

    def module(command) -> Child:
        if command[0] == "pipeline":
            jobs.append(command)
            return Child(1.0, 50.0, 1.0, "")
        output = Path(command[command.index("--output") + 1])
        output.write_bytes(b"\x89PNG\r\n\x1a\n")
        return Child(next(took), 100.0, 1.0, f"{output}: {command[command.index('--readings') + 1]}\n")

    monkeypatch.setattr(charts, "run_module", module)
    monkeypatch.setattr(charts, "run_child", lambda command: Child(0.5, 50.0, 1.0, ""))
    found = measure(file, 2_000, 1, tmp_path)
    many = tmp_path / "many.csv"
    assert [chart.name for chart in found] == [*NAMES, "CSV of 2,000 simulated rows"]
    assert [chart.seconds for chart in found] == [1.5, 2.5, 3.5, 4.5]
    assert found[-1] == Chart("CSV of 2,000 simulated rows", 4.5, 100.0, str(many))
    assert jobs == [
        ["pipeline", "--input", str(file), "--output", str(tmp_path / "results"), "--archive"],
        ["pipeline", "--input", str(many), "--output", str(tmp_path / "many"), "--metrics", "temp"],
    ]
    assert len(many.read_text().splitlines()) == 2_001
    assert gzip.decompress((tmp_path / "packed.csv.gz").read_bytes()) == file.read_bytes()


def test_medians_and_the_largest_memory_are_shown(tmp_path, monkeypatch):
    runs = iter([Child(s, mb, 0.0, "x.png: 1 of 1") for s, mb in ((3.0, 90.0), (9.0, 300.0), (4.0, 80.0))])
    monkeypatch.setattr(charts, "_render", lambda *_: next(runs))
    monkeypatch.setattr(charts, "run_child", lambda command: Child(1.0, 50.0, 1.0, ""))
    (chart,) = charts._in_turn({"CSV": (tmp_path, tmp_path)}, 3, tmp_path)
    assert chart == Chart("CSV", 3.0, 300.0, "1 of 1")
    assert to_table([chart]).splitlines()[1] == "CSV             3.00      300  1 of 1"


def test_a_process_that_makes_no_picture_has_no_time(tmp_path, monkeypatch):
    (tmp_path / "chart.png").write_bytes(b"\x89PNG\r\n\x1a\nof the round before")
    monkeypatch.setattr(charts, "run_module", lambda command: Child(1.0, 50.0, 1.0, "nothing"))
    with pytest.raises(BenchmarkError, match=r"no picture of readings\.csv"):
        charts._render(tmp_path, Path("readings.csv"), tmp_path / "chart.png")


@pytest.mark.parametrize(
    ("flags", "problem"),
    [
        (["--rows", "9"], "--rows 9: must be 0 or at least 100"),
        (["--rounds", "0"], "--rounds 0: must be at least 1"),
        (["--csv", "missing.csv"], "--csv missing.csv: "),
    ],
)
def test_flags_that_cannot_be_used(capsys, flags, problem):
    assert main(flags) == 2
    assert capsys.readouterr().err.startswith(f"benchmarks.charts: error: {problem}")


def test_a_damaged_file_is_refused(tmp_path):
    file = tmp_path / "r.csv.gz"
    file.write_bytes(gzip.compress(b"ts,device,temp\n")[:-4])
    with pytest.raises(ConfigError, match="--csv"):
        measure(file, 0, 1, tmp_path)
