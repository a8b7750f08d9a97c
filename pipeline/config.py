"""The job's flags, and the one validated configuration made of them. Imports no Beam, so that --help is quick."""

import argparse
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, get_args

from transforms.commands import OneLineParser
from transforms.errors import ConfigError
from transforms.flags import check_pubsub_name, read_duration, read_whole
from transforms.records import DEFAULT_METRICS
from transforms.rules import RuleError, RuleSet, load_rules
from transforms.windows import WindowSpec

FileFormat = Literal["jsonl", "parquet"]
_METRIC: Final = re.compile(r"[^\s,\"\\]{1,128}")
_MOST_SHARDS: Final = 10_000
LOCAL_RUNNERS: Final = frozenset({"", "DirectRunner", "BundleBasedDirectRunner", "FnApiRunner"})


@dataclass(frozen=True, slots=True)
class JobConfig:
    """Everything a job needs to know, checked. Durations in microseconds.

    Attributes:
        inputs: globs of files; empty when the job reads Pub/Sub.
        subscription: full name of the subscription to read, or "".
        topic: full name of the topic to read through a subscription of the job's own, or "".
        rules: the rules in force.
        metrics: names of the metrics to decode.
        windows: windows, lateness and firings.
        watermark_lag_us: how far the local source's watermark stays behind the newest message.
        output: folder on any Beam filesystem, or "".
        file_format: of the files in it.
        flush_us: how long a stream's anomalies and dead letters are gathered into one file.
        shards: into how many keys the devices of a window are divided.
        archive: whether all readings are kept as Parquet in the output, too.
        print_anomalies: whether each anomaly is also a line on standard output.
        stop_after_idle_us: end of a local stream after so long without a message; None for never.
        summary: file for the summary as JSON, or "".
        verbose: whether to log more.
        beam_args: options for Beam itself.
    """

    inputs: tuple[str, ...]
    subscription: str
    topic: str
    rules: RuleSet
    metrics: tuple[str, ...]
    windows: WindowSpec
    watermark_lag_us: int
    output: str
    file_format: FileFormat
    flush_us: int
    shards: int
    archive: bool
    print_anomalies: bool
    stop_after_idle_us: int | None
    summary: str
    verbose: bool
    beam_args: tuple[str, ...]

    @property
    def streaming(self) -> bool:
        """Whether the input is unbounded."""
        return not self.inputs


class _HelpFormatter(argparse.ArgumentDefaultsHelpFormatter):
    """Shows a default where there is one."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        return super()._get_help_string(action) if action.default not in ("", None, False) else action.help


def build_parser() -> OneLineParser:
    """Return the parser of the job's own flags; Beam's are left over."""
    parser = OneLineParser(
        prog="python -m pipeline",
        description="Find anomalies in IoT telemetry and aggregate it over windows, with Apache Beam.",
        epilog="Any Beam option is understood too (--runner, --temp_location, --project, …). Without --runner, or "
        "with --runner DirectRunner, the job runs in this process. Durations read like 500ms, 60s, 10m, 2h.",
        formatter_class=_HelpFormatter,
    )
    add_arguments(parser)
    return parser


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the job's flags, in groups. Values stay text here; `make_config` checks them."""
    source = parser.add_argument_group("input (exactly one)")
    source.add_argument(
        "--input",
        action="append",
        metavar="GLOB",
        help="CSV or JSON lines files, plain or .gz, on any Beam filesystem; may be given several times",
    )
    source.add_argument("--subscription", default="", metavar="projects/P/subscriptions/S", help="read this stream")
    source.add_argument(
        "--topic", default="", metavar="projects/P/topics/T", help="read this topic from now on, through a "
        "subscription of the job's own"
    )  # fmt: skip
    rules = parser.add_argument_group("detection")
    rules.add_argument(
        "--rules", default="", metavar="FILE", help="YAML rules; without it: temp above 30.0 is critical"
    )
    rules.add_argument("--metrics", default=",".join(DEFAULT_METRICS), metavar="LIST", help="metrics to decode")
    windows = parser.add_argument_group("windows")
    windows.add_argument("--window", default="60s", metavar="DURATION", help="length of a window of event time")
    windows.add_argument("--slide", default="", metavar="DURATION", help="distance of sliding windows' starts; must "
                         "divide the window; without it windows are fixed")  # fmt: skip
    windows.add_argument("--allowed-lateness", default="10m", metavar="DURATION", help="how long after its end, by "
                         "the watermark, a window still takes late readings; later ones are dead letters")  # fmt: skip
    windows.add_argument("--early-firing", default="", metavar="DURATION", help="report open windows early, so often")
    windows.add_argument("--watermark-lag", default="10s", metavar="DURATION", help="how far the watermark of the "
                         "local Pub/Sub source stays behind the newest message")  # fmt: skip
    output = parser.add_argument_group("output (at least one)")
    output.add_argument(
        "--output", default="", metavar="PATH", help="folder for anomalies, aggregates and dead letters"
    )
    output.add_argument("--file-format", default="jsonl", metavar="jsonl|parquet", help="of the files in it")
    output.add_argument("--flush-interval", default="500ms", metavar="DURATION", help="how long a stream's anomalies "
                        "and dead letters are gathered into one file")  # fmt: skip
    output.add_argument("--shards", default="1", metavar="N", help="into how many keys, and so files, the devices of "
                        "a window are divided")  # fmt: skip
    output.add_argument(
        "--archive", action="store_true", help="keep all decoded readings as Parquet in the folder, too"
    )
    output.add_argument("--print", action="store_true", dest="print_anomalies", help="each anomaly as a line on "
                        "standard output (local runs)")  # fmt: skip
    run = parser.add_argument_group("running")
    run.add_argument("--stop-after-idle", default="", metavar="DURATION", help="end a local stream after so long "
                     "without a message; without it, it runs until it is told to stop")  # fmt: skip
    run.add_argument("--summary", default="", metavar="FILE", help="write the counters of the summary as JSON, too")
    run.add_argument("--verbose", action="store_true", help="log what the job and Beam are doing")


