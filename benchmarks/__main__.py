"""The command line of the benchmarks: ``python -m benchmarks``."""

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Final

from benchmarks.contender import Contender, run_rounds
from benchmarks.data import Data, prepare_data
from benchmarks.machine import machine_facts
from benchmarks.report import to_json, to_table
from pipeline.arguments import add_bigquery
from transforms.commands import OneLineParser, exit_code
from transforms.errors import ConfigError

BASE: Final = "in process, 500 rows a message"
_FEWEST_ROWS: Final = 100  # fewer cannot hold the simulated faults
Part = Callable[[Data, argparse.Namespace], AbstractContextManager[list[Contender]]]


@contextmanager
def _in_process(data: Data, _args: argparse.Namespace) -> Iterator[list[Contender]]:
    from benchmarks import in_process

    yield in_process.contenders(data.whole)


@contextmanager
def _polars(data: Data, _args: argparse.Namespace) -> Iterator[list[Contender]]:
    from benchmarks import polars_scan

    yield polars_scan.contenders(data.whole)


@contextmanager
def _row_wise(data: Data, _args: argparse.Namespace) -> Iterator[list[Contender]]:
    from benchmarks import row_wise

    yield row_wise.contenders(data.part)


@contextmanager
def _whole(data: Data, _args: argparse.Namespace) -> Iterator[list[Contender]]:
    from benchmarks import processes

    yield processes.whole_process(data)


@contextmanager
def _pubsub(data: Data, _args: argparse.Namespace) -> Iterator[list[Contender]]:
    from benchmarks import processes

    with processes.through_pubsub(data) as both:
        yield both


@contextmanager
def _sinks(data: Data, args: argparse.Namespace) -> Iterator[list[Contender]]:
    from benchmarks import sinks
    from pipeline.config import read_target

    with sinks.contenders(data.whole, args.sink, read_target(args.bigquery, args.bigquery_endpoint)) as found:
        yield found


PARTS: Final[Mapping[str, Part]] = {
    "in-process": _in_process,
    "polars": _polars,
    "row-wise": _row_wise,
    "whole": _whole,
    "pubsub": _pubsub,
    "sinks": _sinks,
}


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the flags."""
    parser = OneLineParser(
        prog="python -m benchmarks",
        description="Measure the job beside a row-wise Beam graph and polars, on the same rows, in one run.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument(
        "--csv", type=Path, metavar="PATH", help="file of telemetry, plain or .gz; else it is simulated"
    )
    parser.add_argument("--rows", type=int, default=400_000, metavar="N", help="rows to simulate")
    parser.add_argument("--row-wise-rows", type=int, default=20_000, metavar="N", help="rows for the row-wise graph")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="how often each contender runs")
    parser.add_argument("--only", default=",".join(PARTS), metavar="LIST", help="parts to run")
    parser.add_argument("--sink", action="append", default=[], metavar="PATH", help="a folder on any Beam filesystem "
                        "that the sinks write to, too; may be repeated")  # fmt: skip
    add_bigquery(parser)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures as JSON, too")
    return parser  # fmt: skip


def run(args: argparse.Namespace) -> str:
    """Measure what the flags ask for; returns the table.

    Raises:
        ConfigError: for a flag that cannot be used.
        BenchmarkError: if a contender fails or is wrong.
    """
    parts = _check(args)
    facts = machine_facts()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="benchmark-")))
        data = prepare_data(folder, args.csv, args.rows, args.row_wise_rows)
        contenders = [one for part in parts for one in stack.enter_context(PARTS[part](data, args))]
        timings = run_rounds(contenders, args.rounds)
    if args.json:
        args.json.write_text(to_json(timings, data, facts, BASE) + "\n", encoding="utf-8")
    return to_table(timings, data, facts, BASE)


def _check(args: argparse.Namespace) -> list[str]:
    for flag, value, least in (
        ("--rows", args.rows, _FEWEST_ROWS),
        ("--row-wise-rows", args.row_wise_rows, 1),
        ("--rounds", args.rounds, 1),
    ):
        if value < least:
            raise ConfigError(flag, value, f"must be at least {least}")
    asked = [name.strip() for name in args.only.split(",")]
    for name in asked:
        if name not in PARTS:
            raise ConfigError("--only", args.only, f"{name!r} is none of {', '.join(PARTS)}")
    if args.json and not args.json.absolute().parent.is_dir():
        raise ConfigError("--json", args.json, "its folder does not exist")
    return [name for name in PARTS if name in asked]


def main(args: Sequence[str]) -> int:
    """Run the benchmarks and print the table; returns the exit code."""
    return exit_code("benchmarks", lambda: _print(args))


def _print(args: Sequence[str]) -> int:
    print(run(build_parser().parse_args(args)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
