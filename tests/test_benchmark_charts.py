"""Measurements of charts: what is drawn, and how times and memory are summarised; speed itself is not tested."""

import gzip
from pathlib import Path

import pytest

from benchmarks import charts
from benchmarks.charts import ChartMeasurement, main, measure, to_table
from benchmarks.expected_output import BenchmarkError
from benchmarks.measured_process import MeasuredProcess
from telemetry.errors import ConfigError

LINES = ["ts,device,temp", *(f"{1_594_512_000 + n * 10},{'ab'[n % 2]},{35 if n == 7 else 20}" for n in range(40))]
NAMES = ["CSV", "CSV, gzip", "archive (Parquet)"]


def test_a_small_run_draws_the_same_chart_from_all_three_sources(tmp_path, capsys):
    file = tmp_path / "own.csv.gz"
    file.write_bytes(gzip.compress("\n".join(LINES).encode()))
    assert main(["--csv", str(file), "--rows", "0", "--rounds", "1"]) == 0
    facts, heading, *rows = capsys.readouterr().out.splitlines()
    assert "python 3." in facts
    assert heading.split() == ["scatter", "of", "s", "beyond", "import", "peak", "MB", "drawn", "readings"]
    assert [row.partition("  ")[0] for row in rows] == NAMES
    for row in rows:
        assert "40 of 40 points drawn, 1 anomalies, 2 devices" in row


def test_the_last_chart_has_the_requested_rows(tmp_path, monkeypatch):
    file = tmp_path / "own.csv"
    file.write_text("\n".join(LINES))
    took, jobs = iter([2.0, 3.0, 4.0, 5.0]), []

    def module(command) -> MeasuredProcess:
        if command[0] == "pipeline":
            jobs.append(command)
            return MeasuredProcess(1.0, 50.0, 1.0, "")
        output = Path(command[command.index("--output") + 1])
        output.write_bytes(b"\x89PNG\r\n\x1a\n")
        return MeasuredProcess(next(took), 100.0, 1.0, f"{output}: {command[command.index('--readings') + 1]}\n")

    monkeypatch.setattr(charts, "run_module", module)
    monkeypatch.setattr(charts, "run_measured", lambda command: MeasuredProcess(0.5, 50.0, 1.0, ""))
    found = measure(file, 2_000, 1, tmp_path)
    many = tmp_path / "many.csv"
    assert [chart.name for chart in found] == [*NAMES, "CSV of 2,000 simulated rows"]
    assert [chart.seconds for chart in found] == [1.5, 2.5, 3.5, 4.5]
    assert found[-1] == ChartMeasurement("CSV of 2,000 simulated rows", 4.5, 100.0, str(many))
    assert jobs == [
        ["pipeline", "--input", str(file), "--output", str(tmp_path / "results"), "--archive"],
        ["pipeline", "--input", str(many), "--output", str(tmp_path / "many"), "--metrics", "temp"],
    ]
    assert len(many.read_text().splitlines()) == 2_001
    assert gzip.decompress((tmp_path / "compressed.csv.gz").read_bytes()) == file.read_bytes()


def test_medians_and_the_largest_memory_are_shown(tmp_path, monkeypatch):
    runs = iter([MeasuredProcess(s, mb, 0.0, "x.png: 1 of 1") for s, mb in ((3.0, 90.0), (9.0, 300.0), (4.0, 80.0))])
    monkeypatch.setattr(charts, "_render", lambda *_: next(runs))
    monkeypatch.setattr(charts, "run_measured", lambda command: MeasuredProcess(1.0, 50.0, 1.0, ""))
    (chart,) = charts._draw_alternating({"CSV": (tmp_path, tmp_path)}, 3, tmp_path)
    assert chart == ChartMeasurement("CSV", 3.0, 300.0, "1 of 1")
    assert to_table([chart]).splitlines()[1] == "CSV             3.00      300  1 of 1"


def test_a_process_that_writes_no_chart_is_an_error(tmp_path, monkeypatch):
    (tmp_path / "chart.png").write_bytes(b"\x89PNG\r\n\x1a\nof the round before")
    monkeypatch.setattr(charts, "run_module", lambda command: MeasuredProcess(1.0, 50.0, 1.0, "nothing"))
    with pytest.raises(BenchmarkError, match=r"no chart of readings\.csv"):
        charts._render(tmp_path, Path("readings.csv"), tmp_path / "chart.png")


@pytest.mark.parametrize(
    ("flags", "problem"),
    [
        (["--rows", "9"], "--rows 9: must be 0 or at least 100"),
        (["--rounds", "0"], "--rounds 0: must be at least 1"),
        (["--csv", "missing.csv"], "--csv missing.csv: "),
    ],
)
def test_invalid_flags(capsys, flags, problem):
    assert main(flags) == 2
    assert capsys.readouterr().err.startswith(f"benchmarks.charts: error: {problem}")


def test_a_damaged_file_is_rejected(tmp_path):
    file = tmp_path / "r.csv.gz"
    file.write_bytes(gzip.compress(b"ts,device,temp\n")[:-4])
    with pytest.raises(ConfigError, match="--csv"):
        measure(file, 0, 1, tmp_path)
