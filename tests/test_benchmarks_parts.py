"""Parts of a run: what they compare with, and the job as they run it."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks import cores, large, peer_runs, processes, scale, startup, stock, streams
from benchmarks.answers import BenchmarkError, Truth
from benchmarks.child import Child
from benchmarks.contender import Contender, Sample
from benchmarks.data import LEAST_READINGS, Data, first_rows, prepare_data, simulated
from benchmarks.folders import output_folder
from benchmarks.machine import memory_sizes
from benchmarks.outputs import read_job
from benchmarks.parts import PARTS


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Data:
    return prepare_data(tmp_path_factory.mktemp("data"), None, 2_000, 300, 300)


def test_what_a_part_compares_with_is_one_of_its_contenders(data):
    assert PARTS["peers"].base == peer_runs.contenders(data)[0].name
    assert PARTS["whole"].base == processes.whole_process(data)[0].name
    assert PARTS["cores"].base == cores.contenders(data)[0].name
    assert PARTS["scale"].base == scale.BASE
    with startup.contenders(data) as found:
        assert PARTS["startup"].base == found[0].name
    with streams.through_pubsub(data) as found:
        names = [one.name for one in found]
        bases = {one.base or PARTS["pubsub"].base for one in found}
    assert bases <= set(names)
    assert {PARTS[name].base for name in ("stock", "dense", "publisher", "long")} <= set(names)


def test_contenders_are_listed_under_their_part():
    part = replace(PARTS["peers"], title="Title", base="base", give=lambda *_: streams_of("a", "b"))
    with part.contenders(None, None) as found:  # type: ignore[arg-type]
        assert [(one.name, one.part, one.base) for one in found] == [("a", "Title", "base"), ("b", "Title", "own")]


def streams_of(*names: str):
    from contextlib import nullcontext

    return nullcontext([Contender(name, 1, lambda: 1.0, base="own" if name == "b" else "") for name in names])


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
    found: list[Truth] = []

    def read(*args: Any) -> Truth:
        found.append(read_job(*args))
        return found[-1]

    monkeypatch.setattr(processes, "read_job", read)
    truth = data.part.truth
    sample = processes.run_files(data.part.lines, truth, "ours", ())
    assert 0 < (sample.steady_s or 0) < sample.seconds
    key, (number, mean, low, high) = next(iter(truth.aggregates.items()))
    wrong = replace(truth, aggregates={**truth.aggregates, key: (number, mean + 0.001, low, high)})
    with pytest.raises(BenchmarkError, match=r"ours: .* expected"):
        wrong.check("ours", found[0])


def test_beams_own_reader_is_checked_and_stopped(data):
    with stock.contenders(data, 20) as (contender,):
        assert contender.rows == 20
        sample = contender.run()
    assert isinstance(sample, Sample)
    assert 0 < (sample.steady_s or 0) < sample.seconds


def test_rows_of_another_shape(tmp_path):
    dense = simulated(tmp_path, 30 * LEAST_READINGS, 30, 1_000_000, 6_000_000)
    assert len({device for device, _, _ in dense.whole.truth.aggregates}) == 30
    assert dense.whole.answer.rows == 30 * LEAST_READINGS
    assert dense.whole.answer.windows == len({start for *_, start in dense.whole.truth.aggregates}) >= 4
    assert first_rows(dense.whole, 10, tmp_path / "ten.jsonl").answer.rows == 10


def test_many_rows_leave_out_a_peer_for_which_there_is_too_little_memory(data, monkeypatch):
    monkeypatch.setattr(peer_runs, "installed", lambda *_: True)
    with large.contenders(2_000) as found:
        assert [one.name for one in found] == [*(one.name for one in cores.contenders(data)), "Bytewax", "Pathway"]
        assert [one.missing for one in found[2:]] == ["", ""]
        assert {one.rows for one in found} == {2_000}
    monkeypatch.setattr(large, "memory_sizes", lambda: {"memory": 900, "swap": 100})
    with large.contenders(2_000) as found:
        assert [one.missing for one in found[2:]] == ["", "needs about 0 GB of memory, there are 0 with swap"]


def test_memory_is_told_where_the_system_tells_it():
    sizes = memory_sizes()
    assert list(sizes) in ([], ["memory"], ["memory", "swap"])
    assert bool(sizes) == Path("/proc/meminfo").exists()
    assert all(size > 1e6 for size in sizes.values())


def test_what_a_run_wrote_is_emptied_and_its_files_stay():
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
def test_a_long_stream_must_lose_nothing(data, changed):
    truth = Truth(3)
    answer = replace(truth.answer, rows=3, anomalies=1)
    three = replace(data, whole=replace(data.whole, truth=truth, answer=answer))
    scale._check(three, 2, SUMMARY)
    with pytest.raises(BenchmarkError, match="long stream"):
        scale._check(three, 2, SUMMARY | changed)


def test_memory_over_time_is_told_by_quarters():
    memory = tuple((float(second), 100.0 + second) for second in range(8))
    sample = scale._sample(Child(10.0, 120.0, 5.0, "", memory), 9.0)
    assert (sample.seconds, sample.steady_s, sample.peak_mb) == (8.0, 7.0, 120.0)
    assert sample.details == {"MB at 25 %": 102.0, "MB at 50 %": 104.0, "MB at 75 %": 106.0, "MB at 100 %": 107.0}
    assert sample.memory == memory
    assert scale._sample(Child(10.0, 120.0, 5.0, ""), 9.0).details == {}
