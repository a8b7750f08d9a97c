"""Check a feed file, and print the schema of feeds."""

from pathlib import Path

import pytest

from telemetry.cli.main import main
from telemetry.feed.json_schema import feed_schema_text


def test_check_says_how_telemetry_is_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "feed.yaml"
    file.write_text(
        "version: 1\ntime: {column: at, zone: Europe/Rome}\nmetrics: {temp: {unit: °C}}\n", encoding="utf-8"
    )
    assert main(["feed", "check", str(file)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "format: csv or json, by the name of a file.",
        "time: at, times without a zone in Europe/Rome.",
        "device: device.",
        "metric temp, in °C.",
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("version: 1\ntime: {zone: Europe/Rom}", "line 2: time.zone: 'Europe/Rom' is no zone of the IANA database; did "
         "you mean Europe/Rome?"),
        ("a: 1", "must be a mapping with `version: 1`"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line(
    text: str, problem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("feed.yaml").write_text(text)
    assert main(["feed", "check", "feed.yaml"]) == 2
    assert capsys.readouterr().err == f"telemetry feed check: error: FILE feed.yaml: {problem}\n"


def test_a_file_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["feed", "check", "nowhere.yaml"]) == 2
    assert capsys.readouterr().err == "telemetry feed check: error: FILE nowhere.yaml: No such file or directory\n"


def test_schema_prints_the_schema(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["feed", "schema"]) == 0
    assert capsys.readouterr().out == feed_schema_text()
