"""The command `telemetry backtest`: its tables, its document, and one line for each mistake."""

import json
from pathlib import Path

import pytest

from telemetry.cli.main import main
from telemetry.rules.parse import load_rules

ROWS = [(0, "a", 20), (60, "a", 31), (120, "a", 33), (180, "a", 20), (3600, "a", 30.5), (43_200, "b", 31)]
START = 1_594_512_000
HOT = "{version: 2, rules: [{id: hot, metric: temp, above: 30}, {id: cold, metric: temp, below: 0, severity: info}]}"
QUIET = "{version: 2, rules: [{id: hot, metric: temp, above: 32}]}"
LABELS = (
    "device,metric,kind,nature,start,end\n"
    f"a,temp,spike,fault,{START + 50},{START + 130}\n"
    f"a,temp,drift,fault,{START - 99},{START}\n"
    f"a,*,front,benign,{START + 3500},{START + 9000}\n"
)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    rows = [f"{START + second},{device},{temp}\n" for second, device, temp in ROWS]
    Path("t.csv").write_text("ts,device,temp\n" + "".join(rows) + "soon,a,1\n")
    for name, text in (("rules.yaml", HOT), ("quiet.yaml", QUIET), ("labels.csv", LABELS)):
        Path(name).write_text(text)
    return tmp_path


def backtest(capsys: pytest.CaptureFixture[str], *args: str) -> tuple[int, str, str]:
    code = main(["backtest", *args])
    out, err = capsys.readouterr()
    return code, out, err


def test_a_table_of_incidents_by_rule(capsys):
    code, out, err = backtest(capsys, "--input", "t.csv", "--rules", "rules.yaml")
    assert (code, err) == (0, "")
    assert out == (
        "t.csv\n"
        "6 readings of 2 devices, 2020-07-12T00:00:00Z to 2020-07-12T12:00:00Z (12h)\n"
        "rows that could not be used: 1 bad_timestamp\n"
        "\n"
        f"rules.yaml, version {load_rules('rules.yaml').version}\n"
        "rule  severity  incidents  a day  median length  time open  still open\n"
        "hot   warning           3    6.0             2m     91.9 %           2\n"
        "cold  info              0    0.0              –        0 %           0\n"
    )


def test_other_rules_and_labels(capsys):
    args = "--input t.csv --rules rules.yaml --against quiet.yaml --labels labels.csv --picture t.png"
    code, out, err = backtest(capsys, *args.split())
    assert (code, err) == (0, "")
    assert out.partition("quiet.yaml, version")[2].partition("\n")[2] == (
        "rule  severity  incidents  a day  median length  time open  still open\n"
        "hot   warning           1    2.0             1m    0.139 %           0\n"
        "\n"
        "quiet.yaml instead of rules.yaml: 3 incidents become 1; 0 added, 2 dropped\n"
        "  dropped  2020-07-12T01:00:00Z hot of a temp, still open, worst 30.5\n"
        "  dropped  2020-07-12T12:00:00Z hot of b temp, still open, worst 31\n"
        "\n"
        "rules.yaml against the labels\n"
        "kind   faults  found  recall  median delay\n"
        "spike       1      1   100 %           10s\n"
        "all         1      1   100 %           10s\n"
        "\n"
        "benign event  events  with a false incident\n"
        "front              1                      1\n"
        "\n"
        "rule  incidents  true  late  false  in front  precision      spike\n"
        "hot           3     1     0      2         1     33.3 %  100 % 10s\n"
        "cold          0     0     0      0         0          –          –\n"
        "all           3     1     0      2         1     33.3 %  100 % 10s\n"
        "\n"
        "quiet.yaml against the labels\n"
        "kind   faults  found  recall  median delay\n"
        "spike       1      1   100 %        1m 10s\n"
        "all         1      1   100 %        1m 10s\n"
        "\n"
        "benign event  events  with a false incident\n"
        "front              1                      0\n"
        "\n"
        "rule  incidents  true  late  false  in front  precision         spike\n"
        "hot           1     1     0      0         0      100 %  100 % 1m 10s\n"
        "all           1     1     0      0         0      100 %  100 % 1m 10s\n"
        "labelled faults outside the time of the readings, left out: 1\n"
        "\n"
        "picture: t.png\n"
    )
    assert Path("t.png").read_bytes().startswith(b"\x89PNG")


