"""Tables, ratios and files with the results of a run."""

import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from benchmarks.bar_chart import figure_of
from benchmarks.cases import BenchmarkCase, CaseTiming, Sample
from benchmarks.data import Data, Rows
from benchmarks.expected_output import JobOutput
from benchmarks.report import ratio, to_json, to_markdown, to_table
from benchmarks.result_files import free_stem, machine_name, without_folders, write_results

FACTS = {"cores": "2", "processor": "AMD EPYC 7763 64-Core Processor", "python": "3"}


def timing(name: str, rows: int, *samples: Sample, **fields: str) -> CaseTiming:
    made = CaseTiming(replace(BenchmarkCase(name, rows, lambda: 0.0, ours=name.startswith("ours")), **fields))  # type: ignore[arg-type]
    for sample in samples:
        made.add(sample)
    return made


@pytest.fixture
def data() -> Data:
    expected = JobOutput(3, aggregates={("a", "temp", 0): (2, 1.0, 1.0, 1.0), ("a", "temp", 60): (1, 1.0, 1.0, 1.0)})
    rows = Rows(Path("x"), expected, expected.totals)
    return Data(Path("x"), "three rows", rows, rows, rows)


@pytest.fixture
def timings() -> list[CaseTiming]:
    first = {"group": "First", "baseline": "ours, one"}
    return [
        timing("ours, one", 1_000, Sample(1.0, 0.5, 90.0), Sample(2.0, 0.25, 100.0), Sample(4.0, 0.5, 80.0), **first),
        timing("theirs", 2_000, Sample(8.0), Sample(2.0), Sample(8.0), remark="a remark", **first),
        timing("gone", 5, missing="not here", **first),
        timing("ours, start", 0, Sample(0.5), group="Second"),
        timing("ours, slower start", 0, Sample(2.0, details={"p50 ms": 12.4}), group="Second"),
        timing("ours, elsewhere", 4_000, Sample(2.0), group="Third", baseline="ours, one"),
    ]


def test_a_ratio_compares_rows_per_second_at_the_medians(timings):
    ours, theirs, gone, _, _, elsewhere = timings
    assert ours.rows_per_second == (500.0, 250.0, 1_000.0)
    assert ratio(ours, timings) == 1.0
    assert ratio(theirs, timings) == (2_000 / 8.0) / (1_000 / 2.0)
    assert ratio(gone, timings) is None
    assert ratio(elsewhere, timings) == (4_000 / 2.0) / (1_000 / 2.0)


def test_a_steady_ratio_compares_steady_times_only(timings):
    ours, theirs = timings[:2]
    faster = timing("faster", 500, Sample(9.0, 0.125), group="First", baseline="ours, one")
    assert ratio(ours, timings, steady=True) == 1.0
    assert ratio(theirs, timings, steady=True) is None
    assert ratio(faster, [*timings, faster], steady=True) == (500 / 0.125) / (1_000 / 0.5)


def test_without_rows_a_ratio_compares_times(timings):
    assert ratio(timings[3], timings) == 1.0
    assert ratio(timings[4], timings) == 0.25


def test_without_the_named_baseline_the_first_measured_case_of_the_group_is_used(timings):
    gone, theirs, elsewhere = timings[2], timings[1], timings[5]
    assert ratio(theirs, [gone, theirs, elsewhere]) == 1.0
    assert ratio(elsewhere, [gone, theirs, elsewhere]) == 1.0


def test_the_table(data, timings):
    assert to_table(timings, data, {"cores": "2", "python": "3"}).splitlines() == [
        "cores 2, python 3",
        "three rows: 3 rows, 0 anomalies, 2 windows of 60 s, 2 aggregates; every output was checked",
        "",
        "First",
        "",
        "            rows  median s  rows/s  slowest – fastest  ratio  steady rows/s  steady ratio  peak MB",
        "ours, one  1,000     2.000     500        250 – 1,000      1          2,000             1      100",
        "theirs     2,000     8.000     250        250 – 1,000    0.5                                        a remark",
        "gone                                                                                                not here",
        "ratio: relative to ‘ours, one’",
        "",
        "Second",
        "",
        "                    median s  ratio",
        "ours, start            0.500      1",
        "ours, slower start     2.000   0.25  p50 ms 12",
        "ratio: relative to ‘ours, start’",
        "",
        "Third",
        "",
        "                  rows  median s  rows/s  slowest – fastest  ratio",
        "ours, elsewhere  4,000     2.000   2,000      2,000 – 2,000      4",
        "ratio: relative to ‘ours, one’",
        "",
        "medians over 3 alternating rounds; ratios are of rows/s, or of runs per second without rows",
    ]


