"""Each flag of a bounded run changes what comes out, and only that."""

import json
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from pipeline.__main__ import main
from tests.support import oracle
from tests.support.jobs import EARLY, run_job

ROWS = [(ts, "ab"[ts // 10 % 2], 25.0 + ts % 9, 50.0, ts * 1.0) for ts in range(0, 7_200, 10)]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "rows.csv"
    lines = (",".join(map(str, row)) for row in ROWS)
    path.write_text("ts,device,temp,humidity,vibration\n" + "\n".join(lines) + "\n")
    return path


def run(source: Path, name: str, *flags: object) -> tuple[dict[str, Any], Path]:
    out = source.parent / name
    return run_job("--input", source, "--output", out, *flags), out


def metrics(out: Path) -> dict[str, int]:
    return dict(oracle.read_output(out, "aggregates").groupby("metric")["count"].sum())


def test_rules(source: Path) -> None:
    rules = source.parent / "rules.yaml"
    rules.write_text(
        "version: 1\nrules:\n"
        "  - {id: dry, metric: humidity, inside: [0, 50], severity: info, devices: [a]}\n"
        "  - {id: hot, metric: temp, above: 32}\n"
    )
    expected = {"dry": sum(row[1] == "a" for row in ROWS), "hot": sum(row[2] > 32 for row in ROWS)}
    summary, out = run(source, "out", "--rules", rules)
    assert summary["anomalies"] == expected
    found = oracle.read_output(out, "anomalies")
    assert set(found[found.rule_id == "dry"].device) == {"a"}
    assert dict(found.groupby("rule_id").severity.first()) == {"dry": "info", "hot": "warning"}
    assert run(source, "default")[0]["anomalies"] == {"temp-high": sum(row[2] > 30 for row in ROWS)}


def test_metrics(source: Path) -> None:
    summary, out = run(source, "default")
    assert metrics(out) == {"temp": 720, "humidity": 720}
    assert summary["fields_ignored"] == 720
    assert metrics(run(source, "out", "--metrics", "temp,vibration")[1]) == {"temp": 720, "vibration": 720}


def test_unknown_fields_of_json_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"ts":1,"device":"a","temp":5,"vibration":1}\n{"ts":2,"device":"a","vibration":1,"sound":2}\n')
    assert run(path, "default")[0]["fields_ignored"] == 3
    assert run(path, "out", "--metrics", "temp,vibration")[0]["fields_ignored"] == 1


@pytest.mark.parametrize(("flags", "size"), [([], 60), (["--window", "10m"], 600), (["--window", "1h"], 3600)])
def test_window(flags: list[str], size: int, source: Path) -> None:
    _, out = run(source, "out", *flags)
    found = oracle.read_output(out, "aggregates")
    assert set(found.window_end - found.window_start) == {size * 1_000_000}
    assert sorted(set(found.window_start)) == [n * size * 1_000_000 for n in range(7_200 // size)]


def test_slide(source: Path) -> None:
    _, out = run(source, "out", "--window", "60s", "--slide", "20s")
    starts = sorted(set(oracle.read_output(out, "aggregates").window_start))
    assert starts == [n * 20_000_000 for n in range(-2, 360)]
    assert metrics(out) == {"temp": 3 * 720, "humidity": 3 * 720}


@pytest.mark.parametrize(("file_format", "other"), [("jsonl", "parquet"), ("parquet", "jsonl")])
def test_file_format(file_format: str, other: str, source: Path) -> None:
    _, out = run(source, "out", "--file-format", file_format)
    assert list(out.rglob(f"*.{file_format}"))
    assert not list(out.rglob(f"*.{other}"))


def test_both_formats_hold_the_same(source: Path) -> None:
    def read(file_format: str) -> pd.DataFrame:
        _, out = run(source, file_format, "--file-format", file_format)
        return oracle.read_output(out, "aggregates").sort_values(oracle.KEYS).reset_index(drop=True)

    pd.testing.assert_frame_equal(read("jsonl"), read("parquet"), check_dtype=False)


def test_shards(source: Path) -> None:
    one, many = run(source, "one")[1], run(source, "many", "--shards", "8")[1]
    assert len(list(many.rglob("aggregates/*/*/*.jsonl"))) > len(list(one.rglob("aggregates/*/*/*.jsonl")))
    oracle.assert_same_aggregates(
        oracle.truth(oracle.read_output(many, "aggregates")), oracle.truth(oracle.read_output(one, "aggregates"))
    )


def test_files_lie_in_folders_of_their_hour(source: Path) -> None:
    _, out = run(source, "out")
    folders = sorted({str(path.parent.relative_to(out)) for path in out.glob("[!.]*/**/*.*") if path.is_file()})
    hours = ("date=1970-01-01/hour=00", "date=1970-01-01/hour=01")
    by_hour = [f"{kind}/{hour}" for kind in ("aggregates", "anomalies", "incidents") for hour in hours]
    unknown = "date=__HIVE_DEFAULT_PARTITION__/hour=__HIVE_DEFAULT_PARTITION__"
    assert folders == [
        *by_hour,
        f"ledger/{hours[0]}",  # the ledger is dated by the day
        f"ledger/{unknown}",
        f"rules/{unknown}",  # those of a job on files are in force from the beginning
    ]
    for kind, column in (("aggregates", "window_start"), ("anomalies", "event_time")):
        for hour in (0, 1):
            for path in out.glob(f"{kind}/date=1970-01-01/hour=0{hour}/*.jsonl"):
                times = [json.loads(line)[column] for line in path.read_text().splitlines()]
                assert {text[:13] for text in times} == {f"1970-01-01T0{hour}"}


def test_running_again_writes_the_same_files(source: Path) -> None:
    _, out = run(source, "out")
    before = {path: path.read_bytes() for path in out.rglob("*.*") if path.is_file()}
    run(source, "out")
    assert {path: path.read_bytes() for path in out.rglob("*.*") if path.is_file()} == before


def test_archive(source: Path) -> None:
    summary, out = run(source, "out", "--archive")
    assert summary["rows_archived"] == 720
    files = sorted((out / "readings").rglob("*.parquet"))
    assert [str(path.parent.relative_to(out)) for path in files] == [
        "readings/date=1970-01-01/hour=00",
        "readings/date=1970-01-01/hour=01",
    ]
    found = pd.concat([pd.read_parquet(path) for path in files], ignore_index=True)
    rows = [(ts * 1_000_000, device, temp, humidity) for ts, device, temp, humidity, _ in ROWS]
    times = found.event_time.astype("datetime64[us, UTC]").astype("int64")
    assert sorted(zip(times, found.device, found.temp, found.humidity, strict=True)) == rows
    assert not (run(source, "without")[1] / "readings").exists()


def test_print(source: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["--input", str(source), *EARLY, "--print"]) == 0
    lines = capfd.readouterr().out.splitlines()
    hot = {device: [row[2] > 30 for row in ROWS if row[1] == device] for device in "ab"}
    changes = sum(one != next_one for values in hot.values() for one, next_one in pairwise(values))
    assert not any(values[0] for values in hot.values())
    assert len(lines) == changes
    assert [line for line in lines if " of a " in line][:2] == [
        "1970-01-01T00:01:00.000000Z  OPEN    critical  temp-high: temp of a above 30, value 31",
        "1970-01-01T00:01:40.000000Z  CLOSED  critical  temp-high: temp of a above 30, worst 33, lasted 40s",
    ]


def test_print_readings(source: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["--input", str(source), *EARLY, "--print", "readings"]) == 0
    lines = capfd.readouterr().out.splitlines()
    assert len(lines) == sum(row[2] > 30 for row in ROWS)
    assert lines[0] == "1970-01-01T00:01:00.000000Z  temp 31 °C above 30  device a  (temp-high, critical)"


def test_a_reader_of_the_lines_that_leaves_does_not_end_the_job(source: Path) -> None:
    """As with ``| head``: many lines, so that the pipe is full when it closes."""
    rules = source.parent / "rules.yaml"
    rules.write_text("version: 1\nrules:\n  - {id: any, metric: temp, above: 0}\n")
    body = "".join(f"{n},a,5\n" for n in range(50_000))
    source.write_text("ts,device,temp\n" + body)
    out = source.parent / "out"
    flags = ["--input", str(source), *EARLY, "--output", str(out), "--print", "readings", "--rules", str(rules)]
    command = [sys.executable, "-m", "pipeline", *flags]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline().startswith("1970-01-01T00:00:00")
        process.stdout.close()
        assert process.stderr.read().startswith("rows decoded ")
    assert process.returncode == 0
    assert len(oracle.read_output(out, "anomalies")) == 50_000


def test_quiet_by_default_and_more_with_verbose(source: Path) -> None:
    def messages(*flags: str) -> str:
        job = ["--input", str(source), *EARLY, "--output", str(source.parent / "out")]
        command = [sys.executable, "-m", "pipeline", *job]
        return subprocess.run([*command, *flags], capture_output=True, text=True, check=True).stderr

    quiet = messages()
    assert quiet.startswith("rows decoded")
    assert len(quiet.splitlines()) == len(messages().splitlines()) == 13
    told = messages("--verbose")
    assert "INFO reading" in told
    assert "INFO windows of 1m every 1m, lateness 10m" in told


def test_bounded_runs_need_no_network(source: Path) -> None:
    """Beam's own local runner would download another one."""
    program = (
        "import socket, sys\n"
        "def refuse(self, address):\n"
        "    if self.family != socket.AF_UNIX and address[0] not in ('127.0.0.1', 'localhost', '::1'):\n"
        "        sys.exit(f'connects to {address}')\n"
        "    return connect(self, address)\n"
        "connect, socket.socket.connect = socket.socket.connect, refuse\n"
        "from pipeline.__main__ import main\n"
        f"sys.exit(main([*{EARLY!r}, '--input', {str(source)!r}, '--output', {str(source.parent / 'out')!r}]))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("runner", ["DirectRunner", "FnApiRunner"])
def test_the_local_runners_by_name(runner: str, source: Path) -> None:
    assert run(source, "out", "--runner", runner)[0]["rows_decoded"] == 720
