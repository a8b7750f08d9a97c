"""Readings of files and of archives: the incidents of a backtest are those of the job on the same files."""

import gzip
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.backtest.read_readings import Rejections, read_archive, read_inputs
from pipeline.backtest.time_order import TimeOrder
from publisher.cli import PUBLISHER
from telemetry.cli.groups import run_group
from telemetry.errors import ConfigError
from telemetry.feed.default_feed import DEFAULT_CATALOG, DEFAULT_METRICS
from telemetry.feed.feed import Feed
from telemetry.model.kinds import KINDS
from telemetry.model.record_batches import to_parquet, to_records
from telemetry.model.records import Incident
from telemetry.rules.parse import parse_rules
from telemetry.rules.timeline import RulesTimeline
from telemetry.storage.result_store import FileStore
from telemetry.text.timestamps import ClockBounds
from tests.support.incidents import transitions
from tests.support.jobs import run_job
from transforms.decode.decode_spec import DecodeSpec
from transforms.incidents.judge_slices import SliceJudge

METRICS = ("temp", "humidity")
RULES_TEXT = """
version: 2
roster: [never-seen]
incidents: {reopen: 1m, update_every: 2m}
rules:
- {id: hot, metric: temp, above: 30, clear: 29, keep: 1m, severity: critical}
- {id: moves, metric: temp, rate: {above: 3, per: 1m, over: 1m}, keep: 1m}
- {id: stuck, metric: temp, stuck: {for: 2m}, max_gap: 1m}
- {id: silent, silence: {intervals: 6, grace: 10m}}
- {id: mean, metric: humidity, window: {statistic: mean, length: 5m}, above: 60}
- {id: both, all: [{metric: temp, above: 20}, {metric: humidity, below: 65}], within: 1m}
- {id: leap, metric: temp, unusual: {kind: jump, learn: 5m, half_life: 10m}}
- {id: apart, metric: temp, unusual: {kind: level, season: hour, learn: 30m, half_life: 1h}}
- {id: away, metric: humidity, unusual: {kind: drift, learn: 30m, half_life: 20m, sensitivity: 0.5}}
- {id: rare, metric: temp, unusual: {kind: novel, learn: 1h, sensitivity: 2}}
- {id: rare-mean, metric: humidity, unusual: {kind: novel, learn: 1h, window: 1m, sensitivity: 1.5}}
- {id: pair, unusual: {kind: together, metrics: [temp, humidity], learn: 30m, half_life: 30m, sensitivity: 2}}
"""
RULES = parse_rules(RULES_TEXT)
ROW = '{"ts": %d, "device": "a", "temp": %s}\n'


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files that overlap in time, one of them compressed, and the results of a job on them with an archive."""
    folder = tmp_path_factory.mktemp("job")
    words = "--rows 6000 --devices 4 --seed 5 --faults spike,drift,stuck,silence,shift --output"
    assert run_group(PUBLISHER, ["simulate", *words.split(), str(folder / "all.csv")]) == 0
    header, *rows = (folder / "all.csv").read_text().splitlines(keepends=True)
    rows[100] = "x" + rows[100].replace('"', "")
    rows[200:200] = rows[150:160]  # repeats
    halves = [row for number, row in enumerate(rows) if number % 3], rows[::3]
    (folder / "in-1.csv").write_text(header + "".join(halves[0]))
    (folder / "in-2.csv.gz").write_bytes(gzip.compress((header + "".join(halves[1])).encode()))
    (folder / "rules.yaml").write_text(RULES_TEXT)
    run_job("--input", folder / "in-*", "--output", folder / "out", "--rules", folder / "rules.yaml", "--archive")
    return folder


def of_job(folder: Path) -> list[tuple[Any, ...]]:
    table = FileStore(str(folder / "out")).read("incidents", KINDS["incidents"].schema().names)
    found = [record for batch in table.to_batches() for record in to_records(Incident, batch)]
    return sorted(comparable({name: getattr(one, name) for name in one.__struct_fields__}) for one in found)


def comparable(one: dict[str, Any]) -> tuple[Any, ...]:
    """All fields but the job, so that they can be sorted."""
    return tuple("" if value is None else str(value) for name, value in one.items() if name != "job_id")


def of_backtest(rows: Any, run_rows: int = 10**6, block_rows: int = 10**5, slice_rows: int = 10**6) -> Any:
    with TimeOrder(RULES.metrics, run_rows=run_rows, block_rows=block_rows) as order:
        for some in rows:
            order.add(some)
        judge = SliceJudge(RulesTimeline.always(RULES), order.first_us, catalog=DEFAULT_CATALOG)
        told = [one for part in order.slices(slice_rows) for one in transitions(judge.judge(part))]
    return sorted(map(comparable, told))


def files(folder: Path, rejections: Rejections) -> Any:
    return read_inputs([str(folder / "in-*")], DecodeSpec(DEFAULT_METRICS), RULES.metrics, rejections)


@given(st.integers(50, 7_000), st.integers(20, 2_000), st.integers(30, 7_000))
@settings(max_examples=8)
def test_the_incidents_are_those_of_the_job(job, run_rows, block_rows, slice_rows):
    expected = of_job(job)
    assert len(expected) > 30
    assert {one[3] for one in expected} == {rule.id for rule in RULES.rules}
    assert of_backtest(files(job, Rejections()), run_rows, block_rows, slice_rows) == expected


def test_the_archive_of_the_job_gives_the_same(job):
    readings = job / "out" / "readings"
    for folders in ([job / "out"], [readings], sorted(readings.rglob("*.parquet"))):
        assert of_backtest(read_archive(list(map(str, folders)), RULES.metrics)) == of_job(job)


def test_rows_that_cannot_be_used_are_counted(job):
    rejections = Rejections()
    assert sum(map(len, files(job, rejections))) == 6_009
    assert dict(rejections.counts) == {"bad_timestamp": 1}


def test_nothing_usable_names_the_commonest_reason(tmp_path):
    file = tmp_path / "t.jsonl"
    file.write_text(ROW % (1, 20) + "no row\n" + ROW % (2, 20))
    rejections = Rejections()
    rows = read_inputs([str(file)], DecodeSpec(METRICS, ClockBounds(earliest_us=10**15)), ("temp",), rejections)
    assert list(rows) == []
    assert str(rejections.refuse()) == (
        'no row was usable; the commonest reason is bad_timestamp (2 rows), for example {"ts": 1, "device": "a", '
        '"temp": 20} (ts 1.0 is before 2001-09-09T01:46:40Z)'
    )
    assert str(Rejections().refuse()) == "no row was usable: there was none"


def test_only_the_metrics_of_the_rules_are_kept_and_all_are_decoded(tmp_path):
    file = tmp_path / "t.jsonl"
    file.write_text(ROW % (10, 20) + '{"ts": 11, "device": "a", "temp": 1, "humidity": "wet"}\n')
    rejections = Rejections()
    spec = DecodeSpec(METRICS, feed=Feed(strict=True))
    (rows,) = read_inputs([str(file)], spec, ("temp",), rejections)
    assert (rows.metrics, rows.values.tolist()) == (("temp",), [[20.0]])
    assert sum(rejections.counts.values()) == 1


def test_files_that_cannot_be_read(tmp_path):
    def problem(name: str) -> str:
        with pytest.raises(ConfigError) as raised:
            list(read_inputs([str(tmp_path / name)], DecodeSpec(METRICS), METRICS, Rejections()))
        return str(raised.value).replace(str(tmp_path), ".")

    (tmp_path / "t.csv").write_text("time,device\n")
    assert problem("none.csv") == "--input ./none.csv: no such file"
    assert problem("t.csv") == ("--input ./t.csv: no column ts; did you mean `time`? use --feed or --time-column time")


def test_a_folder_without_an_archive(tmp_path):
    with pytest.raises(ConfigError) as raised:
        list(read_archive([str(tmp_path)], METRICS))
    assert str(raised.value) == f"--readings {tmp_path}: no .parquet file of an archive in it"


def test_a_file_without_a_metric(tmp_path):
    schema = KINDS["readings"].schema(["temp"])
    file = tmp_path / "r.parquet"
    file.write_bytes(to_parquet(pa.RecordBatch.from_pylist([], schema)))
    assert list(read_archive([str(file)], ("temp",))) == []
    with pytest.raises(ConfigError, match=r"r\.parquet: not a file of readings of the job: .*no column 'humidity'"):
        list(read_archive([str(file)], METRICS))
