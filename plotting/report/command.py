"""Write stored results as one HTML page that can be sent by e-mail: ``telemetry report``."""

import argparse
import sys
import time
from typing import Final

from plotting.data.panels import TimeRange
from plotting.data.rule_bounds import add_rules_flag, read_rules_flag
from plotting.data.source import add_readings, add_source, open_results
from plotting.figures import PictureRequest
from plotting.report.cached_store import CachedStore
from plotting.report.page import build_page
from plotting.report.pictures import draw_pictures
from plotting.report.run_numbers import CACHED_COLUMNS, count_run
from plotting.report.words import WORDS
from plotting.style.feed_flag import add_units_flag, read_units_flag
from telemetry.cli.flags import read_span
from telemetry.errors import ConfigError
from telemetry.storage.files import StorageError, write_file

EXAMPLES: Final = """
%(prog)s --results results --output report.html
%(prog)s --results results --readings telemetry.csv --output report.html --metric humidity --lang fr
%(prog)s --bigquery my-project:telemetry --output gs://bucket/report.html
"""
_SUFFIXES: Final = (".html", ".htm")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags of the command."""
    add_source(parser)
    parser.add_argument("--output", required=True, metavar="FILE", help="page to write, .html, on any Beam filesystem")
    add_readings(parser, "readings for the pictures, as for render; without them the window means are drawn")
    parser.add_argument("--metric", default="temp", help="metric of the pictures; the table lists all")
    parser.add_argument(
        "--start",
        default="",
        metavar="TIME",
        help="start of the time range, inclusive: seconds since the epoch or RFC 3339",
    )
    parser.add_argument("--end", default="", metavar="TIME", help="end of the time range, exclusive")
    add_rules_flag(parser)
    add_units_flag(parser)
    parser.add_argument("--lang", choices=sorted(WORDS), default="en", help="language of the page")


def run(options: argparse.Namespace) -> int:
    """Write the page that the options ask for, print a summary line, and return the exit code.

    Raises:
        ConfigError: if something asked for does not exist, cannot be read or cannot be written.
    """
    began = time.perf_counter()
    output: str = options.output
    if not output.lower().endswith(_SUFFIXES):
        raise ConfigError("--output", output, "not a page's name, it ends in .html")
    span = TimeRange(*read_span(options.start, options.end))
    catalog = read_units_flag(options.feed)
    store = CachedStore(open_results(options), CACHED_COLUMNS)
    facts = count_run(store, options.metric, span)
    if facts.metrics and options.metric not in facts.metrics:
        raise ConfigError("--metric", options.metric, f"no results of it, there are {', '.join(facts.metrics)}")
    words = WORDS[options.lang]
    order = PictureRequest(
        store, options.readings, span=span, language=options.lang, rules=read_rules_flag(options.rules), catalog=catalog
    )
    drawn = draw_pictures(facts, order, options.metric, words)
    page = build_page(facts, drawn, str(store), options.metric, order, whole=span == TimeRange())
    content = page.encode("utf-8")
    try:
        write_file(output, content)
    except StorageError as error:
        raise ConfigError("--output", output, f"cannot be written: {error.problem}") from error
    seconds = time.perf_counter() - began
    sys.stdout.write(
        f"{output}: {len(facts.anomalies):,} anomalies, {facts.devices:,} devices, {len(drawn)} pictures, "
        f"{len(content) / 1e6:.1f} MB, {seconds:.1f} s\n"
    )
    return 0
