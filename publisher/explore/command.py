"""Show what telemetry contains before it is replayed: ``telemetry explore``."""

import argparse
import os
import sys
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import TYPE_CHECKING, Final

import msgspec

from publisher.csv_blocks import STDIN
from publisher.csv_input import CsvChunk, check_input, parse_columns, read_chunks
from publisher.explore.report import Report
from publisher.explore.survey import Survey, select_chunks
from publisher.explore.text import render
from telemetry.cli.flags import check_pubsub_name, read_span, read_whole
from telemetry.errors import ConfigError, NothingUsableError
from telemetry.feed.default_feed import metric_catalog
from telemetry.feed.flags import FLAGS, add_feed_flags, read_feed, read_metrics
from telemetry.rules.errors import RuleError
from telemetry.rules.parse import load_rules
from telemetry.rules.rule_set import RuleSet
from telemetry.storage.files import StorageError, exists, write_file
from telemetry.storage.unpacking import PLAIN_OR_PACKED

if TYPE_CHECKING:
    from publisher.explore.foreign import ForeignInput

EXAMPLES: Final = """
%(prog)s telemetry.csv
%(prog)s telemetry.csv --rules rules.yaml --start 2020-07-12T06:00:00Z --json
%(prog)s own.csv --write-feed feed.yaml
%(prog)s --subscription projects/demo/subscriptions/devices --write-feed feed.yaml
zcat telemetry.csv.gz | %(prog)s -
"""
_MOST_SHOWN: Final = 100_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command to its parser. Values stay text; `run` checks them."""
    parser.add_argument(
        "input",
        nargs="*",
        metavar="INPUT",
        help=f"files of telemetry, {PLAIN_OR_PACKED}; - is standard input",
    )
    parser.add_argument("--subscription", default="", metavar="projects/P/subscriptions/S", help="look at messages of "
                        "a subscription instead; they are given back")  # fmt: skip
    add_feed_flags(parser)
    parser.add_argument("--metrics", default="", metavar="LIST", help="comma-separated names of the metrics to read "
                        "from foreign telemetry; without it those of the feed, or all fields with numbers")  # fmt: skip
    parser.add_argument("--write-feed", default="", metavar="FILE", help="write the feed that is proposed, with the "
                        "reasons as comments, on any Beam filesystem")  # fmt: skip
    parser.add_argument("--force", action="store_true", help="replace the file of --write-feed if it exists")
    parser.add_argument(
        "--columns",
        default="",
        metavar="MAP",
        help="names of the columns in the file, such as ts=timestamp,device=device_id",
    )
    parser.add_argument(
        "--rules", default="", metavar="FILE", help="YAML file of rules; without it, temp above 30.0 is critical"
    )
    parser.add_argument(
        "--start",
        default="",
        metavar="TIME",
        help="start of the time range, inclusive: seconds since the epoch or RFC 3339",
    )
    parser.add_argument("--end", default="", metavar="TIME", help="end of the time range, exclusive")
    parser.add_argument("--top", default="10", metavar="N", help="number of gaps and of devices to show")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of text")


def run(options: argparse.Namespace) -> int:
    """Read the inputs, print a survey of them, and return the exit code.

    Raises:
        ConfigError: if an option is wrong or an input cannot be read.
        InputError: if an input is damaged.
    """
    _check_flags(options)
    report = explore(options)
    if options.json:
        sys.stdout.write(msgspec.json.encode(report).decode() + "\n")
    else:
        sys.stdout.write(render(report))
    return 0


def explore(options: argparse.Namespace) -> Report:
    """Return the survey of the inputs; raises what `run` raises."""
    mapping = parse_columns(options.columns)
    span = read_span(options.start, options.end)
    rules, top = _rules(options.rules), read_whole("--top", options.top, _MOST_SHOWN)
    foreign = _foreign(options, mapping)
    names = [os.fsencode(path).decode("utf-8", "replace") for path in options.input] or [options.subscription]
    if foreign is None:
        chunks: Iterator[CsvChunk] = chain.from_iterable(read_chunks(path, mapping) for path in options.input)
        preview, survey = None, Survey(rules, top)
    else:
        from publisher.explore.preview import FeedPreview  # loads Arrow

        own = rules if options.rules else rules.about(foreign.metrics)
        preview, survey = FeedPreview(foreign.metrics), Survey(own, top, metric_catalog(foreign.feed))
        chunks = foreign.chunks(options.input, preview)
    for piece in select_chunks(chunks, *span):
        survey.add(piece)
    report = survey.report(names)
    if foreign is None or preview is None:
        return report
    from telemetry.feed.propose.write_proposal import write_proposal  # loads Arrow

    text = write_proposal(foreign.proposal) if foreign.proposal is not None else ""
    questions = foreign.proposal.questions if foreign.proposal is not None else ()
    if options.write_feed:
        _write(options.write_feed, text)
    return msgspec.structs.replace(report, read_as=preview.result(text, questions))


def _foreign(options: argparse.Namespace, mapping: Mapping[str, str]) -> "ForeignInput | None":
    """Return the inputs if they are not all CSV in the canonical form, or if a feed is wanted or given."""
    given = any(getattr(options, flag.lstrip("-").replace("-", "_")) for flag in FLAGS)
    feed = read_feed(options) if given else None
    metrics = read_metrics(options.metrics) if options.metrics else None
    if options.subscription:
        from publisher.explore.foreign import MOST_MESSAGES, foreign_messages  # loads Arrow
        from telemetry.pubsub.peek import peek_messages  # loads Google's client

        return foreign_messages(peek_messages(options.subscription, MOST_MESSAGES), feed, metrics)
    refused: ConfigError | None = None
    if not given and not options.write_feed:
        try:
            for path in options.input:
                check_input(path, mapping)
            return None
        except ConfigError as error:
            if options.columns or STDIN in options.input or not all(map(os.path.isfile, options.input)):
                raise
            refused = error
    from publisher.explore.foreign import foreign_files  # loads Arrow

    try:
        return foreign_files(options.input, feed, metrics)
    except NothingUsableError:
        if refused is not None:
            raise refused from None
        raise


def _check_flags(options: argparse.Namespace) -> None:
    if bool(options.input) == bool(options.subscription):
        problem = "only one of them can be looked at" if options.input else "nothing to look at, give one of them"
        raise ConfigError("INPUT and --subscription", options.subscription, problem)
    if options.subscription:
        check_pubsub_name("--subscription", "subscriptions", options.subscription)
    if options.input.count(STDIN) > 1:
        raise ConfigError("INPUT", STDIN, "standard input can be read only once")
    if options.write_feed and (options.feed or options.columns):
        flag = "--feed" if options.feed else "--columns"
        raise ConfigError("--write-feed", options.write_feed, f"cannot be combined with {flag}: nothing is proposed")
    try:
        if options.write_feed and not options.force and exists(options.write_feed):
            raise ConfigError("--write-feed", options.write_feed, "exists; --force replaces it")
    except StorageError as error:
        raise ConfigError("--write-feed", options.write_feed, f"cannot be written: {error.problem}") from error


def _write(path: str, text: str) -> None:
    try:
        write_file(path, text.encode())
    except StorageError as error:
        raise ConfigError("--write-feed", path, f"cannot be written: {error.problem}") from error


def _rules(path: str) -> RuleSet:
    try:
        return load_rules(path or None)
    except RuleError as error:
        raise ConfigError("--rules", path or "(default)", str(error)) from error
