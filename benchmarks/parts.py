"""The parts of a run by name: what ``--only`` chooses from, under which heading, and whose ratio is 1."""

import argparse
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from benchmarks.contender import Contender
from benchmarks.data import LEAST_READINGS, Data, simulated

BASE: Final = "in process, 500 rows a message"
STREAM: Final = "pipeline from Pub/Sub, 500 rows a message"
_DENSE_DEVICES: Final = 1_000
Given = AbstractContextManager[list[Contender]]


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a run.

    Attributes:
        title: heading of its table.
        base: name of the contender whose ratio is 1, unless a contender names another; it may be of another part.
        give: makes its contenders ready.
        long: whether it runs only if it is named.
    """

    title: str
    base: str
    give: Callable[[Data, argparse.Namespace], Given]
    long: bool = False

    @contextmanager
    def contenders(self, data: Data, args: argparse.Namespace) -> Iterator[list[Contender]]:
        """Give its contenders under its heading."""
        with self.give(data, args) as found:
            yield [replace(one, part=self.title, base=one.base or self.base) for one in found]


@contextmanager
def _listed(found: list[Contender]) -> Iterator[list[Contender]]:
    yield found


def _in_process(data: Data, _: argparse.Namespace) -> Given:
    from benchmarks import in_process

    return _listed(in_process.contenders(data.whole))


def _polars(data: Data, _: argparse.Namespace) -> Given:
    from benchmarks import polars_scan

    return _listed(polars_scan.contenders(data.whole))


def _row_wise(data: Data, _: argparse.Namespace) -> Given:
    from benchmarks import row_wise

    return _listed(row_wise.contenders(data.part))


def _whole(data: Data, _: argparse.Namespace) -> Given:
    from benchmarks import processes

    return _listed(processes.whole_process(data))


def _peers(data: Data, _: argparse.Namespace) -> Given:
    from benchmarks import peer_runs

    return _listed(peer_runs.contenders(data))


def _pubsub(data: Data, _: argparse.Namespace) -> Given:
    from benchmarks import streams

    return streams.through_pubsub(data)


def _stock(data: Data, args: argparse.Namespace) -> Given:
    from benchmarks import stock

    return stock.contenders(data, args.stock_rows)


@contextmanager
def _dense(_: Data, args: argparse.Namespace) -> Iterator[list[Contender]]:
    from benchmarks import streams

    with tempfile.TemporaryDirectory(prefix="dense-") as place:
        rows = max(args.rows, LEAST_READINGS * _DENSE_DEVICES)
        dense = simulated(Path(place), rows, _DENSE_DEVICES, 1_000_000)
        with streams.through_pubsub(dense, (500,), ", dense") as found:
            yield found


def _publisher(data: Data, _: argparse.Namespace) -> Given:
    from benchmarks import publishing

    return _listed(publishing.contenders(data))


def _latency(_: Data, args: argparse.Namespace) -> Given:
    from benchmarks import latency

    return latency.contenders(args.latency_seconds)


def _startup(data: Data, _: argparse.Namespace) -> Given:
    from benchmarks import startup

    return startup.contenders(data)


def _cores(data: Data, _: argparse.Namespace) -> Given:
    from benchmarks import cores

    return _listed(cores.contenders(data))


def _sinks(data: Data, args: argparse.Namespace) -> Given:
    from benchmarks import sinks
    from telemetry.bigquery.flags import read_target

    return sinks.contenders(data.whole, args.sink, read_target(args.bigquery, args.bigquery_endpoint))


def _scale(data: Data, args: argparse.Namespace) -> Given:
    from benchmarks import scale

    return scale.contenders(data, args.scale_devices)


def _large(_: Data, args: argparse.Namespace) -> Given:
    from benchmarks import large

    return large.contenders(args.large_rows)


def _long(data: Data, args: argparse.Namespace) -> Given:
    from benchmarks import scale

    return scale.long_stream(data, args.long_rows, args.long_rate)


PARTS: Final[Mapping[str, Part]] = {
    "peers": Part("Beside other tools, on the same file", "pipeline on files, JSON lines", _peers),
    "in-process": Part("The heart of the job, without Beam, on one core", BASE, _in_process),
    "polars": Part("The practical ceiling", BASE, _polars),
    "row-wise": Part("The same job as a row-wise Beam graph", BASE, _row_wise),
    "whole": Part("The job on files, whole process", "python -m pipeline --input FILE", _whole),
    "pubsub": Part("Through local Pub/Sub", STREAM, _pubsub),
    "stock": Part("Beam's own reader of Pub/Sub", "pipeline from Pub/Sub, 1 row a message", _stock),
    "dense": Part("Dense data through local Pub/Sub: 1,000 devices, a reading a second each", STREAM, _dense),
    "publisher": Part("The publisher by itself", "publisher replay, 500 rows a message", _publisher),
    "sinks": Part("What sinks take", "anomalies and aggregates as jsonl into a local folder", _sinks),
    "cores": Part("One core and all", "pipeline on files, all cores", _cores),
    "startup": Part("Start-up", "python -m pipeline --help", _startup),
    "latency": Part("Latency through local Pub/Sub", "", _latency),
    "scale": Part("Ten times as much", "files: the same rows", _scale, long=True),
    "large": Part("Many rows", "pipeline on files, all cores", _large, long=True),
    "long": Part("A stream that goes on", STREAM, _long, long=True),
}