def test_one_document(capsys):
    args = "--input t.csv --against rules.yaml --labels labels.csv --picture made/t.svg --json"
    code, out, err = backtest(capsys, *args.split())
    assert (code, err) == (0, "")
    document = json.loads(out)
    rules, against = document.pop("rules"), document.pop("against")
    assert document == {
        "sources": ["t.csv"],
        "readings": 6,
        "devices": 2,
        "rejected": {"bad_timestamp": 1},
        "first_time": "2020-07-12T00:00:00.000000Z",
        "last_time": "2020-07-12T12:00:00.000000Z",
        "added": [
            {
                "incident_id": document["added"][0]["incident_id"],
                "rule_id": "hot",
                "severity": "warning",
                "device": "a",
                "metric": "temp",
                "worst": 33.0,
                "readings": 2,
                "opened_at": "2020-07-12T00:01:00.000000Z",
                "told_at": ["2020-07-12T00:01:00.000000Z"],
                "closed_at": "2020-07-12T00:03:00.000000Z",
            },
            *document["added"][1:],
        ],
        "dropped": document["dropped"],
        "faults": 1,
        "faults_outside": 1,
        "benign_events": 1,
        "picture": "made/t.svg",
    }
    assert ([one["closed_at"] for one in document["added"][1:]], len(document["dropped"])) == ([None, None], 3)
    assert (rules["file"], against["file"], against["incidents"]) == ("the default rules", "rules.yaml", 3)
    assert [one["rule"] for one in rules["by_rule"]] == ["temp-high"]
    assert against["by_rule"][0] == {
        "rule": "hot",
        "severity": "warning",
        "incidents": 3,
        "per_day": 6.0,
        "median_length_s": 120.0,
        "open_share": pytest.approx(0.9194, abs=1e-4),
        "still_open": 2,
    }
    spike = {"kind": "spike", "faults": 1, "found": 1, "recall": 1.0, "median_delay_s": 10.0}
    counts = {"incidents": 3, "true": 1, "late": 0, "false": 2, "precision": pytest.approx(1 / 3)}
    found = {name: value for name, value in spike.items() if name != "kind"}
    front = {"kind": "front", "events": 1, "alarmed": 1}
    assert against["score"]["by_kind"] == [spike]
    assert against["score"]["total"] == counts | found | {"by_kind": [spike], "benign": [front]}
    assert against["score"]["by_rule"][0] == {"rule": "hot", **counts, **found, "by_kind": [spike], "benign": [front]}
    assert Path("made/t.svg").exists()


def test_an_archive_of_readings(capsys):
    assert main(["run", "--input", "t.csv", "--output", "out", "--archive"]) == 0
    capsys.readouterr()
    code, out, _ = backtest(capsys, "--readings", "out", "--rules", "rules.yaml")
    assert (code, out.splitlines()[0]) == (0, "out")
    expected = backtest(capsys, "--input", "t.csv", "--rules", "rules.yaml")[1]
    assert out.partition("rules.yaml,")[2] == expected.partition("rules.yaml,")[2]


@pytest.mark.parametrize(
    ("args", "problem"),
    [
        ("", "--input and --readings: nothing to judge, give one of them"),
        ("--input t.csv --readings out", "--input and --readings: only one of them can be read"),
        ("--input t.csv --picture t.txt", "--picture t.txt: not a picture's name, it ends in .png, .svg, .pdf"),
        ("--input t.csv --picture t.csv/t.png", "--picture t.csv/t.png: cannot be written: File exists"),
        ("--input t.csv --rules none.yaml", "--rules none.yaml: No such file or directory"),
        ("--input t.csv --against none.yaml", "--against none.yaml: No such file or directory"),
        ("--input t.csv --metrics ts", "--metrics ts: 'ts' cannot be a metric"),
        ("--input t.csv --labels none.csv", "--labels none.csv: No such file or directory"),
        ("--input none.csv", "--input none.csv: no such file"),
        ("--readings .", "--readings .: no .parquet file of an archive in it"),
        ("--input t.csv --earliest-time soon", "--earliest-time soon: not a time, write seconds since the epoch or "
         "RFC 3339 (Invalid isoformat string: 'soon')"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line(args, problem, capsys):
    assert backtest(capsys, *args.split()) == (2, "", f"telemetry backtest: error: {problem}\n")


def test_a_time_that_a_condition_does_not_know_is_a_mistake(capsys):
    Path("rules.yaml").write_text("version: 2\nrules:\n- {id: s, metric: temp, stuck: {for: 1m}, keep: 1m}\n")
    code, _, err = backtest(capsys, "--input", "t.csv", "--rules", "rules.yaml")
    assert (code, "rules.yaml: line 3: rule 's': keep is not for stuck" in err) == (2, True)


def test_nothing_usable_is_exit_code_3(capsys):
    Path("t.csv").write_text("ts,device,temp\nsoon,a,1\n")
    code, out, err = backtest(capsys, "--input", "t.csv")
    assert (code, out) == (3, "")
    assert err.startswith(
        "telemetry backtest: error: no row was usable; the commonest reason is bad_timestamp (1 row), for example "
    )
    Path("t.csv").write_text("ts,device,temp\n")
    assert backtest(capsys, "--input", "t.csv")[2].endswith("no row was usable: there was none\n")
