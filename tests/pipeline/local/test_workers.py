"""Jobs that several processes share: the same results, and the same words where something goes wrong."""

import gzip
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest

from pipeline.__main__ import main
from pipeline.beam_patches.registry import SWITCH
from pipeline.failures import WORKER_ENDED
from pipeline.local.workers import worker_count
from pipeline.options import beam_options
from pipeline.sources import files
from pipeline.sources.files import FileRange, Portion
from telemetry.errors import ConfigError
from telemetry.feed.files.shape import FileShape
from tests.support import oracle
from tests.support.jobs import config_of, imbalances, ndjson, records, run_job
from tests.support.parts import content, counts, write_parts

MEGABYTE = 1 << 20
PROCESSORS = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def telemetry(rows: int) -> pd.DataFrame:
    frame = pd.DataFrame({"ts": [1_594_512_000.5 + 7 * n for n in range(rows)]})
    frame["device"] = [f"d{n % 4}" for n in range(rows)]
    for place, metric in enumerate(oracle.METRICS):
        frame[metric] = [round(20 + (n * 7 + place) % 113 / 10, 1) for n in range(rows)]
    return frame


@pytest.mark.parametrize("flags", [(), ("--window", "10m", "--slide", "5m", "--shards", "3")])
def test_two_processes_write_what_one_writes(
    tmp_path: Path, flags: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "_RANGE", 50_000)  # so that there are portions to share, and windows that lie in several
    frame = telemetry(3_000)
    given = write_parts(tmp_path, frame, 3)
    alone = run_job("--input", given, "--output", tmp_path / "alone", *flags)
    shared = run_job("--input", given, "--output", tmp_path / "shared", "--direct_num_workers", "2", *flags)
    assert shared["rows_decoded"] == 3_000
    assert shared["dead_letters"] == {"not_json": 3}
    assert counts(shared) == counts(alone)
    out = tmp_path / "shared"
    assert content(out) == content(tmp_path / "alone")
    assert oracle.found_hot(oracle.read_output(out, "anomalies")) == oracle.hot(frame)
    size, slide = (600, 300) if flags else (60, None)
    found = oracle.truth(oracle.read_output(out, "aggregates"))
    oracle.assert_same_aggregates(found, oracle.aggregate(frame, size, slide))
    assert imbalances(out) == []
    assert set(Counter(hours(out)).values()) == ({3} if flags else {1})  # each shard writes an hour once


def hours(out: Path) -> list[str]:
    return sorted(str(path.parent.relative_to(out)) for path in out.glob("aggregates/*/*/*"))


def test_a_worker_that_cannot_write_ends_the_job_with_one_line(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    given = write_parts(tmp_path, telemetry(100), 2)
    out = tmp_path / "out"
    out.mkdir()
    (out / "anomalies").write_text("in the way of the folder")
    assert main(["--input", given, "--output", str(out), "--direct_num_workers", "2"]) == 1
    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith(f"pipeline: error: --output {out}: cannot be written: {out}/anomalies")


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_disk_without_room_for_what_is_shuffled_ends_the_job_with_one_line(tmp_path: Path, workers: str) -> None:
    given = write_parts(tmp_path, telemetry(3_000), 2)
    folder = tmp_path / "temporary"
    folder.mkdir()
    job = [sys.executable, "-m", "pipeline", "--input", given, "--output", str(tmp_path / "out")]
    ended = subprocess.run(
        ["bash", "-c", f'ulimit -f 4 && exec "$@" --direct_num_workers {workers}', "bash", *job],  # kilobytes a file
        env=os.environ | {"TMPDIR": str(folder)},
        capture_output=True,
        text=True,
    )
    (line,) = ended.stderr.splitlines()
    assert line.startswith(f"pipeline: error: {folder}/telemetry-spill-")
    assert line.endswith(
        ": cannot be written: File too large; a job stores there what it shuffles, TMPDIR names another disk"
    )
    assert ended.returncode == 1
    assert list(folder.glob("telemetry-spill-*")) == []


class Started:
    """A job that has begun, in a process of its own with a temporary folder of its own."""

    def __init__(self, folder: Path, given: str, workers: str) -> None:
        self.temporary = folder / "temporary"
        self.temporary.mkdir()
        command = ["--input", given, "--output", str(folder / "out"), "--direct_num_workers", workers]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "pipeline", *command],
            env=os.environ | {"TMPDIR": str(self.temporary)},
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def first(self, pattern: str) -> Path:
        """Wait for something in its temporary folder."""
        while not (found := list(self.temporary.glob(pattern))):
            assert self.process.poll() is None
            time.sleep(0.001)
        return found[0]

    def end(self) -> tuple[str, int]:
        """Wait for the end; returns what it said and its exit code, after a look whether it left anything behind."""
        _, told = self.process.communicate(timeout=60)
        assert list(self.temporary.iterdir()) == []
        return told, self.process.returncode


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_job_that_is_interrupted_leaves_nothing_behind(tmp_path: Path, workers: str, number: int) -> None:
    job = Started(tmp_path, write_parts(tmp_path, telemetry(3_000), 2), workers)
    job.first("telemetry-spill-*")  # then it is at work
    kill = os.killpg if number == signal.SIGINT else os.kill  # Ctrl-C reaches the workers, too
    kill(job.process.pid, number)
    assert job.end() == ("pipeline: interrupted\n", 128 + number)
    deadline = time.monotonic() + 60
    with pytest.raises(ProcessLookupError):
        while time.monotonic() < deadline:
            os.killpg(job.process.pid, 0)
            time.sleep(0.01)


