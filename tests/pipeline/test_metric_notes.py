"""Runs whose readings lack metrics say so, with the likely cause, and those without any value do not end well."""

from pathlib import Path
from typing import Any

import pytest

from pipeline.metric_notes import _similar, notes_on_metrics
from pipeline.run import run_config
from pipeline.summary import JobSummary
from pipeline.usable import check_usable
from telemetry.errors import NothingUsableError
from tests.support.jobs import config_of, run_job

SILENCE = "{version: 2, rules: [{id: quiet, silence: {for: 1h}}]}"
TEMP = {"rows_decoded": 2, "values_read/temp": 2}


def notes(counts: dict[str, int], *flags: object) -> list[str]:
    return notes_on_metrics(config_of("--input", "x.csv", "--output", "out", *flags), JobSummary(counts, 1.0))


@pytest.mark.parametrize(
    ("counts", "flags", "told"),
    [
        ({}, [], []),
        ({"rows_decoded": 1}, ["--metrics", "temp"], []),
        (
            {"values_read/temp": 0},
            ["--metrics", "temp"],
            ["warning: no reading carries temp; rule temp-high cannot fire"],
        ),
        (TEMP, ["--metrics", "temp"], []),
        (TEMP, [], ["no reading carries co, humidity, lpg, smoke"]),
        (TEMP, ["--metrics", "temp,hum"], ["warning: no reading carries hum"]),
        (
            TEMP | {"fields_ignored/Humidity": 2, "fields_ignored/x": 9},
            ["--metrics", "temp,hum"],
            [
                "warning: no reading carries hum; ignored fields of similar names: Humidity (for hum); "
                "use --metrics or --feed"
            ],
        ),
        (
            {"rows_decoded": 2, "values_read/co": 2, "values_read/hum": 1, "fields_ignored/temperature": 2},
            ["--metrics", "temp,hum,co"],
            [
                "warning: no reading carries temp; rule temp-high cannot fire; ignored fields of similar names: "
                "temperature (for temp); use --metrics or --feed"
            ],
        ),
        (
            {"rows_decoded": 2, "values_read/value": 2},
            ["--metrics", "value"],
            ["warning: the default rule temp-high is not in force, because the input has no temp"],
        ),
    ],
)  # fmt: skip
def test_a_note_tells_what_is_absent_and_why(counts: dict[str, int], flags: list[str], told: list[str]) -> None:
    assert notes(counts, *flags) == told


def test_rules_that_look_at_something_absent_are_named(tmp_path: Path) -> None:
    rules = tmp_path / "rules.yaml"
    rules.write_text(
        "version: 2\nrules: [{id: a, metric: temp, above: 1}, {id: b, all: [{metric: co, above: 1}, {metric: lpg, "
        "above: 1}], within: 1m}, {id: c, silence: {for: 1h}}, {id: d, metric: lpg, above: 1}]"
    )
    told = notes(TEMP, "--metrics", "temp,co,lpg", "--rules", rules)
    assert told == ["warning: no reading carries co, lpg; rules b, d cannot fire"]


@pytest.mark.parametrize(
    ("metric", "fields", "found"),
    [
        ("temp", ["humidity", "temperature"], ("temperature",)),
        ("temperature", ["Temp", "t"], ("Temp",)),
        ("humidity", ["humidty"], ("humidty",)),
        ("pm2_5", ["PM2.5"], ("PM2.5",)),
        ("co", ["colour", "c"], ()),
        ("co", ["CO"], ("CO",)),
        ("temp", [], ()),
    ],
)
def test_fields_of_similar_names_are_found(metric: str, fields: list[str], found: tuple[str, ...]) -> None:
    assert _similar(metric, fields) == found


def outcome(counts: dict[str, int], *flags: object, **texts: Any) -> str:
    try:
        check_usable(config_of(*flags), JobSummary(counts, 1.0, texts=texts))
    except NothingUsableError as error:
        return str(error)
    return ""


FILE = ("--input", "x.csv", "--output", "out", "--metrics", "temp,hum")


def test_rows_without_any_value_are_not_usable() -> None:
    assert outcome(TEMP, *FILE) == ""
    none = {"rows_decoded": 1_200, "values_read/temp": 0, "values_read/hum": 0}
    assert outcome(none, *FILE) == "no row was usable: none of 1,200 carries temp or hum"
    assert outcome({"rows_decoded": 1_200}, *FILE) == "", "the runner does not tell"
    assert outcome(none | {"rows_duplicate": 1}, *FILE) == ""
    assert outcome(none | {"fields_ignored/t": 2, "fields_ignored/h": 3}, *FILE).endswith(
        "; ignored fields: h (3), t (2)"
    )
    unread = none | {"values_unread/temp/not_a_number": 2, "values_unread/hum/not_finite": 1}
    texts = {"unread_examples": frozenset(["temp/not_a_number\twarm"])}
    assert outcome(unread, *FILE, **texts).endswith("hum; temp is not_a_number (2), for example warm")


def test_rows_without_any_value_are_of_use_to_a_rule_that_needs_none(tmp_path: Path) -> None:
    rules = tmp_path / "rules.yaml"
    rules.write_text(SILENCE)
    none = {"rows_decoded": 1, "values_read/temp": 0, "values_read/hum": 0}
    assert outcome(none, *FILE, "--rules", rules) == ""
    assert outcome(none, *FILE) != ""


def test_a_run_tells_of_a_column_of_another_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "in.csv"
    path.write_text(
        "ts,device,temperature,humidity\n1594512000,a,95.5,40\n1594512001,a,95.5,NA\n1594512002,a,95.5,damp\n"
    )
    summary = run_job("--input", path, "--output", tmp_path / "out")
    assert summary["ignored_fields"] == {"temperature": 3}
    assert {name: count for name, count in summary["values_read"].items() if count} == {"humidity": 1}
    assert summary["values_unread"] == {"humidity/not_a_number": {"count": 1, "example": "damp"}}
    lines = capsys.readouterr().err.splitlines()
    assert "ignored fields: temperature (3)" in lines
    assert "unread values: humidity not_a_number (1, such as 'damp')" in lines
    (note,) = summary["notes"]
    assert note in lines
    assert note.startswith(
        "warning: no reading carries co, lpg, smoke, temp; rule temp-high cannot fire; ignored fields"
    )


def test_a_run_without_any_value_ends_with_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "in.jsonl"
    path.write_text('{"ts": 1594512000, "device": "a", "t": 1}\n' * 3)
    with pytest.raises(NothingUsableError) as error:
        run_config(config_of("--input", path, "--output", tmp_path / "out", "--metrics", "temp"))
    assert str(error.value) == "no row was usable: none of 3 carries temp; ignored fields: t (3)"
    assert "warning: no reading carries temp; rule temp-high cannot fire" in capsys.readouterr().err
