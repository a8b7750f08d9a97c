"""The benchmarks run and check what they measure; how fast anything is, no test says."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import in_process, polars_scan
from benchmarks.__main__ import PARTS, build_parser, main, run
from benchmarks.answers import METRICS, THRESHOLD, WINDOW_US, Answer, BenchmarkError, plain_answer
from benchmarks.contender import Contender, Timing, run_rounds
from benchmarks.data import Data, Rows, prepare_data
from benchmarks.machine import machine_facts
from benchmarks.processes import read_answer
from benchmarks.report import to_json, to_table
from transforms.errors import ConfigError
from transforms.records import DEFAULT_METRICS
from transforms.rules import load_rules
from transforms.windows import WindowSpec

NAMES = [
    "in process, 1 row a message",
    "in process, 100 rows a message",
    "in process, 500 rows a message",
    "in process, 2,000 rows a message",
    "polars scan + group_by, all threads",
    "polars scan + group_by, one thread",
]


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Data:
    return prepare_data(tmp_path_factory.mktemp("data"), None, 2_500, 300)


def test_a_tiny_run_agrees_and_has_every_row(tmp_path, capsys):
    file = tmp_path / "figures.json"
    arguments = ["--only", "polars,in-process", "--rows", "2500", "--rounds", "2", "--json", str(file)]
    assert main(arguments) == 0
    shown = capsys.readouterr()
    lines = shown.out.splitlines()
    assert [name for name in NAMES if any(line.startswith(f"{name} ") for line in lines)] == NAMES
    assert "2,500 rows" in shown.out
    assert [line.partition("  ")[0] for line in shown.err.splitlines()] == ["round 1/2"] * 6 + ["round 2/2"] * 6
    figures = json.loads(file.read_text())
    assert [result["name"] for result in figures["results"]] == NAMES
    assert [len(result["seconds"]) for result in figures["results"]] == [2] * 6
    assert figures["results"][2]["ratio"] == 1.0
    assert figures["data"]["whole"]["rows"] == 2_500
    assert figures["machine"]["python"] == machine_facts()["python"]


def test_the_data_is_the_same_every_time_and_has_anomalies(data, tmp_path):
    again = prepare_data(tmp_path, None, 2_500, 300)
    assert again.csv.read_bytes() == data.csv.read_bytes()
    assert again.whole.lines.read_bytes() == data.whole.lines.read_bytes()
    assert data.whole.read_lines()[:300] == data.part.read_lines()
    assert (data.whole.answer.rows, data.part.answer.rows) == (2_500, 300)
    assert data.whole.answer.anomalies > 0


def test_a_file_of_one_s_own(tmp_path):
    file = tmp_path / "own.csv"
    file.write_text("device,ts,temp\na,59.9,30.1\na,60,30.0\nb,60,\n")
    own = prepare_data(tmp_path, file, 10, 2)
    for contender in [*in_process.contenders(own.whole), *polars_scan.contenders(own.whole)]:
        contender.run()
    assert own.whole.answer == Answer(rows=3, anomalies=1, windows=2, aggregates=2, values=2)
    assert own.part.answer == Answer(rows=2, anomalies=1, windows=2, aggregates=2, values=2)
    assert own.title == "own.csv"


def test_a_row_that_is_no_reading_is_refused(tmp_path):
    file = tmp_path / "own.csv"
    file.write_text("device,ts,temp\na,1,20\na,never,20\n")
    with pytest.raises(ConfigError, match="row 2 is not a clean reading"):
        prepare_data(tmp_path, file, 10, 2)


@pytest.mark.parametrize("size", [1, 7, 2_500, 10_000])
def test_messages_hold_all_rows_in_order(data, size):
    lines = data.whole.read_lines()
    messages = [message for bundle in in_process.cut_messages(lines, size) for message in bundle]
    assert b"\n".join(message.payload for message in messages).split(b"\n") == lines
    assert {message.payload.count(b"\n") + 1 for message in messages[:-1]} <= {size}


def test_only_messages_of_one_row_are_decoded_together(data):
    lines = data.whole.read_lines()
    assert [len(bundle) for bundle in in_process.cut_messages(lines, 1)] == [1_000, 1_000, 500]
    assert {len(bundle) for bundle in in_process.cut_messages(lines, 100)} == {1}


def test_the_job_s_defaults_are_what_is_measured():
    assert METRICS == DEFAULT_METRICS
    assert WindowSpec().size_us == WindowSpec().slide_us == WINDOW_US
    (rule,) = load_rules(None).rules
    assert (rule.metric, rule.comparison, rule.threshold) == ("temp", "above", THRESHOLD)


@pytest.mark.parametrize("field", ["rows", "anomalies", "windows", "aggregates", "values"])
def test_a_contender_that_finds_something_else_does_not_count(data, field):
    wrong = replace(data.whole.answer, **{field: getattr(data.whole.answer, field) + 1})
    for contender in in_process.contenders(Rows(data.whole.lines, wrong)):
        with pytest.raises(BenchmarkError, match=f"in process.*{field}="):
            contender.run()


def test_a_part_that_fails_ends_the_run_with_1(monkeypatch, capsys):
    def fail() -> float:
        raise BenchmarkError("broken: found nothing")

    monkeypatch.setattr(in_process, "contenders", lambda rows: [Contender("broken", 1, fail)])
    assert main(["--only", "in-process", "--rows", "300"]) == 1
    assert capsys.readouterr().err == "benchmarks: error: broken: found nothing\n"


@pytest.mark.parametrize(
    ("flags", "complaint"),
    [
        (["--only", "polars,duckdb"], "--only polars,duckdb: 'duckdb' is none of in-process, "),
        (["--rows", "99"], "--rows 99: must be at least 100"),
        (["--rounds", "0"], "--rounds 0: must be at least 1"),
        (["--row-wise-rows", "0"], "--row-wise-rows 0: must be at least 1"),
        (["--csv", "no-such.csv"], "no-such.csv: "),
        (["--json", "no-such-folder/x.json"], "--json no-such-folder/x.json: its folder does not exist"),
    ],
)
def test_a_bad_flag_is_refused_in_one_line(flags, complaint, capsys):
    assert main(flags) == 2
    shown = capsys.readouterr()
    assert complaint in shown.err
    assert shown.err.count("\n") == 1
    assert shown.out == ""


def test_contenders_take_turns():
    turns: list[str] = []

    def turn(name: str, seconds: float) -> Contender:
        def run() -> float:
            turns.append(name)
            return seconds

        return Contender(name, 100, run)

    timings = run_rounds([turn("a", 1.0), turn("b", 2.0)], 3)
    assert turns == ["a", "b", "a", "b", "a", "b"]
    assert [timing.seconds for timing in timings] == [[1.0] * 3, [2.0] * 3]


def test_the_table(data):
    timings = [
        Timing(Contender("first", 1_000, lambda: 0.0, "with a remark"), [1.0, 0.5, 4.0]),
        Timing(Contender("the base", 20_000, lambda: 0.0), [0.25, 0.25, 0.125]),
    ]
    small = replace(data, title="three rows", whole=Rows(Path("x"), Answer(3, 1, 2, 4, 5)))
    assert to_table(timings, small, {"cores": "2", "python": "3"}, "the base").splitlines() == [
        "cores 2, python 3",
        "three rows: 3 rows, 1 anomalies, 2 windows of 60 s, 4 aggregates; every output was checked",
        "",
        "            rows  median s  rows/s  slowest – fastest   ratio",
        "first      1,000     1.000   1,000        250 – 2,000  0.0125  with a remark",
        "the base  20,000     0.250  80,000   80,000 – 160,000       1",
        "",
        "ratio: rows/s over those of 'the base'; medians over rounds in turn, 3 in all",
    ]
    figures = json.loads(to_json(timings, small, {"cores": "2"}, "not there"))
    assert [result["ratio"] for result in figures["results"]] == [1.0, 80.0]
    assert figures["results"][0]["rows_per_second"] == 1_000
    assert figures["results"][0]["seconds"] == [1.0, 0.5, 4.0]


def test_the_files_of_a_job_are_read_as_an_answer(tmp_path):
    def write(kind: str, name: str, *rows: dict[str, object]) -> None:
        folder = tmp_path / kind / "date=1970-01-01" / "hour=00"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("".join(f"{json.dumps(row)}\n" for row in rows))

    row: dict[str, object] = {"device": "a", "metric": "temp", "window_start": "t0", "pane_index": 0, "count": 4}
    write("aggregates", "1.jsonl", row, row | {"metric": "co"}, row | {"window_start": "t1"})
    write("aggregates", "2.jsonl", row | {"pane_index": 2, "count": 6}, row | {"pane_index": 1, "count": 5})
    write("anomalies", "1.jsonl", {}, {})
    found = read_answer(tmp_path, {"rows_decoded": 9})
    assert found == Answer(rows=9, anomalies=2, windows=2, aggregates=3, values=6 + 4 + 4)


def test_the_row_wise_graph_agrees(data):
    from benchmarks import row_wise

    for contender in row_wise.contenders(data.part):
        assert contender.rows == 300
        contender.run()


def test_sinks_store_everything_or_do_not_count(data, tmp_path, monkeypatch):
    from benchmarks import sinks

    with sinks.contenders(data.whole, [str(tmp_path)], None) as found:
        kinds = ("anomalies and aggregates as jsonl", "anomalies and aggregates as parquet", "all readings as parquet")
        places = ("a local folder", str(tmp_path))
        names = [f"{kind} into {place}" for place in places for kind in kinds]
        assert [one.name for one in found] == [*names, "anomalies into a topic of the embedded broker"]
        small = data.whole.answer.anomalies + data.whole.answer.aggregates
        assert [one.rows for one in found] == [small, small, 2_500] * 2 + [data.whole.answer.anomalies]
        assert all(one.run() > 0 for one in found)
        assert len(list(tmp_path.rglob("*.jsonl"))) > 0
        monkeypatch.setattr(sinks, "write_file", lambda *_: None)
        with pytest.raises(BenchmarkError, match=r"0 of \d+ anomalies stored"):
            found[0].run()


def test_without_a_choice_every_part_is_run():
    assert build_parser().parse_args([]).only.split(",") == list(PARTS)
    assert list(PARTS) == ["in-process", "polars", "row-wise", "whole", "pubsub", "sinks"]


def test_a_plain_count_by_hand():
    lines = [
        b'{"ts":0,"device":"a","temp":30.5,"co":1}',
        b'{"ts":59.999999,"device":"a","temp":30.0}',
        b'{"ts":60,"device":"b","temp":null,"light":true}',
        b'{"ts":61,"device":"b","co":2}',
    ]
    assert plain_answer(lines) == Answer(rows=4, anomalies=1, windows=2, aggregates=3, values=4)


def test_run_returns_the_table():
    arguments = build_parser().parse_args(["--only", "in-process", "--rows", "100", "--rounds", "1"])
    assert NAMES[0] in run(arguments)
