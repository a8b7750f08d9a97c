"""Torture the job for as long as asked: ``python -m benchmarks.torture``, or ``make torture``."""

import argparse
import itertools
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from benchmarks.data import json_lines, simulate
from benchmarks.machine import machine_facts
from benchmarks.result_files import free_stem, machine_name, without_folders
from benchmarks.torture.figures import has_failed, to_json, to_table
from benchmarks.torture.rounds import Outcome, run_round, write_line
from benchmarks.torture.scenario import DEVICES, INTERVAL_S, KINDS, draw_scenario
from benchmarks.torture.servers import EMBEDDED, pubsub_servers
from telemetry.cli.commands import exit_code
from telemetry.cli.parser import OneLineParser
from telemetry.errors import ConfigError

_FEWEST_ROWS: Final = 24 * DEVICES


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the flags."""
    parser = OneLineParser(
        prog="python -m benchmarks.torture",
        description="Kill the job, its publisher and its network at random, and compare the results with a plain "
        "computation.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--rounds", type=int, default=len(KINDS), metavar="N", help="number of scenarios")
    length.add_argument("--minutes", type=float, metavar="M", help="begin scenarios for this long instead")
    add("--seed", type=int, default=0, metavar="S", help="seed of the scenarios")
    add("--first", type=int, default=0, metavar="N", help="number of the first scenario, to repeat one of a seed")
    add("--only", default=",".join(KINDS), metavar="LIST", help="kinds of faults")
    add("--servers", default="all", metavar="LIST", help="embedded or all that are installed")
    add("--csv", type=Path, metavar="PATH", help="file of telemetry; simulated if not given")
    add("--rows", type=int, default=10_000, metavar="N", help="rows to simulate")
    add("--results", type=Path, metavar="FOLDER", help="write figures to this folder, named by day and machine")
    add("--keep", type=Path, metavar="FOLDER", help="keep state, results and logs of failed rounds in this folder")
    return parser


def run(args: argparse.Namespace) -> int:
    """Run the rounds, print the table, and return 1 if a round failed.

    Raises:
        ConfigError: if a flag is invalid.
        BenchmarkError: if something other than the job fails.
    """
    kinds = _check(args)
    facts = machine_facts()
    outcomes: list[Outcome] = []
    until = time.monotonic() + args.minutes * 60 if args.minutes is not None else None
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="torture-")))
        csv = args.csv or simulate(folder / "telemetry.csv", args.rows, DEVICES, INTERVAL_S * 1_000_000)
        lines = list(json_lines(csv))
        servers = stack.enter_context(pubsub_servers())
        names = list(servers) if args.servers == "all" else [EMBEDDED]
        numbers = itertools.count(args.first)
        for number in numbers if until is not None else itertools.islice(numbers, args.rounds):
            if until is not None and time.monotonic() > until:
                break
            scenario = draw_scenario(args.seed, number, kinds, names, len(lines))
            place = folder / f"round-{number}"
            place.mkdir()
            outcomes.append(run_round(scenario, servers[scenario.server], csv, lines, place))
            write_line(outcomes[-1])
            if args.keep and has_failed(outcomes[-1]):
                shutil.copytree(place, args.keep / f"seed-{args.seed}-round-{number}", dirs_exist_ok=True)
            shutil.rmtree(place)
    print(to_table(outcomes))
    if args.results:
        _write(args.results, outcomes, args.seed, facts)
    return 1 if any(map(has_failed, outcomes)) else 0


def _write(folder: Path, outcomes: Sequence[Outcome], seed: int, facts: dict[str, str]) -> None:
    stem = free_stem(folder, f"torture-{datetime.now(UTC).date().isoformat()}-{machine_name(facts)}")
    for suffix, text in ((".json", to_json(outcomes, seed, facts)), (".md", to_table(outcomes))):
        path = folder / f"{stem}{suffix}"
        path.write_text(without_folders(text) + "\n", encoding="utf-8")
        sys.stderr.write(f"wrote {path}\n")


def _check(args: argparse.Namespace) -> list[str]:
    for flag, value, least in (("--rounds", args.rounds, 1), ("--rows", args.rows, _FEWEST_ROWS)):
        if value < least:
            raise ConfigError(flag, value, f"must be at least {least}")
    if args.minutes is not None and not args.minutes > 0:
        raise ConfigError("--minutes", args.minutes, "must be positive")
    kinds = [name.strip() for name in args.only.split(",")]
    for name in kinds:
        if name not in KINDS:
            raise ConfigError("--only", args.only, f"{name!r} is none of {', '.join(KINDS)}")
    if args.servers not in ("all", "embedded"):
        raise ConfigError("--servers", args.servers, "must be embedded or all")
    for flag, folder in (("--results", args.results), ("--keep", args.keep)):
        if folder and not folder.is_dir():
            raise ConfigError(flag, folder, "is not a folder")
    if args.csv and not args.csv.is_file():
        raise ConfigError("--csv", args.csv, "no such file")
    return kinds


def main(args: Sequence[str]) -> int:
    """Run the torture and return the exit code."""
    return exit_code("torture", lambda: run(build_parser().parse_args(args)))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
