"""The benchmarks run their cases and check the output of each; speed itself is not tested."""

import json
from dataclasses import replace

import pytest

from benchmarks import in_process, polars_scan
from benchmarks.__main__ import build_parser, main, run
from benchmarks.case_groups import CASE_GROUPS
from benchmarks.cases import BenchmarkCase, Sample, run_rounds
from benchmarks.data import Data, prepare_data
from benchmarks.expected_output import METRICS, THRESHOLD, WINDOW_US, BenchmarkError, OutputTotals
from benchmarks.machine import machine_facts
from telemetry.errors import ConfigError
from telemetry.feed.default_feed import DEFAULT_METRICS
from telemetry.rules.parse import load_rules
from transforms.windows.window_spec import WindowSpec

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
    return prepare_data(tmp_path_factory.mktemp("data"), None, 2_500, 300, 300)


def test_a_small_run_lists_every_case(tmp_path, capsys):
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
    assert {result["ratio_to"] for result in figures["results"]} == {NAMES[2]}
    assert figures["data"]["whole"]["rows"] == 2_500
    assert figures["machine"]["python"] == machine_facts()["python"]


def test_the_data_is_the_same_every_time_and_has_anomalies(data, tmp_path):
    again = prepare_data(tmp_path, None, 2_500, 300, 300)
    assert again.csv.read_bytes() == data.csv.read_bytes()
    assert again.whole.lines.read_bytes() == data.whole.lines.read_bytes()
    assert data.whole.read_lines()[:300] == data.subset.read_lines()
    assert (data.whole.totals.rows, data.subset.totals.rows) == (2_500, 300)
    assert data.whole.totals.anomalies > 0


def test_a_given_csv_file(tmp_path):
    file = tmp_path / "own.csv"
    file.write_text("device,ts,temp\na,59.9,30.1\na,60,30.0\nb,60,\n")
    own = prepare_data(tmp_path, file, 10, 2, 2)
    for case in [*in_process.cases(own.whole), *polars_scan.cases(own.whole)]:
        case.run()
    assert own.whole.totals == OutputTotals(rows=3, anomalies=1, windows=2, aggregates=2, values=2)
    assert own.subset.totals == OutputTotals(rows=2, anomalies=1, windows=2, aggregates=2, values=2)
    assert own.title == "own.csv"


def test_a_row_that_is_not_a_reading_is_rejected(tmp_path):
    file = tmp_path / "own.csv"
    file.write_text("device,ts,temp\na,1,20\na,never,20\n")
    with pytest.raises(ConfigError, match="row 2 is not a valid reading"):
        prepare_data(tmp_path, file, 10, 2, 2)


@pytest.mark.parametrize("size", [1, 7, 2_500, 10_000])
def test_messages_hold_all_rows_in_order(data, size):
    lines = data.whole.read_lines()
    messages = [message for bundle in in_process.make_bundles(lines, size) for message in bundle]
    assert b"\n".join(message.payload for message in messages).split(b"\n") == lines
    assert {message.payload.count(b"\n") + 1 for message in messages[:-1]} <= {size}


def test_only_messages_of_one_row_are_decoded_together(data):
    lines = data.whole.read_lines()
    assert [len(bundle) for bundle in in_process.make_bundles(lines, 1)] == [1_000, 1_000, 500]
    assert {len(bundle) for bundle in in_process.make_bundles(lines, 100)} == {1}


def test_the_defaults_of_the_job_are_measured():
    assert METRICS == DEFAULT_METRICS
    assert WindowSpec().size_us == WindowSpec().slide_us == WINDOW_US
    (rule,) = load_rules(None).rules
    assert (rule.metric, rule.comparison, rule.threshold) == ("temp", "above", THRESHOLD)


@pytest.mark.parametrize("field", ["rows", "anomalies", "windows", "aggregates", "values"])
def test_a_case_with_wrong_totals_fails(data, field):
    wrong = replace(data.whole.totals, **{field: getattr(data.whole.totals, field) + 1})
    for case in in_process.cases(replace(data.whole, totals=wrong)):
        with pytest.raises(BenchmarkError, match=f"in process.*{field}="):
            case.run()


def test_a_failing_case_ends_the_run_with_1(monkeypatch, capsys):
    def fail() -> float:
        raise BenchmarkError("broken: found nothing")

    monkeypatch.setattr(in_process, "cases", lambda _: [BenchmarkCase("broken", 1, fail)])
    assert main(["--only", "in-process", "--rows", "300"]) == 1
    assert capsys.readouterr().err == "benchmarks: error: broken: found nothing\n"


