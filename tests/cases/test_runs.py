"""Complete runs on foreign files: what is stored and printed, exit codes, and errors of one line."""

import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.__main__ import main
from tests.cases.given_case import flags_of

AIR = {
    "file": "air.csv",
    "ends": "crlf",
    "text": (
        "Date;Time;T;RH;;\n13/03/2004;18.00.00;13,6;48,9;;\n13/03/2004;19.00.00;-200;47;;\n"
        "13/03/2004;20.00.00;31,2;x;;\nlater;20.10.00;32;48;;\n;;;;;\n"
    ),
    "feed": {
        "csv": {"delimiter": ";", "decimal": ","},
        "time": {"column": ["Date", "Time"], "zone": "Europe/Rome"},
        "device": {"name": "air"},
        "missing": [-200],
        "metrics": {"temp": {"column": "T", "unit": "°C"}, "humidity": {"column": "RH"}},
    },
}
UNUSABLE: list[tuple[dict[str, Any], int, str]] = [
    (
        {"file": "ms.csv", "text": "ts,device,temp\n1550530705935,a,1\n"},
        3,
        "no row was usable; the commonest reason is bad_timestamp (1 row), for example 1550530705935,a,1 (ts "
        "1550530705935.0 is negative or too far in the future; it looks like milliseconds)",
    ),
    (
        {"file": "naive.csv", "text": "ts,device,temp\n2020-07-12 10:00:00,a,1\n", "feed": {"missing": ["x"]}},
        3,
        "no row was usable; the commonest reason is bad_timestamp (1 row), for example 2020-07-12 10:00:00,a,1 (ts "
        "2020-07-12 10:00:00 is a naive time: say its zone; such as zone: Europe/Rome)",
    ),
    (
        {"file": "few.csv", "text": "1594512000,a,1,2\n",
         "feed": {"csv": {"header": 0, "columns": ["ts", "device", "temp"]}}},
        3,
        "no row was usable; the commonest reason is bad_row (1 row), for example 1594512000,a,1,2 (4 cells under a "
        "header of 3)",
    ),
    (
        {"file": "text.csv", "text": "ts,device,note\n1594512000,a,warm\n", "feed": {"missing": ["x"]}},
        3,
        "no field of the input holds numbers; --metrics names those that are wanted",
    ),
    (
        {"file": "tabs.txt", "text": "ts\tdevice\ttemp\n1\ta\t2\n"},
        2,
        "--input tabs.txt: no columns ts and device; cells seem to be divided by tab: use --delimiter tab or --feed",
    ),
    (
        {"file": "names.csv", "text": "time,sensor,temp\n1,a,2\n"},
        2,
        "--input names.csv: no columns ts and device; did you mean `time` and `sensor`? use --feed or --time-column "
        "time --device-column sensor",
    ),
    (
        {"file": "a.csv", "text": "ts,device,temp\n1,a,2\n", "feed": {"time": {"zoen": "UTC"}}},
        2,
        "--feed feed.yaml: line 3: time: unknown field 'zoen', did you mean zone?",
    ),
    (
        {"file": "a.log", "text": "1,a,2\n"},
        2,
        "--input a.log: not one of .csv, .tsv, .txt, .dat, .jsonl, .ndjson, .json, plain or packed (.gz, .zip, .zst, "
        ".bz2, .xz); a feed's `format` says what else it is",
    ),
]  # fmt: skip


def stored(folder: Path, kind: str) -> list[dict[str, Any]]:
    files = sorted((folder / kind).rglob("*.jsonl"))
    return [json.loads(line) for file in files for line in file.read_text("utf-8").splitlines()]


def test_a_foreign_file_is_judged_and_aggregated(tmp_path: Path) -> None:
    out, told = tmp_path / "out", tmp_path / "summary.json"
    assert main([*flags_of(AIR, tmp_path), "--output", str(out), "--window", "1d", "--summary", str(told)]) == 0
    (anomaly,) = stored(out, "anomalies")
    assert (anomaly["device"], anomaly["metric"], anomaly["value"]) == ("air", "temp", 31.2)
    assert anomaly["event_time"].startswith("2004-03-13T19:00:00")
    windows = {one["metric"]: (one["count"], one["mean"]) for one in stored(out, "aggregates")}
    assert windows == {"temp": (2, pytest.approx(22.4)), "humidity": (2, pytest.approx(47.95))}
    (letter,) = stored(out, "dead_letters")
    assert (letter["reason"], letter["line"]) == ("bad_timestamp", 4)
    summary = json.loads(told.read_text("utf-8"))
    assert (summary["rows_decoded"], summary["dead_letters"]) == (3, {"bad_timestamp": 1})


@pytest.mark.parametrize(("case", "code", "line"), UNUSABLE, ids=[one[0]["file"] for one in UNUSABLE])
def test_what_cannot_be_used_is_said_in_one_line(
    case: dict[str, Any], code: int, line: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*flags_of(case, tmp_path), "--output", str(tmp_path / "out")]) == code
    errors = [text for text in capsys.readouterr().err.replace(f"{tmp_path}/", "").splitlines() if "error" in text]
    assert errors == [f"pipeline: error: {line}"]
