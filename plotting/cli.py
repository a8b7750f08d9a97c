"""The command line of the pictures: ``python -m plotting render``."""

import argparse
from pathlib import Path

from plotting.panels import TimeRange
from plotting.render import Summary, render
from plotting.texts import TEXTS
from transforms.commands import OneLineParser
from transforms.flags import read_moment


def build_parser() -> OneLineParser:
    """Return the parser of all commands."""
    parser = OneLineParser(prog="python -m plotting", description="Stored results as pictures.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="render")
    command = commands.add_parser(
        "render",
        help="draw one metric of a run against time, anomalies in red",
        description="Draw one metric of a run against time: one panel a device, anomalies in red.",
    )
    command.add_argument(
        "--results", required=True, metavar="PATH", help="the job's --output, on any filesystem that Beam knows"
    )
    command.add_argument("--output", type=Path, required=True, metavar="FILE", help="picture: .png, .svg or .pdf")
    command.add_argument(
        "--readings",
        nargs="+",
        action="extend",
        default=[],
        metavar="PATH",
        help="the readings themselves: .csv, .csv.gz, or the folder of readings that the job archived; without "
        "them the window means are drawn",
    )
    command.add_argument("--metric", default="temp", help="metric to draw (default: temp)")
    command.add_argument(
        "--device", action="append", default=[], help="device to draw, repeatable, in this order (default: all)"
    )
    command.add_argument("--start", metavar="TIME", help="first time drawn: seconds since the epoch or RFC 3339")
    command.add_argument("--end", metavar="TIME", help="first time not drawn any more")
    command.add_argument("--lang", choices=sorted(TEXTS), default="en", help="language of the picture (default: en)")
    return parser


def run(options: argparse.Namespace) -> str:
    """Render what the options ask for and return the summary line.

    Raises:
        ConfigError: what `render` raises, or a time that cannot be read.
    """
    start, end = (
        None if text is None else read_moment(flag, text)
        for flag, text in (("--start", options.start), ("--end", options.end))
    )
    span = TimeRange(start, end)
    summary = render(
        options.results,
        options.output,
        readings=options.readings,
        metric=options.metric,
        devices=options.device,
        span=span,
        language=options.lang,
    )
    return summary_line(summary)


def summary_line(summary: Summary) -> str:
    """Return what was drawn as one line for a person."""
    parts = [
        f"{summary.drawn:,} of {summary.points:,} points drawn",
        f"{summary.anomalies:,} anomalies",
        TEXTS["en"].counted(TEXTS["en"].devices, len(summary.devices)).replace("\N{NO-BREAK SPACE}", " "),
    ]
    if summary.unreadable:
        parts.append(f"{summary.unreadable:,} rows without a readable value left out")
    if summary.unmatched:
        parts.append(f"{summary.unmatched:,} anomalies belong to none of the readings")
    return f"{summary.path}: {', '.join(parts)}, {summary.seconds:.1f} s"
