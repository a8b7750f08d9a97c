"""List the groups of cases that ``--only`` selects, with their headings and baselines."""

import argparse
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, TypeAlias

from benchmarks.cases import BenchmarkCase
from benchmarks.data import LEAST_READINGS, Data, prepare_simulated

BASE: Final = "in process, 500 rows a message"
STREAM: Final = "pipeline from Pub/Sub, 500 rows a message"
_DENSE_DEVICES: Final = 1_000
CasesContext: TypeAlias = AbstractContextManager[list[BenchmarkCase]]


@dataclass(frozen=True, slots=True)
class CaseGroup:
    """A group of cases.

    Attributes:
        title: heading of the table.
        baseline: name of the case whose ratio is 1, possibly in another group; a case may name another.
        prepare: prepares the cases.
        on_request: whether it runs only if ``--only`` names it.
    """

    title: str
    baseline: str
    prepare: Callable[[Data, argparse.Namespace], CasesContext]
    on_request: bool = False

    @contextmanager
    def cases(self, data: Data, args: argparse.Namespace) -> Iterator[list[BenchmarkCase]]:
        """Prepare and yield the cases, with heading and baseline set."""
        with self.prepare(data, args) as found:
            yield [replace(case, group=self.title, baseline=case.baseline or self.baseline) for case in found]


@contextmanager
def _without_setup(found: list[BenchmarkCase]) -> Iterator[list[BenchmarkCase]]:
    yield found


def _in_process(data: Data, _: argparse.Namespace) -> CasesContext:
    from benchmarks import in_process

    return _without_setup(in_process.cases(data.whole))


def _polars(data: Data, _: argparse.Namespace) -> CasesContext:
    from benchmarks import polars_scan

    return _without_setup(polars_scan.cases(data.whole))


def _row_wise(data: Data, _: argparse.Namespace) -> CasesContext:
    from benchmarks import row_wise

    return _without_setup(row_wise.cases(data.subset))


def _whole(data: Data, _: argparse.Namespace) -> CasesContext:
    from benchmarks import processes

    return _without_setup(processes.whole_process(data))


def _peers(data: Data, _: argparse.Namespace) -> CasesContext:
    from benchmarks import peer_runs

    return _without_setup(peer_runs.cases(data))


def _pubsub(data: Data, _: argparse.Namespace) -> CasesContext:
    from benchmarks import streams

    return streams.through_pubsub(data)


def _stock(data: Data, args: argparse.Namespace) -> CasesContext:
    from benchmarks import stock

    return stock.cases(data, args.stock_rows)


@contextmanager
def _dense(_: Data, args: argparse.Namespace) -> Iterator[list[BenchmarkCase]]:
    from benchmarks import streams

    with tempfile.TemporaryDirectory(prefix="dense-") as folder:
        rows = max(args.rows, LEAST_READINGS * _DENSE_DEVICES)
        dense = prepare_simulated(Path(folder), rows, _DENSE_DEVICES, 1_000_000)
        with streams.through_pubsub(dense, (500,), ", dense") as found:
            yield found


def _publisher(data: Data, _: argparse.Namespace) -> CasesContext:
    from benchmarks import publishing

    return _without_setup(publishing.cases(data))


def _latency(_: Data, args: argparse.Namespace) -> CasesContext:
    from benchmarks import latency

    return latency.cases(args.latency_seconds, args.latency_rate)


def _startup(data: Data, _: argparse.Namespace) -> CasesContext:
    from benchmarks import startup

    return startup.cases(data)


def _cores(data: Data, _: argparse.Namespace) -> CasesContext:
    from benchmarks import cores

    return _without_setup(cores.cases(data))


def _sinks(data: Data, args: argparse.Namespace) -> CasesContext:
    from benchmarks import sinks
    from telemetry.bigquery.flags import read_target

    return sinks.cases(data.whole, args.sink, read_target(args.bigquery, args.bigquery_endpoint))


def _scale(data: Data, args: argparse.Namespace) -> CasesContext:
    from benchmarks import scale

    return scale.cases(data, args.scale_devices)


def _large(_: Data, args: argparse.Namespace) -> CasesContext:
    from benchmarks import large

    return large.cases(args.large_rows)


def _long(data: Data, args: argparse.Namespace) -> CasesContext:
    from benchmarks import scale

    return scale.long_stream(data, args.long_rows, args.long_rate)


CASE_GROUPS: Final[Mapping[str, CaseGroup]] = {
    "peers": CaseGroup("Other tools on the same file", "pipeline on files, JSON lines", _peers),
    "in-process": CaseGroup("Core functions of the job without Beam, on one core", BASE, _in_process),
    "polars": CaseGroup("Practical upper bound", BASE, _polars),
    "row-wise": CaseGroup("The same job as a row-wise Beam graph", BASE, _row_wise),
    "whole": CaseGroup("The job on files, whole process", "python -m pipeline --input FILE", _whole),
    "pubsub": CaseGroup("Through local Pub/Sub", STREAM, _pubsub),
    "stock": CaseGroup("Beam's own reader of Pub/Sub", "pipeline from Pub/Sub, 1 row a message", _stock),
    "dense": CaseGroup("Dense data through local Pub/Sub: 1,000 devices, one reading per second each", STREAM, _dense),
    "publisher": CaseGroup("The publisher without a broker", "publisher replay, 500 rows a message", _publisher),
    "sinks": CaseGroup("Writing to sinks", "anomalies and aggregates as jsonl into a local folder", _sinks),
    "cores": CaseGroup("One core and all cores", "pipeline on files, all cores", _cores),
    "startup": CaseGroup("Start-up", "python -m pipeline --help", _startup),
    "latency": CaseGroup("Latency through local Pub/Sub", "", _latency),
    "scale": CaseGroup("Ten times as much", "files: the same rows", _scale, on_request=True),
    "large": CaseGroup("Many rows", "pipeline on files, all cores", _large, on_request=True),
    "long": CaseGroup("A long stream", STREAM, _long, on_request=True),
}
