"""The command `telemetry suggest`: files, archives, standard output, and one line for each mistake."""

import json
from pathlib import Path

import pytest

from telemetry.cli.main import main
from telemetry.rules.conditions import Silence
from telemetry.rules.parse import load_rules
from tests.support import needs
from tests.support.recordings import noise

START = 1_594_512_000
ROWS = 400
TEMPS, DOORS = noise(ROWS), noise(ROWS, 2)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    lines = [f"{START + 10 * at},a,{TEMPS[at]},{DOORS[at]}\n" for at in range(ROWS)]
    Path("t.csv").write_text("ts,device,temp,door\n" + "".join(lines) + "soon,a,1,1\n")
    return tmp_path


def suggest(capsys: pytest.CaptureFixture[str], *args: str) -> tuple[int, str, str]:
    code = main(["suggest", *args])
    out, err = capsys.readouterr()
    return code, out, err


def metrics_of(text: str) -> tuple[str, ...]:
    Path("made.yaml").write_text(text)
    return load_rules("made.yaml").metrics


def test_rules_on_standard_output(capsys):
    code, out, err = suggest(capsys, "t.csv")
    assert (code, err, metrics_of(out)) == (0, "", ("temp",))
    assert "# First rules, suggested by telemetry suggest t.csv\n" in out
    assert "# 1 row could not be used.\n" in out
    assert "  # humidity: No rules: it is missing in every reading.\n" in out


def test_rules_in_a_file_that_can_be_checked_and_backtested(capsys):
    args = ["t.csv", "--metrics", "temp,door", "--earliest-time", "2019-01-01T00:00:00Z"]
    assert suggest(capsys, *args, "--output", "rules.yaml") == (0, "", "")
    text = Path("rules.yaml").read_text(encoding="utf-8")
    assert metrics_of(text) == ("temp", "door")
    steps = [line.removeprefix("#   telemetry ") for line in text.splitlines() if line.startswith("#   telemetry ")]
    assert steps[2] == "run … --rules rules.yaml"
    for step in steps[:2]:
        assert main(step.split()) == 0
    assert "silent" in capsys.readouterr().out


def test_json_lines_are_read_as_csv(capsys):
    rows = [{"ts": START + 10 * at, "device": "a", "temp": TEMPS[at]} for at in range(ROWS)]
    Path("t.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    one, other = (suggest(capsys, name)[1].partition("version: 2")[2] for name in ("t.jsonl", "t.csv"))
    assert one == other


def test_an_archive_names_its_metrics(capsys):
    assert main(["run", "--input", "t.csv", "--output", "out", "--archive", "--metrics", "temp,door"]) == 0
    capsys.readouterr()
    code, out, _ = suggest(capsys, "out")
    assert (code, metrics_of(out)) == (0, ("temp", "door"))
    of_files = suggest(capsys, "t.csv", "--metrics", "temp,door")[1]
    assert out.partition("version: 2")[2] == of_files.partition("version: 2")[2]
    assert "telemetry backtest --readings out --rules rules.yaml" in out
    assert metrics_of(suggest(capsys, "out", "--metrics", "door")[1]) == ("door",)


def test_a_file_is_replaced_only_by_force(capsys):
    Path("rules.yaml").write_text("mine")
    args = ["t.csv", "--output", "rules.yaml"]
    assert suggest(capsys, *args) == (
        2, "", "telemetry suggest: error: --output rules.yaml: exists; --force replaces it\n",
    )  # fmt: skip
    assert Path("rules.yaml").read_text() == "mine"
    assert suggest(capsys, *args, "--force")[0] == 0
    assert metrics_of(Path("rules.yaml").read_text(encoding="utf-8")) == ("temp",)


@pytest.mark.parametrize(
    ("args", "problem"),
    [
        ("t.csv out", "READINGS t.csv out: are files and folders; only one of them can be read"),
        ("none.csv", "READINGS none.csv: no such file"),
        (".", "READINGS .: no .parquet file of an archive in it"),
        ("t.csv --metrics ts", "--metrics ts: 'ts' cannot be a metric"),
        ("t.csv --incidents-per-day 0", "--incidents-per-day 0: must be a number above 0"),
        ("t.csv --incidents-per-day few", "--incidents-per-day few: must be a number above 0"),
        ("t.csv --output t.csv/r.yaml", "--output t.csv/r.yaml: cannot be written: File exists"),
        ("t.csv --earliest-time soon", "--earliest-time soon: not a time, write seconds since the epoch or "
         "RFC 3339 (Invalid isoformat string: 'soon')"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line(args, problem, capsys):
    assert suggest(capsys, *args.split()) == (2, "", f"telemetry suggest: error: {problem}\n")


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        ("", "no row was usable: there was none"),
        ("soon,a,1\n", "no row was usable; the commonest reason is bad_timestamp (1 row), for example soon,a,1 "),
        (f"{START},a,1\n", "no rule fits 1 reading of 1 device: they are too few, or nothing in them can be judged"),
        (f"{START},a,\n", "no reading has a value of co, humidity, lpg, smoke, temp; --metrics names the metrics"),
    ],
)
def test_nothing_usable_is_exit_code_3(rows, problem, capsys):
    Path("t.csv").write_text("ts,device,temp\n" + rows)
    code, out, err = suggest(capsys, "t.csv", "--output", "rules.yaml")
    assert (code, out) == (3, "")
    assert err.startswith(f"telemetry suggest: error: {problem}")
    assert len(err.splitlines()) == 1
    assert not Path("rules.yaml").exists()


def test_the_founding_telemetry(capsys):
    """Three devices of different climates, whose gases are functions of one another."""
    code, out, _ = suggest(capsys, str(needs.data("telemetry_first_10000.csv")))
    assert (code, metrics_of(out)) == (0, ("co", "humidity", "temp", "lpg", "smoke"))
    assert out.count("No rules of its own: it follows co (correlation ") == 2
    rules = {rule.id: rule for rule in load_rules("made.yaml").rules}
    assert rules["silent"].condition == Silence(intervals=10)
    assert rules["together"].metrics == ("co", "lpg", "smoke")
    assert rules["temp-range"].threshold < 18 < 28 < (rules["temp-range"].threshold_upper or 0)
