"""Show what telemetry contains before it is replayed: ``telemetry explore``."""

import argparse
import os
import sys
from itertools import chain
from typing import Final

import msgspec

from publisher.csv_blocks import STDIN
from publisher.csv_input import check_input, parse_columns, read_chunks
from publisher.explore.report import Report
from publisher.explore.survey import Survey, select_chunks
from publisher.explore.text import render
from telemetry.cli.flags import read_span, read_whole
from telemetry.errors import ConfigError
from telemetry.rules.errors import RuleError
from telemetry.rules.parse import load_rules
from telemetry.rules.rule_set import RuleSet
from telemetry.storage.unpacking import PLAIN_OR_PACKED

EXAMPLES: Final = """
%(prog)s telemetry.csv
%(prog)s telemetry.csv --rules rules.yaml --start 2020-07-12T06:00:00Z --json
zcat telemetry.csv.gz | %(prog)s -
"""
_MOST_SHOWN: Final = 100_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command to its parser. Values stay text; `run` checks them."""
    parser.add_argument(
        "input",
        nargs="+",
        metavar="INPUT",
        help=f"CSV files, {PLAIN_OR_PACKED}; - is standard input",
    )
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
    report = explore(options)
    if options.json:
        sys.stdout.write(msgspec.json.encode(report).decode() + "\n")
    else:
        sys.stdout.write(render(report))
    return 0


def explore(options: argparse.Namespace) -> Report:
    """Return the survey of the inputs; raises what `run` raises."""
    mapping = parse_columns(options.columns)
    start_us, end_us = read_span(options.start, options.end)
    survey = Survey(_rules(options.rules), read_whole("--top", options.top, _MOST_SHOWN))
    if options.input.count(STDIN) > 1:
        raise ConfigError("INPUT", STDIN, "standard input can be read only once")
    for path in options.input:
        check_input(path, mapping)
    pieces = chain.from_iterable(read_chunks(path, mapping) for path in options.input)
    for piece in select_chunks(pieces, start_us, end_us):
        survey.add(piece)
    return survey.report([os.fsencode(path).decode("utf-8", "replace") for path in options.input])


def _rules(path: str) -> RuleSet:
    try:
        return load_rules(path or None)
    except RuleError as error:
        raise ConfigError("--rules", path or "(default)", str(error)) from error