@pytest.mark.parametrize(
    ("flags", "complaint"),
    [
        (["--only", "polars,duckdb"], "--only polars,duckdb: 'duckdb' is none of peers, in-process, "),
        (["--rows", "99"], "--rows 99: must be at least 100"),
        (["--rounds", "0"], "--rounds 0: must be at least 1"),
        (["--row-wise-rows", "0"], "--row-wise-rows 0: must be at least 1"),
        (["--csv", "no-such.csv"], "no-such.csv: "),
        (["--json", "no-such-folder/x.json"], "--json no-such-folder/x.json: its folder does not exist"),
        (["--results", "no-such-folder"], "--results no-such-folder: is not a folder"),
        (["--latency-seconds", "0"], "--latency-seconds 0: must be at least 1"),
        (["--latency-rate", "0"], "--latency-rate 0: must be at least 1"),
    ],
)
def test_an_invalid_flag_is_reported_in_one_line(flags, complaint, capsys):
    assert main(flags) == 2
    shown = capsys.readouterr()
    assert complaint in shown.err
    assert shown.err.count("\n") == 1
    assert shown.out == ""


def test_cases_alternate():
    turns: list[str] = []

    def turn(name: str, seconds: float) -> BenchmarkCase:
        def run() -> float:
            turns.append(name)
            return seconds

        return BenchmarkCase(name, 100, run)

    timings = run_rounds([turn("a", 1.0), turn("b", 2.0)], 3)
    assert turns == ["a", "b", "a", "b", "a", "b"]
    assert [timing.seconds for timing in timings] == [[1.0] * 3, [2.0] * 3]


def test_a_missing_case_is_not_run_but_listed():
    def run() -> float:
        raise AssertionError("it is not installed")

    timings = run_rounds(
        [BenchmarkCase("a", 1, run, missing="not installed here"), BenchmarkCase("b", 1, lambda: 2.0)], 2
    )
    assert [timing.seconds for timing in timings] == [[], [2.0, 2.0]]


def test_a_run_may_return_a_sample():
    found = iter([Sample(4.0, 1.0, 10.0, {"p50 ms": 3.0}), Sample(2.0, 3.0, 30.0, {"p50 ms": 5.0}), Sample(3.0, 2.0)])
    (timing,) = run_rounds([BenchmarkCase("a", 12, lambda: next(found))], 3)
    assert (timing.median_s, timing.steady_s, timing.peak_mb) == (3.0, 2.0, 30.0)
    assert (timing.speed(), timing.speed(steady=True)) == (4.0, 6.0)
    assert timing.details == {"p50 ms": 4.0}


def test_the_row_wise_graph_finds_the_expected_totals(data):
    from benchmarks import row_wise

    for case in row_wise.cases(data.subset):
        assert case.rows == 300
        case.run()


def test_sinks_store_all_records_or_fail(data, tmp_path, monkeypatch):
    from benchmarks import sinks

    with sinks.cases(data.whole, [str(tmp_path)], None) as found:
        kinds = ("anomalies and aggregates as jsonl", "anomalies and aggregates as parquet", "all readings as parquet")
        places = ("a local folder", str(tmp_path))
        names = [f"{kind} into {place}" for place in places for kind in kinds]
        assert [one.name for one in found] == [*names, "anomalies into a topic of the embedded broker"]
        small = data.whole.totals.anomalies + data.whole.totals.aggregates
        assert [one.rows for one in found] == [small, small, 2_500] * 2 + [data.whole.totals.anomalies]
        assert all(one.run() for one in found)
        assert len(list(tmp_path.rglob("*.jsonl"))) > 0
        monkeypatch.setattr(sinks, "write_file", lambda *_: None)
        with pytest.raises(BenchmarkError, match=r"0 of \d+ anomalies stored"):
            found[0].run()


def test_by_default_all_groups_run_except_those_on_request():
    assert build_parser().parse_args([]).only.split(",") == [
        name for name in CASE_GROUPS if not CASE_GROUPS[name].on_request
    ]
    kept = {"in-process", "polars", "row-wise", "whole", "pubsub", "sinks"}
    added = {"peers", "stock", "dense", "publisher", "cores", "startup", "latency", "scale", "large", "long"}
    assert {name for name in CASE_GROUPS if CASE_GROUPS[name].on_request} == {"scale", "large", "long"}
    assert set(CASE_GROUPS) == kept | added


def test_run_returns_the_tables():
    arguments = build_parser().parse_args(["--only", "in-process", "--rows", "100", "--rounds", "1"])
    assert NAMES[0] in run(arguments)
