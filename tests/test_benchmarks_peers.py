"""Each installed peer computes the expected output, and a wrong output is rejected."""

import json
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import expected_output, measured_process, peer_runs, publishing
from benchmarks.cases import Sample
from benchmarks.data import Data, first_rows, prepare_data
from benchmarks.expected_output import BenchmarkError, JobOutput, OutputTotals, compute_output
from benchmarks.latency import to_sample
from benchmarks.latency_probe import OutputWatcher
from benchmarks.peer_runs import PEERS, Peer, installed, interpreter, run_peer
from benchmarks.peers import common
from benchmarks.read_outputs import read_job, read_peer
from tests.support import needs

LINES = [
    b'{"ts":0,"device":"a","temp":30.5,"co":1}',
    b'{"ts":59.999999,"device":"a","temp":30.0}',
    b'{"ts":60,"device":"b","temp":null,"light":true}',
    b'{"ts":61,"device":"b","co":2}',
]
EXPECTED = JobOutput(
    4,
    Counter({("a", 0, 30.5): 1}),
    {
        ("a", "temp", 0): (2, 30.25, 30.0, 30.5),
        ("a", "co", 0): (1, 1.0, 1.0, 1.0),
        ("b", "co", 60_000_000): (1, 2.0, 2.0, 2.0),
    },
)


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Data:
    return prepare_data(tmp_path_factory.mktemp("data"), None, 2_000, 300, 300)


@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.script)
def test_a_peer_computes_the_expected_output(peer: Peer, data):
    python = Path(sys.executable) if peer.beam else interpreter()
    if not peer.beam and not installed(peer.package, python):
        needs.PEERS.skip(f"no {peer.package}")
    sample = run_peer(peer, data.subset if peer.beam else data.whole, python)
    assert 0 < (sample.steady_s or 0) < sample.seconds
    assert (sample.peak_mb or 0) > 10


def test_peers_have_the_parameters_of_the_job():
    assert (common.METRICS, common.THRESHOLD) == (expected_output.METRICS, expected_output.THRESHOLD)
    assert common.WINDOW_S * 1_000_000 == expected_output.WINDOW_US


def test_peers_import_nothing_of_ours():
    for path in Path(common.__file__).parent.glob("*.py"):
        lines = [line.split()[1] for line in path.read_text().splitlines() if line.startswith(("import ", "from "))]
        ours = [name for name in lines if name.split(".")[0] in ("transforms", "pipeline", "publisher", "plotting")]
        inner = [name for name in lines if name.startswith("benchmarks") and not name.startswith("benchmarks.peers")]
        assert (path.name, ours, inner) == (path.name, [], [])


def test_peers_that_are_not_installed_are_listed(data, monkeypatch, tmp_path):
    monkeypatch.setenv("PEERS_PYTHON", str(tmp_path / "bin" / "python"))
    found = {one.name: one.missing for one in peer_runs.cases(data)}
    outside = ["Bytewax", "Pathway", "pandas, iterrows", "pandas, vectorised", "polars, lazy"]
    here = [f"{peer_runs.OURS}, the part", "Beam, row-wise", "Beam ml.anomaly"]
    expected = {peer_runs.OURS: ""} | dict.fromkeys(outside, "not installed here") | dict.fromkeys(here, "")
    assert list(found.items()) == list(expected.items())
    assert peer_runs.versions(interpreter()) == {}


def test_the_expected_output_of_a_few_lines():
    assert compute_output(LINES) == EXPECTED
    assert EXPECTED.totals == OutputTotals(rows=4, anomalies=1, windows=2, aggregates=3, values=4)
    assert compute_output(LINES, 1_000_000).totals.windows == 3  # 0 s, 59 s, 61 s; what is missing opens no window


ANOMALY = {"device": "a", "ts": 0, "temp": 30.5}
ROWS = [
    {"device": "a", "window_start": 0, "temp_count": 2, "temp_mean": 30.25, "temp_min": 30.0, "temp_max": 30.5,
     "co_count": 1, "co_mean": 1.0, "co_min": 1, "co_max": 1, "lpg_count": 0, "lpg_mean": None},
    {"device": "b", "window_start": 60.0, "co_count": 1, "co_mean": 2.0000000000001, "co_min": 2, "co_max": 2},
]  # fmt: skip


def written(folder: Path, anomalies: list[dict[str, object]], rows: list[dict[str, object]]) -> Path:
    for name, found in ((common.ANOMALIES, anomalies), (common.AGGREGATES, rows)):
        (folder / name).write_text("".join(f"{json.dumps(row)}\n" for row in found))
    return folder


