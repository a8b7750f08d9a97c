"""Draw stored results as a picture file: ``telemetry render``."""

import argparse
import sys
from typing import Final

from plotting.data.panels import TimeRange
from plotting.data.rule_bounds import add_rules_flag, read_rules_flag
from plotting.data.source import add_readings, add_source, open_results
from plotting.figures import KINDS
from plotting.render import RenderSummary, render
from plotting.style.feed_flag import add_units_flag, read_units_flag
from plotting.style.texts import TEXTS
from plotting.style.themes import THEMES
from telemetry.cli.flags import read_moment

EXAMPLES: Final = """
%(prog)s --results results --output scatter.png
%(prog)s --results results --readings telemetry.csv --output scatter.pdf --device sensor-0
%(prog)s --results results --figure trend --output trend.svg --theme dark
%(prog)s --results results --figure overview --output overview.png --lang fr
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags of the command."""
    add_source(parser)
    parser.add_argument(
        "--output",
        required=True,
        metavar="FILE",
        help="picture to write, .png, .svg or .pdf, on any Beam filesystem",
    )
    parser.add_argument(
        "--figure",
        choices=list(KINDS),
        default="scatter",
        help="scatter: each reading, or each window's mean and range; trend: each window's mean, range and standard "
        "deviation; overview: anomalies by device, time and rule, dead letters by reason, gaps",
    )
    add_readings(
        parser,
        "readings for a scatter: CSV files, plain or packed, or the folder of readings that the job archived; "
        "without them the window means are drawn",
    )
    parser.add_argument("--metric", help="metric to draw (default: temp; for an overview: all)")
    parser.add_argument(
        "--device", action="append", default=[], help="device to draw; repeatable, in this order (default: all)"
    )
    parser.add_argument(
        "--start", metavar="TIME", help="start of the time range, inclusive: seconds since the epoch or RFC 3339"
    )
    parser.add_argument("--end", metavar="TIME", help="end of the time range, exclusive")
    add_rules_flag(parser)
    add_units_flag(parser)
    parser.add_argument("--lang", choices=sorted(TEXTS), default="en", help="language of the picture")
    parser.add_argument("--theme", choices=list(THEMES), default="light", help="colour theme")


def run(options: argparse.Namespace) -> int:
    """Draw what the options ask for, print a summary line, and return the exit code.

    Raises:
        ConfigError: what `render` and `open_results` raise, or a time that cannot be read.
    """
    start, end = (
        None if text is None else read_moment(flag, text)
        for flag, text in (("--start", options.start), ("--end", options.end))
    )
    span = TimeRange(start, end)
    summary = render(
        open_results(options),
        options.output,
        figure=options.figure,
        readings=options.readings,
        metric=options.metric,
        devices=options.device,
        span=span,
        language=options.lang,
        theme=options.theme,
        rules=read_rules_flag(options.rules),
        catalog=read_units_flag(options.feed),
    )
    sys.stdout.write(summary_line(summary) + "\n")
    return 0


def summary_line(summary: RenderSummary) -> str:
    """Return what was drawn as one line for a person."""
    words = TEXTS["en"]
    devices = words.counted(words.devices, len(summary.devices)).replace("\N{NO-BREAK SPACE}", " ")
    anomalies = f"{summary.anomalies:,} anomalies"
    if summary.letters is not None and summary.gaps is not None:
        parts = [anomalies, f"{summary.letters:,} dead letters", f"{summary.gaps:,} gaps", devices]
    else:
        parts = [f"{summary.drawn:,} of {summary.points:,} points drawn", anomalies, devices]
    if summary.unreadable:
        parts.append(f"{summary.unreadable:,} rows without a readable value left out")
    if summary.unmatched:
        parts.append(f"{summary.unmatched:,} anomalies belong to none of the readings")
    return f"{summary.path}: {', '.join(parts)}, {summary.seconds:.1f} s"