def test_a_worker_that_is_killed_ends_the_job_with_one_line(tmp_path: Path) -> None:
    for part in range(4):  # compressed, so that each is a portion
        content = ndjson(records(telemetry(20_000).iloc[part::4]))
        (tmp_path / f"{part}.jsonl.gz").write_bytes(gzip.compress(content, 1))
    job = Started(tmp_path, str(tmp_path / "*.gz"), "2")
    os.kill(int(job.first("telemetry-spill-*/*.spill").stem), signal.SIGKILL)
    assert job.end() == (f"pipeline: error: {WORKER_ENDED}\n", 1)


def portions(*megabytes: int | None) -> list[Portion]:
    ranges = (FileRange("a", 0, None if size is None else size * MEGABYTE, FileShape()) for size in megabytes)
    return [Portion(number, (part,)) for number, part in enumerate(ranges)]


@pytest.mark.parametrize(
    ("flags", "parts", "processes"),
    [
        ((), portions(32), 1),
        ((), portions(32, 32, 32, 31), 1),
        ((), portions(32, 32, 32, 32), min(PROCESSORS, 4, 8)),
        ((), portions(32, 32, 32, 32, None), min(PROCESSORS, 5, 8)),
        ((), portions(None, None, None), 1),
        ((), portions(200), 1),
        (("--print",), portions(200, 200), 1),
        (("--project", "p"), portions(200, 200), 1),
        (("--direct_num_workers", "1"), portions(200, 200), 1),
        (("--direct_num_workers=3",), portions(1), 3),
        (("--direct_num_workers", "0"), portions(1), PROCESSORS),
    ],
)
def test_how_many_processes_share_a_job(flags: tuple[str, ...], parts: list[Portion], processes: int) -> None:
    config = config_of("--input", "a", "--output", "out", *flags)
    assert worker_count(config, beam_options(config), parts) == processes


@pytest.mark.parametrize("flags", [(), ("--direct_num_workers", "3")])
def test_without_the_patch_that_guards_their_ports_there_are_no_other_processes(
    flags: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _process: {0, 1, 2}, raising=False)
    monkeypatch.setenv(SWITCH, "worker-processes")
    config = config_of("--input", "a", "--output", "out", *flags)
    assert worker_count(config, beam_options(config), portions(200, 200, 200)) == 1
    (warning,) = caplog.messages
    assert warning.startswith("the job runs in one process, not in 3: ")
    assert warning.endswith("opens ports to it on every network interface")


@pytest.mark.parametrize("mode", ["multi_threading", "multi_processing"])
def test_beam_s_own_modes_with_open_ports_are_refused(mode: str) -> None:
    config = config_of("--input", "a", "--output", "out", "--direct_running_mode", mode)
    with pytest.raises(ConfigError, match=f"--direct_running_mode {mode}: opens ports on every network interface"):
        beam_options(config)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_no_worker_outlives_a_job(tmp_path: Path, number: int) -> None:
    job = Started(tmp_path, write_parts(tmp_path, telemetry(20_000), 2), "2")
    os.kill(int(job.first("telemetry-spill-*/*.spill").stem), 0)  # a worker is at work
    os.kill(job.process.pid, number)
    job.process.communicate(timeout=60)  # to the end of standard error, which every worker has open
    assert job.process.returncode == (130 if number == signal.SIGINT else -signal.SIGKILL)
