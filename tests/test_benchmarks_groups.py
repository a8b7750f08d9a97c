"""Groups of cases with their baselines, and the cases that run the job."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks import cores, large, peer_runs, processes, scale, startup, stock, streams
from benchmarks.case_groups import CASE_GROUPS
from benchmarks.cases import BenchmarkCase, Sample
from benchmarks.data import LEAST_READINGS, Data, first_rows, prepare_data, prepare_simulated
from benchmarks.expected_output import BenchmarkError, JobOutput
from benchmarks.machine import memory_sizes
from benchmarks.measured_process import MeasuredProcess
from benchmarks.output_folders import output_folder
from benchmarks.read_outputs import read_job


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Data:
    return prepare_data(tmp_path_factory.mktemp("data"), None, 2_000, 300, 300)


def test_the_baseline_of_a_group_is_one_of_its_cases(data):
    assert CASE_GROUPS["peers"].baseline == peer_runs.cases(data)[0].name
    assert CASE_GROUPS["whole"].baseline == processes.whole_process(data)[0].name
    assert CASE_GROUPS["cores"].baseline == cores.cases(data)[0].name
    assert CASE_GROUPS["scale"].baseline == scale.BASE
    with startup.cases(data) as found:
        assert CASE_GROUPS["startup"].baseline == found[0].name
    with streams.through_pubsub(data) as found:
        names = [one.name for one in found]
        baselines = {one.baseline or CASE_GROUPS["pubsub"].baseline for one in found}
    assert baselines <= set(names)
    assert {CASE_GROUPS[name].baseline for name in ("stock", "dense", "publisher", "long")} <= set(names)


def test_cases_are_listed_under_their_group():
    part = replace(CASE_GROUPS["peers"], title="Title", baseline="baseline", prepare=lambda *_: streams_of("a", "b"))
    with part.cases(None, None) as found:  # type: ignore[arg-type]
        assert [(one.name, one.group, one.baseline) for one in found] == [
            ("a", "Title", "baseline"),
            ("b", "Title", "own"),
        ]


def streams_of(*names: str):
    from contextlib import nullcontext

    return nullcontext([BenchmarkCase(name, 1, lambda: 1.0, baseline="own" if name == "b" else "") for name in names])


def test_pubsub_has_a_replay_and_a_job_for_each_size(data):
    with streams.through_pubsub(data) as found:
        assert [(one.name, one.rows) for one in found] == [
            (f"{what}, {size}", rows)
            for size, rows in (
                ("1 row a message", 300),
                ("100 rows a message", 2_000),
                ("500 rows a message", 2_000),
                ("2,000 rows a message", 2_000),
            )
            for what in ("publisher replay", "pipeline from Pub/Sub")
        ]
        assert all(one.ours for one in found)


def test_the_job_on_files_is_checked_by_value(data, monkeypatch):
    found: list[JobOutput] = []

    def read(*args: Any) -> JobOutput:
        found.append(read_job(*args))
        return found[-1]

    monkeypatch.setattr(processes, "read_job", read)
    expected = data.subset.expected
    sample = processes.run_files(data.subset.lines, expected, "ours", ())
    assert 0 < (sample.steady_s or 0) < sample.seconds
    key, (number, mean, low, high) = next(iter(expected.aggregates.items()))
    wrong = replace(expected, aggregates={**expected.aggregates, key: (number, mean + 0.001, low, high)})
    with pytest.raises(BenchmarkError, match=r"ours: .* expected"):
        wrong.check("ours", found[0])


def test_beams_own_reader_is_checked_and_stopped(data):
    with stock.cases(data, 20) as (case,):
        assert case.rows == 20
        sample = case.run()
    assert isinstance(sample, Sample)
    assert 0 < (sample.steady_s or 0) < sample.seconds


def test_simulated_rows_with_other_parameters(tmp_path):
    dense = prepare_simulated(tmp_path, 30 * LEAST_READINGS, 30, 1_000_000, 6_000_000)
    assert len({device for device, _, _ in dense.whole.expected.aggregates}) == 30
    assert dense.whole.totals.rows == 30 * LEAST_READINGS
    assert dense.whole.totals.windows == len({start for *_, start in dense.whole.expected.aggregates}) >= 4
    assert first_rows(dense.whole, 10, tmp_path / "ten.jsonl").totals.rows == 10


def test_a_peer_that_needs_too_much_memory_is_missing(data, monkeypatch):
    monkeypatch.setattr(peer_runs, "installed", lambda *_: True)
    with large.cases(2_000) as found:
        assert [one.name for one in found] == [*(one.name for one in cores.cases(data)), "Bytewax", "Pathway"]
        assert [one.missing for one in found[2:]] == ["", ""]
        assert {one.rows for one in found} == {2_000}
    monkeypatch.setattr(large, "memory_sizes", lambda: {"memory": 900, "swap": 100})
    with large.cases(2_000) as found:
        assert [one.missing for one in found[2:]] == ["", "needs about 0 GB of memory, but memory and swap are 0 GB"]


def test_memory_sizes_are_read_where_the_system_reports_them():
    sizes = memory_sizes()
    assert list(sizes) in ([], ["memory"], ["memory", "swap"])
    assert bool(sizes) == Path("/proc/meminfo").exists()
    assert all(size > 1e6 for size in sizes.values())


def test_output_files_are_truncated_and_not_removed():
    with output_folder() as folder:
        (folder / "hour=00").mkdir()
        (folder / "hour=00" / "a.jsonl").write_text("a line\n")
    with output_folder() as another:
        assert another != folder
    assert [path.stat().st_size for path in folder.rglob("*.jsonl")] == [0]


SUMMARY = {"rows_decoded": 6, "anomalies": {"temp-high": 2}, "dead_letters": {}}


@pytest.mark.parametrize(
    "changed", [{"rows_decoded": 5}, {"anomalies": {"temp-high": 1}}, {"dead_letters": {"too_late": 1}}]
)
def test_a_long_stream_with_lost_rows_is_an_error(data, changed):
    expected = JobOutput(3)
    totals = replace(expected.totals, rows=3, anomalies=1)
    three = replace(data, whole=replace(data.whole, expected=expected, totals=totals))
    scale._check(three, 2, SUMMARY)
    with pytest.raises(BenchmarkError, match="long stream"):
        scale._check(three, 2, SUMMARY | changed)


def test_memory_over_time_is_reported_by_quarters():
    memory = tuple((float(second), 100.0 + second) for second in range(8))
    sample = scale._sample(MeasuredProcess(10.0, 120.0, 5.0, "", memory), 9.0)
    assert (sample.seconds, sample.steady_s, sample.peak_mb) == (8.0, 7.0, 120.0)
    assert sample.details == {"MB at 25 %": 102.0, "MB at 50 %": 104.0, "MB at 75 %": 106.0, "MB at 100 %": 107.0}
    assert sample.memory == memory
    assert scale._sample(MeasuredProcess(10.0, 120.0, 5.0, ""), 9.0).details == {}
