"""Suggest first rules that fit stored readings: ``telemetry suggest``."""

import argparse
import sys
from collections.abc import Iterator
from typing import Final

from pipeline.backtest.read_readings import Rejections, archived_metrics, read_archive, read_inputs
from pipeline.backtest.time_order import TimeOrder
from pipeline.config import read_metrics
from pipeline.suggest.suggest import suggest_rules
from pipeline.suggest.write_yaml import SuggestionSource
from telemetry.cli.flags import read_moment, read_positive
from telemetry.errors import ConfigError
from telemetry.model.metrics import DEFAULT_METRICS
from telemetry.storage.files import StorageError, exists, write_file
from telemetry.text.timestamps import ClockBounds
from transforms.incidents.watched_rows import WatchedRows

EXAMPLES: Final = """
%(prog)s --input telemetry.csv --output rules.yaml
%(prog)s --input 'telemetry*.csv' --metrics temp,door --incidents-per-day 0.1 --output rules.yaml --force
%(prog)s --readings results > rules.yaml
"""
_EARLIEST: Final = "2000-01-01T00:00:00Z"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags of the command."""
    source = parser.add_argument_group("readings (exactly one)")
    source.add_argument("--input", nargs="+", action="extend", default=[], metavar="GLOB", help="globs of CSV or JSON "
                        "lines files as the job reads them, plain or .gz, on any Beam filesystem")  # fmt: skip
    source.add_argument("--readings", nargs="+", action="extend", default=[], metavar="FOLDER", help="outputs of jobs "
                        "with --archive, or folders of archived readings, on any Beam filesystem")  # fmt: skip
    parser.add_argument("--metrics", default="", metavar="LIST", help="metrics to suggest rules for (default: "
                        f"{','.join(DEFAULT_METRICS)} of --input, all metrics of --readings)")  # fmt: skip
    parser.add_argument("--earliest-time", default=_EARLIEST, metavar="TIME", help="the job's --earliest-time, for the "
                        "files of --input")  # fmt: skip
    parser.add_argument("--incidents-per-day", default="0.5", metavar="N", help="most incidents that a rule may open "
                        "on these readings, for each day and device; one that opens more is made less sensitive, or "
                        "left out. A single incident is never too many")  # fmt: skip
    parser.add_argument("--output", default="", metavar="FILE", help="rules file to write, on any Beam filesystem "
                        "(default: standard output)")  # fmt: skip
    parser.add_argument("--force", action="store_true", help="replace FILE if it exists")


def run(options: argparse.Namespace) -> int:
    """Write the rules that fit the readings, and return the exit code.

    Raises:
        ConfigError: if something given cannot be used, or the file cannot be written.
        NothingUsableError: if there is no reading, no value, or no rule that fits.
    """
    if bool(options.input) == bool(options.readings):
        problem = "only one of them can be read" if options.input else "nothing to look at, give one of them"
        raise ConfigError("--input and --readings", "", problem)
    per_day = read_positive("--incidents-per-day", options.incidents_per_day)
    _check_output(options)
    text = _suggest(options, per_day)
    if options.output:
        try:
            write_file(options.output, text.encode())
        except StorageError as error:
            raise ConfigError("--output", options.output, f"cannot be written: {error.problem}") from error
    else:
        sys.stdout.write(text)
    return 0


def _suggest(options: argparse.Namespace, per_day: float) -> str:
    rejections = Rejections()
    rows: Iterator[WatchedRows]
    if options.input:
        metrics = read_metrics(options.metrics or ",".join(DEFAULT_METRICS))
        bounds = ClockBounds(read_moment("--earliest-time", options.earliest_time))
        rows = read_inputs(options.input, metrics, metrics, bounds, rejections)
    else:
        metrics = read_metrics(options.metrics) if options.metrics else archived_metrics(options.readings)
        rows = read_archive(options.readings, metrics)
    with TimeOrder(metrics) as order:
        for some in rows:
            order.add(some)
        if not order.readings:
            raise rejections.refuse()
        rejected = rejections.counts.total()
        return suggest_rules(order, metrics, SuggestionSource(_flags(options), options.output, per_day, rejected))


def _check_output(options: argparse.Namespace) -> None:
    """Refuse to write over a file: somebody may have worked on it."""
    try:
        if options.output and not options.force and exists(options.output):
            raise ConfigError("--output", options.output, "exists; --force replaces it")
    except StorageError as error:
        raise ConfigError("--output", options.output, f"cannot be written: {error.problem}") from error


def _flags(options: argparse.Namespace) -> tuple[str, ...]:
    """Return the flags with which a backtest reads the same."""
    if options.readings:
        return ("--readings", *options.readings)
    flags = ("--input", *options.input)
    flags += ("--metrics", options.metrics) if options.metrics else ()
    return flags + (("--earliest-time", options.earliest_time) if options.earliest_time != _EARLIEST else ())
