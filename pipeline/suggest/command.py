"""Suggest first rules that fit stored readings: ``telemetry suggest``."""

import argparse
import sys
from collections.abc import Iterator
from typing import Final

from pipeline.backtest.read_readings import Rejections, archived_metrics, read_archive, read_inputs
from pipeline.backtest.time_order import TimeOrder
from pipeline.found_metrics import metrics_of_inputs
from pipeline.sources.files import is_input
from pipeline.suggest.suggest import suggest_rules
from pipeline.suggest.write_yaml import SuggestionSource
from telemetry.cli.flags import read_moment, read_positive
from telemetry.errors import ConfigError
from telemetry.feed.default_feed import metric_catalog
from telemetry.feed.feed import Feed
from telemetry.feed.flags import FLAGS, add_feed_flags, read_feed, read_metrics
from telemetry.storage.files import StorageError, exists, write_file
from telemetry.storage.unpacking import PLAIN_OR_PACKED
from telemetry.text.timestamps import ClockBounds
from transforms.decode.decode_spec import DecodeSpec
from transforms.incidents.watched_rows import WatchedRows

EXAMPLES: Final = """
%(prog)s telemetry.csv --output rules.yaml
%(prog)s 'telemetry*.csv' --metrics temp,door --incidents-per-day 0.1 --output rules.yaml --force
%(prog)s results > rules.yaml
"""
_READINGS: Final = "READINGS"
_EARLIEST: Final = "2000-01-01T00:00:00Z"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags of the command."""
    parser.add_argument("readings", nargs="+", metavar="READINGS", help="globs of CSV or JSON lines files as the job "
                        f"reads them, {PLAIN_OR_PACKED}; or outputs of jobs with --archive; in any bucket")  # fmt: skip
    parser.add_argument("--metrics", default="", metavar="LIST", help="metrics to suggest rules for, in quotes "
                        "where they hold a comma (default: those of the job, all metrics of an archive)")  # fmt: skip
    add_feed_flags(parser)
    parser.add_argument("--earliest-time", default=_EARLIEST, metavar="TIME", help="the job's --earliest-time, for "
                        "files")  # fmt: skip
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
    if len({is_input(one) for one in options.readings}) > 1:
        raise ConfigError(_READINGS, " ".join(options.readings), "are files and folders; only one of them can be read")
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
    try:
        feed = read_feed(options)
        metrics, rows = _read(options, feed, rejections)
        with TimeOrder(metrics) as order:
            for some in rows:
                order.add(some)
            if not order.readings:
                raise rejections.refuse()
            source = SuggestionSource(_flags(options), options.output, per_day, rejections.counts.total())
            return suggest_rules(order, metrics, source, metric_catalog(feed))
    except ConfigError as error:
        flag = _READINGS if error.flag in ("--input", "--readings") else error.flag  # those of a backtest
        raise ConfigError(flag, error.value, error.problem) from error


def _read(
    options: argparse.Namespace, feed: Feed, rejections: Rejections
) -> tuple[tuple[str, ...], Iterator[WatchedRows]]:
    """Return the metrics, and an iterator of the readings."""
    if is_input(options.readings[0]):
        metrics = metrics_of_inputs(options.readings, options.metrics, feed)
        bounds = ClockBounds(read_moment("--earliest-time", options.earliest_time))
        return metrics, read_inputs(options.readings, DecodeSpec(metrics, bounds, feed), metrics, rejections)
    metrics = read_metrics(options.metrics) if options.metrics else archived_metrics(options.readings)
    return metrics, read_archive(options.readings, metrics)


def _check_output(options: argparse.Namespace) -> None:
    """Refuse to write over a file: somebody may have worked on it."""
    try:
        if options.output and not options.force and exists(options.output):
            raise ConfigError("--output", options.output, "exists; --force replaces it")
    except StorageError as error:
        raise ConfigError("--output", options.output, f"cannot be written: {error.problem}") from error


def _flags(options: argparse.Namespace) -> tuple[str, ...]:
    """Return the flags with which a backtest reads the same."""
    if not is_input(options.readings[0]):
        return ("--readings", *options.readings)
    flags = ("--input", *options.readings)
    flags += ("--metrics", options.metrics) if options.metrics else ()
    for flag in FLAGS:
        value = getattr(options, flag.lstrip("-").replace("-", "_"))
        flags += (flag, value) if value else ()
    return flags + (("--earliest-time", options.earliest_time) if options.earliest_time != _EARLIEST else ())
