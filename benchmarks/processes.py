"""The job as people run it: commands in processes of their own, their files read back."""

import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final

import msgspec

from benchmarks.answers import Answer, BenchmarkError
from benchmarks.contender import Contender
from benchmarks.data import Data
from publisher.broker import Broker

_ROOT: Final = Path(__file__).parents[1]
_ROWS_PER_MESSAGE: Final = 500
_IDLE_S: Final = 2
_PROJECT: Final = "projects/benchmark"
_LIMIT_S: Final = 900


def whole_process(data: Data) -> list[Contender]:
    """Return the job on the file, without and with an archive, from the start of the process to its end."""
    rows = data.whole.answer.rows
    return [
        Contender(name, rows, partial(_run_files, data, name, flags), remark)
        for name, flags, remark in (
            ("python -m pipeline --input FILE", (), "wall time of the process, imports and files written"),
            ("python -m pipeline --input FILE --archive", ("--archive",), "the same, with every reading as Parquet"),
        )
    ]


@contextmanager
def through_pubsub(data: Data) -> Iterator[list[Contender]]:
    """Give the replay into an embedded broker, and the job that reads what was replayed; they must alternate."""
    names = [f"{_PROJECT}/{kind}/benchmark-{{}}" for kind in ("topics", "subscriptions")]
    with Broker() as broker:
        env = os.environ | {"PUBSUB_EMULATOR_HOST": broker.address}
        publishing, reading = itertools.count(), itertools.count()

        def replay() -> float:
            number = next(publishing)
            return _replay(data, env, *(name.format(number) for name in names))

        def read() -> float:
            return _read(data, env, names[1].format(next(reading)))

        rows, size = data.whole.answer.rows, f"{_ROWS_PER_MESSAGE} rows a message"
        wait = "all of them published before; without imports and the idle wait"
        yield [
            Contender(f"publisher replay, {size}", rows, replay, "the seconds of its own summary"),
            Contender(f"pipeline from Pub/Sub, {size}", rows, read, wait),
        ]


def _run_files(data: Data, name: str, flags: tuple[str, ...]) -> float:
    with tempfile.TemporaryDirectory() as folder:
        seconds, summary = _run_job(folder, dict(os.environ), "--input", str(data.csv), *flags)
        data.whole.answer.check(name, read_answer(Path(folder), summary))
    return seconds


def _replay(data: Data, env: dict[str, str], topic: str, subscription: str) -> float:
    options = ["--create", "--speed", "max", "--rows-per-message", str(_ROWS_PER_MESSAGE)]
    command = ["publisher", "replay", str(data.csv), "--topic", topic, "--subscription", subscription, *options]
    summary = json.loads(_run_module(command, env))
    if summary["rows_published"] != data.whole.answer.rows:
        raise BenchmarkError(f"publisher: {summary['rows_published']} of {data.whole.answer.rows} rows published")
    return float(summary["seconds"])


def _read(data: Data, env: dict[str, str], subscription: str) -> float:
    with tempfile.TemporaryDirectory() as folder:
        flags = ("--subscription", subscription, "--stop-after-idle", f"{_IDLE_S}s")
        _, summary = _run_job(folder, env, *flags)
        data.whole.answer.check("pipeline from Pub/Sub", read_answer(Path(folder), summary))
    return float(summary["seconds"]) - _IDLE_S


def _run_job(folder: str, env: dict[str, str], *flags: str) -> tuple[float, dict[str, Any]]:
    """Run the job into a folder; returns the wall time in seconds and the summary."""
    summary = Path(folder, "summary.json")
    began = time.perf_counter()
    _run_module(["pipeline", *flags, "--output", folder, "--summary", str(summary)], env)
    seconds = time.perf_counter() - began
    return seconds, json.loads(summary.read_bytes())


def _run_module(command: list[str], env: dict[str, str]) -> str:
    arguments = [sys.executable, "-m", *command]
    ran = subprocess.run(arguments, env=env, cwd=_ROOT, capture_output=True, text=True, check=False, timeout=_LIMIT_S)
    if ran.returncode:
        raise BenchmarkError(f"python -m {' '.join(command)}: exit code {ran.returncode}: {ran.stderr.strip()[-500:]}")
    return ran.stdout


class _Aggregate(msgspec.Struct):
    device: str
    metric: str
    window_start: str
    pane_index: int
    count: int


def read_answer(folder: Path, summary: dict[str, Any]) -> Answer:
    """Return what the files of a job say; of each window its last pane counts."""
    decoder = msgspec.json.Decoder(_Aggregate)
    counts: dict[tuple[str, str, str], tuple[int, int]] = {}
    for path in folder.glob("aggregates/*/*/*.jsonl"):
        for row in decoder.decode_lines(path.read_bytes()):
            key = (row.device, row.metric, row.window_start)
            counts[key] = max(counts.get(key, (-1, 0)), (row.pane_index, row.count))
    return Answer(
        rows=summary["rows_decoded"],
        anomalies=sum(path.read_bytes().count(b"\n") for path in folder.glob("anomalies/*/*/*.jsonl")),
        windows=len({start for _, _, start in counts}),
        aggregates=len(counts),
        values=sum(count for _, count in counts.values()),
    )
