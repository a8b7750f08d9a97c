"""Judge stored readings with rules, and say what the rules would have found: ``telemetry backtest``."""

import argparse
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from pipeline.backtest.labels import read_labels
from pipeline.backtest.read_readings import Rejections, read_archive, read_inputs
from pipeline.backtest.report_document import report_document
from pipeline.backtest.report_text import report_text
from pipeline.backtest.run_backtest import BacktestReport, run_backtest
from pipeline.backtest.stored_rules import read_stored_rules
from pipeline.backtest.time_order import TimeOrder
from telemetry.cli.flags import read_moment
from telemetry.errors import ConfigError
from telemetry.feed.default_feed import metric_catalog
from telemetry.feed.feed import Feed
from telemetry.feed.flags import add_feed_flags, read_feed
from telemetry.model.metric_info import MetricCatalog
from telemetry.rules.errors import RuleError
from telemetry.rules.parse import load_rules
from telemetry.rules.timeline import RulesTimeline
from telemetry.storage.files import StorageError, write_file
from telemetry.storage.unpacking import PLAIN_OR_PACKED
from telemetry.text.timestamps import ClockBounds
from transforms.decode.decode_spec import DecodeSpec
from transforms.incidents.watched_rows import WatchedRows

if TYPE_CHECKING:
    from plotting.backtest.learned_series import TracedSeries

EXAMPLES: Final = """
%(prog)s --input telemetry.csv --rules rules.yaml
%(prog)s --input 'telemetry*.csv' --rules rules.yaml --against quieter.yaml --picture timeline.png
%(prog)s --readings results --rules rules.yaml --json
%(prog)s --readings results --rules results --against rules.yaml
%(prog)s --input simulated.csv --rules rules.yaml --labels labels.csv
"""
DEFAULT_NAME: Final = "the default rules"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags of the command."""
    source = parser.add_argument_group("readings (exactly one)")
    source.add_argument("--input", nargs="+", action="extend", default=[], metavar="GLOB", help="globs of CSV or JSON "
                        f"lines files as the job reads them, {PLAIN_OR_PACKED}, on any Beam filesystem")  # fmt: skip
    source.add_argument("--readings", nargs="+", action="extend", default=[], metavar="FOLDER", help="outputs of jobs "
                        "with --archive, or folders of archived readings, on any Beam filesystem")  # fmt: skip
    parser.add_argument(
        "--rules",
        default="",
        metavar="FILE",
        help="YAML file of rules, or the output of a job, for the rules that it was judged by; without it, temp above "
        "30.0 is critical",
    )
    parser.add_argument("--against", default="", metavar="FILE", help="other rules: says which incidents they add, and "
                        "which they drop")  # fmt: skip
    parser.add_argument("--labels", nargs="+", action="extend", default=[], metavar="FILE", help="known faults and "
                        "benign events, as simulate --labels writes them: says how many faults the rules find, how "
                        "fast, and how many incidents are false")  # fmt: skip
    parser.add_argument("--metrics", default="", metavar="LIST", help="the job's --metrics, to decode the files of "
                        "--input")  # fmt: skip
    add_feed_flags(parser.add_argument_group("form of the files of --input"))
    parser.add_argument("--earliest-time", default="2000-01-01T00:00:00Z", metavar="TIME", help="the job's "
                        "--earliest-time, for the files of --input")  # fmt: skip
    parser.add_argument("--json", action="store_true", help="print one JSON document instead of tables")
    parser.add_argument("--picture", default="", metavar="FILE", help="timeline to draw, .png, .svg or .pdf, on any "
                        "Beam filesystem: a row for each rule and device, with incidents and faults, then readings, "
                        "with what rules had learned")  # fmt: skip


def run(options: argparse.Namespace) -> int:
    """Judge the readings, print what was found, and return the exit code.

    Raises:
        ConfigError: if something given cannot be used, or the picture cannot be written.
        NothingUsableError: if there is no reading.
    """
    if bool(options.input) == bool(options.readings):
        problem = "only one of them can be read" if options.input else "nothing to judge, give one of them"
        raise ConfigError("--input and --readings", "", problem)
    if options.picture:
        from plotting.backtest.picture import check_picture  # loads Matplotlib

        check_picture(options.picture)
    feed = read_feed(options)
    report, traced = _judge(options, feed)
    if options.picture:
        _draw(report, traced, options.picture, metric_catalog(feed))
    if options.json:
        sys.stdout.write(report_document(report, options.picture) + "\n")
    else:
        sys.stdout.write(report_text(report) + "\n")
        if options.picture:
            sys.stdout.write(f"\npicture: {options.picture}\n")
    return 0


def _judge(options: argparse.Namespace, feed: Feed) -> "tuple[BacktestReport, list[TracedSeries]]":
    """Return what was found and, for a picture, what the rules had learned."""
    metrics = None
    if options.input:
        from pipeline.found_metrics import metrics_of_inputs  # loads Beam

        metrics = metrics_of_inputs(options.input, options.metrics, feed)
    named = [(options.rules or DEFAULT_NAME, _read_rules("--rules", options.rules, metrics))]
    if options.against:
        named.append((options.against, _read_rules("--against", options.against, metrics)))
    labels = read_labels(options.labels) if options.labels else None
    watched = tuple(dict.fromkeys(metric for _, rules in named for metric in rules.metrics))
    rejections = Rejections()
    rows: Iterator[WatchedRows]
    if metrics is not None:
        bounds = ClockBounds(read_moment("--earliest-time", options.earliest_time))
        rows = read_inputs(options.input, DecodeSpec(metrics, bounds, feed), watched, rejections)
    else:
        rows = read_archive(options.readings, watched)
    with TimeOrder(watched) as order:
        for some in rows:
            order.add(some)
        if not order.readings:
            raise rejections.refuse()
        report = run_backtest(
            order,
            named,
            sources=(*options.input, *options.readings),
            rejected=rejections.counts,
            labels=labels,
            catalog=metric_catalog(feed),
        )
        if not options.picture:
            return report, []
        from plotting.backtest.learned_series import traced_series  # loads Matplotlib

        return report, traced_series(order, named[0][1], report)


def _read_rules(flag: str, path: str, metrics: tuple[str, ...] | None) -> RulesTimeline:
    try:
        if not path:
            return RulesTimeline.always(load_rules(None) if metrics is None else load_rules(None).about(metrics))
        timeline = read_stored_rules(path) or RulesTimeline.always(load_rules(path))
        for change in timeline.changes if metrics is not None else ():
            change.rules.check_metrics(metrics or ())
    except RuleError as error:
        raise ConfigError(flag, path or "(default)", str(error)) from error
    return timeline


def _draw(report: BacktestReport, traced: "list[TracedSeries]", path: str, catalog: MetricCatalog) -> None:
    from plotting.backtest.picture import timeline_picture

    try:
        write_file(path, timeline_picture(report, path, traced, catalog))
    except StorageError as error:
        raise ConfigError("--picture", path, f"cannot be written: {error.problem}") from error
