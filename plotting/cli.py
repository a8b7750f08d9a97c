"""The command line of what people look at: ``python -m plotting render | report | serve``."""

import argparse

from plotting.data.panels import TimeRange
from plotting.data.rule_bounds import add_rules_flag, read_rules_flag
from plotting.data.source import add_readings, add_source, open_results
from plotting.figures import KINDS
from plotting.render import RenderSummary, render
from plotting.report import command as report
from plotting.serve import command as serve
from plotting.style.texts import TEXTS
from plotting.style.themes import THEMES
from telemetry.cli.commands import OneLineParser
from telemetry.cli.flags import read_moment


def build_parser() -> OneLineParser:
    """Return the parser of all commands."""
    parser = OneLineParser(prog="python -m plotting", description="Stored results as pictures.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    command = commands.add_parser(
        "render",
        help="draw a run: one metric against time with its anomalies in red, its trend, or an overview",
        description="Draw a run: one metric against time with its anomalies in red, its trend, or an overview.",
    )
    add_source(command)
    command.add_argument(
        "--output",
        required=True,
        metavar="FILE",
        help="picture: .png, .svg or .pdf, on any filesystem that Beam knows",
    )
    command.add_argument(
        "--figure",
        choices=list(KINDS),
        default="scatter",
        help="scatter: each reading, or each window's mean and range; trend: each window's mean, range and standard "
        "deviation; overview: anomalies by device, time and rule, dead letters by reason, gaps (default: scatter)",
    )
    add_readings(
        command,
        "for a scatter the readings themselves: .csv, .csv.gz, or the folder of readings that the job archived; "
        "without them the window means are drawn",
    )
    command.add_argument("--metric", help="metric to draw (default: temp; of an overview: all)")
    command.add_argument(
        "--device", action="append", default=[], help="device to draw, repeatable, in this order (default: all)"
    )
    command.add_argument("--start", metavar="TIME", help="first time drawn: seconds since the epoch or RFC 3339")
    command.add_argument("--end", metavar="TIME", help="first time not drawn any more")
    add_rules_flag(command)
    command.add_argument("--lang", choices=sorted(TEXTS), default="en", help="language of the picture (default: en)")
    command.add_argument("--theme", choices=list(THEMES), default="light", help="paper and ink (default: light)")
    command.set_defaults(execute=run)
    page = commands.add_parser(
        "report",
        help="a run as one self-contained page: numbers, pictures, a table of anomalies to explore",
        description="Write a run as one self-contained page: numbers, pictures, a table of anomalies to explore.",
    )
    report.add_arguments(page)
    page.set_defaults(execute=report.run)
    live = commands.add_parser(
        "serve",
        help="a run live in the browser, while it is written",
        description="Show a run live in the browser, while it is written: pan, zoom, save, point at a reading.",
    )
    serve.add_arguments(live)
    live.set_defaults(execute=serve.run)
    return parser


def run(options: argparse.Namespace) -> str:
    """Render what the options ask for and return the summary line.

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
    )
    return summary_line(summary)


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