def test_a_correct_output_is_accepted(tmp_path):
    EXPECTED.check("right", read_peer(written(tmp_path, [ANOMALY], ROWS), 4, windows=True))
    EXPECTED.check("right", read_peer(written(tmp_path, [ANOMALY], []), 4, windows=False), windows=False)


@pytest.mark.parametrize(
    ("anomalies", "rows", "complaint"),
    [
        ([], ROWS, "1 anomalies missing, such as ('a', 0, 30.5)"),
        ([ANOMALY, ANOMALY], ROWS, "1 anomalies too much"),
        ([ANOMALY | {"ts": 0.000001}], ROWS, "1 anomalies missing"),
        ([ANOMALY | {"temp": 30.6}], ROWS, "1 anomalies missing"),
        ([ANOMALY], ROWS[:1], "2 aggregates, expected 3, such as ('b', 'co', 60000000)"),
        ([ANOMALY], [ROWS[0], ROWS[1] | {"window_start": 61}], "3 aggregates, expected 3, such as ('b', 'co'"),
        ([ANOMALY], [ROWS[0] | {"temp_count": 3}, ROWS[1]], "('a', 'temp', 0) is (3, "),
        ([ANOMALY], [ROWS[0] | {"temp_mean": 30.2500001}, ROWS[1]], "('a', 'temp', 0) is (2, 30.2500001"),
        ([ANOMALY], [ROWS[0] | {"temp_min": 29.9}, ROWS[1]], "expected (2, 30.25, 30.0, 30.5)"),
        ([ANOMALY], [ROWS[0] | {"temp_max": 30.6}, ROWS[1]], "expected (2, 30.25, 30.0, 30.5)"),
        ([ANOMALY], [*ROWS, ROWS[1]], "is written twice"),
    ],
)
def test_a_wrong_output_is_rejected(tmp_path, anomalies, rows, complaint):
    with pytest.raises(BenchmarkError) as refused:
        EXPECTED.check("wrong", read_peer(written(tmp_path, anomalies, rows), 4, windows=True))
    assert complaint in str(refused.value)


def test_a_peer_with_wrong_output_fails(data, monkeypatch):
    def altered(folder: Path, rows: int, *, windows: bool) -> JobOutput:
        path = folder / common.ANOMALIES
        path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[1:]))
        return read_peer(folder, rows, windows=windows)

    monkeypatch.setattr(peer_runs, "read_peer", altered)
    by_hand = Peer("by hand", "by_hand", "", False, "")
    script = "import json,sys\nfor line in open(sys.argv[1]):\n if json.loads(line)['temp'] > 30: print(line, end='')"

    def run(command: list[str], _env: object) -> measured_process.MeasuredProcess:
        lines = measured_process.run_measured([sys.executable, "-c", script, command[3]]).stdout
        Path(command[4], common.ANOMALIES).write_text(lines)
        return measured_process.MeasuredProcess(1.0, 1.0, 1.0, '{"seconds": 0.5}')

    monkeypatch.setattr(peer_runs, "run_measured", run)
    with pytest.raises(BenchmarkError, match="by hand: 1 anomalies missing"):
        run_peer(by_hand, data.whole, Path(sys.executable))
    monkeypatch.setattr(peer_runs, "read_peer", read_peer)
    assert run_peer(by_hand, data.whole, Path(sys.executable)) == Sample(1.0, 0.5, 1.0)


def test_an_empty_line_is_not_a_row(tmp_path):
    (written(tmp_path, [], []) / common.ANOMALIES).write_text("\n")
    assert read_peer(tmp_path, 1, windows=True) == JobOutput(1)


@pytest.mark.parametrize("peer", [peer for peer in PEERS if peer.package in ("bytewax", "pandas", "polars")],
                         ids=lambda peer: peer.script)  # fmt: skip
def test_a_peer_without_anomalies_is_correct_if_none_are_expected(peer: Peer, data, tmp_path):
    if not installed(peer.package, interpreter()):
        needs.PEERS.skip(f"no {peer.package}")
    calm = first_rows(data.whole, 3, tmp_path / "calm.jsonl")
    assert calm.totals.anomalies == 0
    run_peer(peer, calm, interpreter())


def test_a_missing_output_is_rejected(tmp_path):
    with pytest.raises(BenchmarkError, match=r"anomalies\.jsonl was not written"):
        read_peer(tmp_path, 1, windows=False)


@pytest.fixture
def write_job(tmp_path) -> Callable[..., None]:
    def write(kind: str, name: str, *rows: dict[str, object]) -> None:
        folder = tmp_path / kind / "date=1970-01-01" / "hour=00"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("".join(f"{json.dumps(row)}\n" for row in rows))

    return write