def make_config(args: argparse.Namespace, beam_args: Sequence[str]) -> JobConfig:
    """Check the flags and return the configuration; touches no network and no file but the rules.

    Raises:
        ConfigError: for the first flag that cannot be used.
    """
    inputs = tuple(args.input or ())
    _check_source(inputs, args.subscription, args.topic)
    if not args.output and not args.print_anomalies:
        raise ConfigError("--output", "", "nowhere to write to, give --output or --print")
    if args.archive and not args.output:
        raise ConfigError("--archive", "", "needs --output, the folder to keep the readings in")
    if args.file_format not in get_args(FileFormat):
        raise ConfigError("--file-format", args.file_format, "must be jsonl or parquet")
    metrics = _metrics(args.metrics)
    rules = _rules(args.rules, metrics)
    return JobConfig(
        inputs=inputs,
        subscription=args.subscription,
        topic=args.topic,
        rules=rules,
        metrics=metrics,
        windows=_windows(args),
        watermark_lag_us=read_duration("--watermark-lag", args.watermark_lag),
        output=args.output,
        file_format=args.file_format,
        flush_us=read_duration("--flush-interval", args.flush_interval, 1_000),
        shards=read_whole("--shards", args.shards, _MOST_SHARDS),
        archive=args.archive,
        print_anomalies=args.print_anomalies,
        stop_after_idle_us=_optional("--stop-after-idle", args.stop_after_idle),
        summary=args.summary,
        verbose=args.verbose,
        beam_args=tuple(beam_args),
    )


def _check_source(inputs: Sequence[str], subscription: str, topic: str) -> None:
    given = [
        flag for flag, value in (("--input", inputs), ("--subscription", subscription), ("--topic", topic)) if value
    ]
    if len(given) != 1:
        what = " and ".join(given)
        problem = (
            "only one of them can be read" if given else "nothing to read, give --input, --subscription or --topic"
        )
        raise ConfigError(what or "--input", "", problem)
    for flag, kind, value in (("--subscription", "subscriptions", subscription), ("--topic", "topics", topic)):
        if value:
            check_pubsub_name(flag, kind, value)


def _metrics(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(","))
    for name in names:
        if _METRIC.fullmatch(name) is None or name in ("ts", "device"):
            raise ConfigError("--metrics", text, f"{name!r} cannot be a metric")
        if names.count(name) > 1:
            raise ConfigError("--metrics", text, f"{name!r} is listed twice")
    return names


def _rules(path: str, metrics: Sequence[str]) -> RuleSet:
    try:
        rules = load_rules(path or None)
        rules.check_metrics(metrics)
    except RuleError as error:
        raise ConfigError("--rules", path or "(default)", str(error)) from error
    return rules


def _windows(args: argparse.Namespace) -> WindowSpec:
    size = read_duration("--window", args.window, 1_000)
    slide = _optional("--slide", args.slide) or size
    if size % slide:
        raise ConfigError("--slide", args.slide, f"must divide the window of {args.window}")
    lateness = read_duration("--allowed-lateness", args.allowed_lateness)
    early = _optional("--early-firing", args.early_firing)
    return WindowSpec(size, slide, lateness, early)


def _optional(flag: str, text: str) -> int | None:
    return read_duration(flag, text, 1_000) if text else None