def test_markdown_has_a_table_for_each_group_and_our_cases_in_bold(data, timings):
    lines = to_markdown(timings, data, FACTS).splitlines()
    assert [line for line in lines if line.startswith("## ")] == ["## First", "## Second", "## Third"]
    assert "| **ours, slower start** | 2.000 | 0.25 | p50 ms 12 |" in lines
    assert "| theirs | 2,000 | 8.000 | 250 | 250 – 1,000 | 0.5 |  |  |  | a remark |" in lines
    widths = [line.count("|") for line in lines if line.startswith("|")]
    assert widths == [11] * 5 + [5] * 4 + [8] * 3


def test_json_keeps_the_time_of_every_round(data, timings):
    content = json.loads(to_json(timings, data, FACTS))
    ours, theirs, gone, *_ = content["results"]
    assert content["machine"] == FACTS
    assert content["data"]["whole"] == {"rows": 3, "anomalies": 0, "windows": 2, "aggregates": 2, "values": 3}
    assert (ours["seconds"], ours["steady_seconds"], ours["peak_mb"]) == ([1, 2, 4], [0.5, 0.25, 0.5], [90, 100, 80])
    assert (theirs["ratio"], theirs["ratio_to"], theirs["rows_per_second"]) == (0.5, "ours, one", 250)
    assert gone == {"name": "gone", "part": "First", "rows": 5, "ours": False, "missing": "not here", "remark": ""}


def test_results_are_files_named_by_day_and_machine(tmp_path, data, timings):
    place = [timing("ours, into /home/ann/place", 10, Sample(1.0), remark="as /etc/x/y.json", group="First")]
    for suffix in ("", "-2"):
        paths = write_results(tmp_path, [*timings, *place], data, FACTS, date(2026, 11, 25))
        stem = f"2026-11-25-amd-epyc-7763-2-cores{suffix}"
        assert paths == [tmp_path / f"{stem}{ending}" for ending in (".json", ".md", ".png")]
        texts = [path.read_text() for path in paths[:2]]
        assert all("ours, into place" in text and "/home" not in text and "as y.json" in text for text in texts)
        assert paths[2].read_bytes().startswith(b"\x89PNG")


def test_a_run_without_rows_has_no_chart(tmp_path, data, timings):
    assert [path.suffix for path in write_results(tmp_path, timings[3:5], data, FACTS, date(2026, 1, 2))] == [
        ".json",
        ".md",
    ]


@pytest.mark.parametrize(
    ("processor", "name"),
    [
        ("Intel(R) Xeon(R) CPU @ 2.20GHz", "intel-xeon-4-cores"),
        ("Apple M3 Max", "apple-m3-max-4-cores"),
        ("arm64", "arm64-4-cores"),
    ],
)
def test_a_machine_is_named_by_processor_and_cores(processor, name):
    assert machine_name({"processor": processor, "cores": "4"}) == name


def test_a_used_file_name_gets_a_number(tmp_path):
    assert free_stem(tmp_path, "x") == "x"
    (tmp_path / "x.json").touch()
    assert free_stem(tmp_path, "x") == "x-2"


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("files at /tmp/a/b.csv, rows/s", "files at b.csv, rows/s"),
        ("gs://bucket/a and s3://b/c/d", "gs://bucket/a and s3://b/c/d"),
        ("slowest – fastest, 5 rows/s/core", "slowest – fastest, 5 rows/s/core"),
    ],
)
def test_absolute_paths_lose_their_folders(text, kept):
    assert without_folders(text) == kept


def test_the_chart_has_a_bar_for_each_case_with_rows_and_marks_ours_by_colour(timings):
    shown = [one for one in timings if one.seconds and one.case.rows]
    (axes,) = figure_of(shown, "three rows").axes
    widths = [bar.get_width() for bar in axes.patches]
    assert widths == [500.0, 250.0, 2_000.0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["ours, one", "theirs", "ours, elsewhere"]
    colors = [bar.get_facecolor() for bar in axes.patches]
    assert colors[0] == colors[2] != colors[1]
    assert axes.get_xscale() == "log"