def test_the_files_of_a_job_are_read_with_their_last_panes(tmp_path, write_job):
    row = {"device": "a", "metric": "temp", "window_start": "1970-01-01T00:00:00.000000Z", "pane_index": 0, "count": 4,
           "mean": 1.5, "min": 1, "max": 2, "stddev": 0}  # fmt: skip
    later = row | {"window_start": "1970-01-01T00:01:00.000000Z"}
    write_job("aggregates", "1.jsonl", row, row | {"metric": "co"}, later)
    write_job("aggregates", "2.jsonl", row | {"pane_index": 2, "count": 6}, row | {"pane_index": 1, "count": 5})
    hot = {"anomaly_id": "x", "device": "a", "source_time": "1970-01-01T00:00:01.500000Z", "value": 31, "rule_id": "r"}
    write_job("anomalies", "1.jsonl", hot, hot | {"anomaly_id": "y", "device": "b"})
    found = read_job(tmp_path, {"rows_decoded": 9})
    assert found.totals == OutputTotals(rows=9, anomalies=2, windows=2, aggregates=3, values=6 + 4 + 4)
    assert found.aggregates["a", "temp", 0] == (6, 1.5, 1.0, 2.0)
    assert found.anomalies == {("a", 1_500_000, 31.0): 1, ("b", 1_500_000, 31.0): 1}


def test_two_anomalies_with_one_id_are_rejected(tmp_path, write_job):
    hot = {"anomaly_id": "x", "device": "a", "source_time": "1970-01-01T00:00:01.500000Z", "value": 31}
    write_job("anomalies", "1.jsonl", hot, hot | {"device": "b"})
    with pytest.raises(BenchmarkError, match="2 different anomalies have 1 ids"):
        read_job(tmp_path, {"rows_decoded": 9})


def test_time_and_memory_of_a_process_are_measured():
    ran = measured_process.run_measured(
        [sys.executable, "-c", "x = bytearray(50_000_000); print('noise'); print('{\"a\": 1}')"]
    )
    assert ran.last_line() == {"a": 1}
    assert 50 < ran.peak_mb < 120
    assert ran.seconds > 0


def test_the_peak_memory_of_a_process_is_not_that_of_its_parent():
    held = bytearray(150_000_000)
    held[::4096] = b"x" * len(held[::4096])
    assert measured_process.run_measured([sys.executable, "-I", "-S", "-c", "pass"]).peak_mb < 60
    assert len(held) == 150_000_000


@pytest.mark.parametrize(
    ("program", "limit_s", "complaint"),
    [
        ("import sys; sys.exit('broken')", 60.0, "exit code 1: broken"),
        ("import time; time.sleep(60)", 0.2, "exit code -9"),
    ],
)
def test_a_process_that_fails_or_hangs_is_an_error(program, limit_s, complaint):
    with pytest.raises(BenchmarkError, match=complaint):
        measured_process.run_measured([sys.executable, "-c", program], limit_s=limit_s)


def test_a_last_line_that_is_not_json_is_rejected():
    with pytest.raises(BenchmarkError, match="the last line printed is not JSON: 'hello'"):
        measured_process.MeasuredProcess(1.0, 1.0, 1.0, "hello").last_line()


def test_the_publisher_without_a_broker_sends_the_rows_of_the_file(data, tmp_path):
    (case,) = publishing.cases(data)
    assert isinstance(case.run(), Sample)
    other = replace(data, whole=replace(data.whole, lines=first_rows(data.whole, 1_999, tmp_path / "x.jsonl").lines))
    with pytest.raises(BenchmarkError, match="or not the rows of the file"):
        publishing.cases(other)[0].run()


def test_latencies_are_reported_as_percentiles():
    sample = to_sample([float(n) for n in range(101)])
    assert sample.seconds == 0.05
    assert sample.details == {"p50 ms": 50.0, "p95 ms": 95.0, "p99 ms": 99.0, "anomalies": 101.0}


def test_anomalies_are_recorded_once_when_their_file_appears(tmp_path, write_job):
    watch = OutputWatcher(tmp_path)
    watch.read_new_files()
    write_job("anomalies", "1.jsonl", {"source_time": "t0"}, {"source_time": "t1"})
    write_job("anomalies", ".2.jsonl.part", {"source_time": "t2"})
    watch.read_new_files()
    seen = dict(watch.seen)
    watch.read_new_files()
    assert (watch.seen, watch.duplicates) == (seen, 0)
    assert list(seen) == ["t0", "t1"]
    write_job("anomalies", "3.jsonl", {"source_time": "t1"})
    watch.read_new_files()
    assert (watch.seen, watch.duplicates) == (seen, 1)
