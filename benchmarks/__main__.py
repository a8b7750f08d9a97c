"""Run the benchmarks: ``python -m benchmarks``."""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from benchmarks.case_groups import CASE_GROUPS
from benchmarks.cases import run_rounds
from benchmarks.data import prepare_data
from benchmarks.machine import machine_facts
from benchmarks.report import to_json, to_table
from benchmarks.result_files import write_results
from pipeline.arguments import add_bigquery
from telemetry.cli.commands import exit_code
from telemetry.cli.parser import OneLineParser
from telemetry.errors import ConfigError

_FEWEST_ROWS: Final = 100  # fewer rows cannot contain the simulated faults
_DEFAULT_GROUPS: Final = ",".join(name for name, group in CASE_GROUPS.items() if not group.on_request)


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the flags."""
    parser = OneLineParser(
        prog="python -m benchmarks",
        description="Compare the job with other tools and implementations on the same rows in one run.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("--csv", type=Path, metavar="PATH", help="file of telemetry, plain or .gz; simulated if not given")
    add("--rows", type=int, default=400_000, metavar="N", help="rows to simulate")
    add("--row-wise-rows", type=int, default=20_000, metavar="N", help="first rows for the slow row-wise Beam "
        "graphs")  # fmt: skip
    add("--single-rows", type=int, default=60_000, metavar="N", help="first rows for Pub/Sub with one row per message")
    add("--stock-rows", type=int, default=3_000, metavar="N", help="first rows for Beam's own reader of Pub/Sub")
    add("--scale-devices", type=int, default=100_000, metavar="N", help="devices of the group `scale`")
    add("--large-rows", type=int, default=10_000_000, metavar="N", help="rows of the group `large`")
    add("--long-rows", type=int, default=10_000_000, metavar="N", help="rows of the group `long`")
    add("--long-rate", type=int, default=30_000, metavar="N", help="rows published per second in the group `long`")
    add("--latency-seconds", type=int, default=30, metavar="S", help="measuring time of the group `latency`")
    add("--latency-rate", type=int, default=1_000, metavar="N", help="rows published per second in the group `latency`")
    add("--rounds", type=int, default=3, metavar="N", help="number of runs of each case")
    add("--only", default=_DEFAULT_GROUPS, metavar="LIST", help=f"groups to run, among {', '.join(CASE_GROUPS)}")
    add("--sink", action="append", default=[], metavar="PATH", help="another folder for the group `sinks`, on "
        "any Beam filesystem; may be repeated")  # fmt: skip
    add_bigquery(parser)
    add("--json", type=Path, metavar="FILE", help="also write the results as JSON")
    add(
        "--results",
        type=Path,
        metavar="FOLDER",
        help="write results, tables and chart to this folder, named by day and machine",
    )
    return parser


def run(args: argparse.Namespace) -> str:
    """Run the selected cases and return the tables.

    Raises:
        ConfigError: if a flag is invalid.
        BenchmarkError: if a case fails or its output is wrong.
    """
    groups = _check(args)
    facts = machine_facts() | (_peer_facts() if "peers" in groups else {})
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="benchmark-")))
        data = prepare_data(folder, args.csv, args.rows, args.row_wise_rows, args.single_rows)
        cases = [case for name in groups for case in stack.enter_context(CASE_GROUPS[name].cases(data, args))]
        timings = run_rounds(cases, args.rounds)
    if args.json:
        args.json.write_text(to_json(timings, data, facts) + "\n", encoding="utf-8")
    if args.results:
        for path in write_results(args.results, timings, data, facts, datetime.now(UTC).date()):
            sys.stderr.write(f"wrote {path}\n")
    return to_table(timings, data, facts)


def _peer_facts() -> dict[str, str]:
    from benchmarks import peer_runs

    return {f"peer {name}": found for name, found in peer_runs.versions(peer_runs.interpreter()).items()}


def _check(args: argparse.Namespace) -> list[str]:
    for flag, value, least in (
        ("--rows", args.rows, _FEWEST_ROWS),
        ("--row-wise-rows", args.row_wise_rows, 1),
        ("--single-rows", args.single_rows, 1),
        ("--stock-rows", args.stock_rows, 1),
        ("--scale-devices", args.scale_devices, 10),
        ("--large-rows", args.large_rows, _FEWEST_ROWS),
        ("--long-rows", args.long_rows, 1),
        ("--long-rate", args.long_rate, 1),
        ("--latency-seconds", args.latency_seconds, 1),
        ("--latency-rate", args.latency_rate, 1),
        ("--rounds", args.rounds, 1),
    ):
        if value < least:
            raise ConfigError(flag, value, f"must be at least {least}")
    selected = [name.strip() for name in args.only.split(",")]
    for name in selected:
        if name not in CASE_GROUPS:
            raise ConfigError("--only", args.only, f"{name!r} is none of {', '.join(CASE_GROUPS)}")
    if args.json and not args.json.absolute().parent.is_dir():
        raise ConfigError("--json", args.json, "its folder does not exist")
    if args.results and not args.results.is_dir():
        raise ConfigError("--results", args.results, "is not a folder")
    return [name for name in CASE_GROUPS if name in selected]


def main(args: Sequence[str]) -> int:
    """Run the benchmarks, print the tables and return the exit code."""
    return exit_code("benchmarks", lambda: _print(args))


def _print(args: Sequence[str]) -> int:
    print(run(build_parser().parse_args(args)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
