"""Validate the flags of a job and return its configuration, without Beam, so that a mistake is reported quickly."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal, get_args

from pipeline.window_flags import read_windows
from telemetry.bigquery.flags import read_target
from telemetry.bigquery.schema import BigQueryTarget, Method, unusable_columns
from telemetry.cli.flags import check_pubsub_name, read_duration, read_moment, read_whole
from telemetry.errors import ConfigError
from telemetry.feed.default_feed import DEFAULT_METRICS, metric_catalog
from telemetry.feed.feed import Feed, is_canonical
from telemetry.feed.flags import read_feed, read_metrics
from telemetry.model.metric_info import MetricCatalog
from telemetry.model.record_batches import FileFormat
from telemetry.rules.errors import RuleError
from telemetry.rules.follower import FollowedRules, load_live_rules
from telemetry.rules.parse import load_rules
from telemetry.rules.rule_set import RuleSet
from telemetry.storage.paths import join, scheme_of
from telemetry.text.timestamps import ClockBounds
from telemetry.webhooks.forms import FormName
from telemetry.webhooks.webhook import FLAG as WEBHOOK
from telemetry.webhooks.webhook import Webhook, read_webhooks
from transforms.decode.decode_spec import DecodeSpec
from transforms.windows.window_spec import WindowSpec

LogFormat = Literal["text", "json"]
Alerts = Literal["incidents", "readings"]
"""Alternatives for the messages of a topic of alerts."""
Printed = Literal["incidents", "readings"]
"""Alternatives for the lines on standard output."""
_MOST_SHARDS: Final = 10_000
NO_STATE: Final = "none"
"""Value of --state with which a local stream keeps its state in memory only."""
NEVER: Final = "never"
"""Value of --reload-rules with which the rules of the start stay in force."""
_DRAIN_IDLE: Final = "5s"  # a stream that is to end has to notice that nothing is left to read
LOCAL_RUNNERS: Final = frozenset({"", "DirectRunner", "BundleBasedDirectRunner", "FnApiRunner"})


@dataclass(frozen=True, slots=True)
class JobConfig:
    """Validated configuration of a job. Durations in microseconds.

    Attributes:
        inputs: globs of files; empty when the job reads Pub/Sub.
        subscription: full name of the subscription to read, or "".
        topic: full name of the topic to read through a subscription of the job's own, or "".
        rules: the rules in force at the start.
        warm_start: readings from before a stream: a folder or file of an archive, or a glob of input; "" for none.
        followed_rules: the rules file, which may change while a stream runs; None if it is not looked at again.
        feed: how the input becomes readings.
        metrics: names of the metrics to decode; () for all that the files are found to have.
        windows: windows, lateness and firings, and the zone of the windows.
        watermark_lag_us: distance of the local source's watermark behind the newest message.
        output: folder on any Beam filesystem, or "".
        bigquery: dataset for the same results, or None.
        alerts_topic: full name of the topic for alerts, or "".
        alerts: what that topic receives.
        webhooks: where incidents are posted.
        alerts_patience_us: how long a stream tries again to post one.
        dead_letter_topic: full name of the topic for dead letters, or "".
        file_format: of the files in it.
        flush_us: time for which a stream's records are gathered into one file or request.
        shards: number of keys among which the devices of a window are divided.
        archive: whether all readings are also written to the output and the dataset.
        append: whether the folder and the dataset may hold results of other jobs.
        printed: what is also printed, each as a line; None for nothing.
        dedup_us: time after its publication for which a message's key is kept; None to remove no duplicates.
        dedup_readings_us: how far behind the watermark of a stream a reading is still remembered; None to remove no
            repeats.
        clock_skew_us: how far ahead of its publish time a clock may be; a message moves the watermark no further.
        earliest_us: first event time that is possible, microseconds UTC.
        state: folder that keeps the state of a local stream, or "".
        drain: whether the end of a local stream reports all windows and ends it for good.
        stop_after_idle_us: time without a message after which a local stream ends; None for never.
        summary: file for the summary as JSON, or "".
        verbose: whether to log more.
        log_format: of the log lines.
        beam_args: options for Beam itself.
        flags: the job's flags as given, for display in a runner's user interface.
    """

    inputs: tuple[str, ...]
    subscription: str
    topic: str
    rules: RuleSet
    warm_start: str
    followed_rules: FollowedRules | None
    feed: Feed
    metrics: tuple[str, ...]
    windows: WindowSpec
    watermark_lag_us: int
    output: str
    bigquery: BigQueryTarget | None
    alerts_topic: str
    alerts: Alerts
    webhooks: tuple[Webhook, ...]
    alerts_patience_us: int
    dead_letter_topic: str
    file_format: FileFormat
    flush_us: int
    shards: int
    archive: bool
    append: bool
    printed: Printed | None
    dedup_us: int | None
    dedup_readings_us: int | None
    clock_skew_us: int
    earliest_us: int
    state: str
    drain: bool
    stop_after_idle_us: int | None
    summary: str
    verbose: bool
    log_format: LogFormat
    beam_args: tuple[str, ...]
    flags: Mapping[str, object]

    @property
    def decoding(self) -> DecodeSpec:
        """Return how messages are decoded."""
        return DecodeSpec(self.metrics, ClockBounds(self.earliest_us, self.clock_skew_us), self.feed)

    @property
    def catalog(self) -> MetricCatalog:
        """Return the units and labels of the metrics."""
        return metric_catalog(self.feed)

    @property
    def streaming(self) -> bool:
        """Return whether the input is unbounded."""
        return not self.inputs

    @property
    def rules_of_workers(self) -> FollowedRules | None:
        """Return the rules file that remote workers can look at themselves; None if there is none."""
        followed = self.followed_rules
        return followed if followed is not None and scheme_of(followed.path) else None


def make_config(args: argparse.Namespace, beam_args: Sequence[str]) -> JobConfig:
    """Check the flags and return the configuration; use no network and read no files but rules, feed and template.

    Raises:
        ConfigError: for the first flag that cannot be used.
    """
    inputs = tuple(args.input or ())
    _check_source(inputs, args.subscription, args.topic)
    bigquery = _bigquery(args)
    _check_outputs(args)
    if args.dedup and inputs:
        raise ConfigError("--dedup", args.dedup, "needs --subscription or --topic: files are read once")
    if args.warm_start and inputs:
        problem = "needs --subscription or --topic: files are judged from their beginning"
        raise ConfigError("--warm-start", args.warm_start, problem)
    if args.file_format not in get_args(FileFormat):
        raise ConfigError("--file-format", args.file_format, "must be jsonl or parquet")
    if args.alerts not in get_args(Alerts):
        raise ConfigError("--alerts", args.alerts, "must be incidents or readings")
    if args.printed and args.printed not in get_args(Printed):
        raise ConfigError("--print", args.printed, "must be incidents or readings")
    if args.log_format not in get_args(LogFormat):
        raise ConfigError("--log-format", args.log_format, "must be text or json")
    feed = read_feed(args)
    _check_feed(args, feed)
    metrics = read_metrics(args.metrics) if args.metrics else metrics_of(feed)
    if not metrics and not inputs:
        metrics = _rules(args.rules, (), live=False).metrics  # a stream cannot be looked at
    if args.archive:
        check_columns(args.metrics, metrics, in_tables=bigquery is not None)
    rules = _rules(args.rules, metrics, live=not inputs)
    return JobConfig(
        inputs=inputs,
        subscription=args.subscription,
        topic=args.topic,
        rules=rules,
        warm_start=args.warm_start,
        followed_rules=_followed_rules(args, metrics),
        feed=feed,
        metrics=metrics,
        windows=read_windows(args),
        watermark_lag_us=read_duration("--watermark-lag", args.watermark_lag),
        output=args.output,
        bigquery=bigquery,
        alerts_topic=args.alerts_topic,
        alerts=args.alerts,
        webhooks=_webhooks(args),
        alerts_patience_us=read_duration("--alerts-patience", args.alerts_patience),
        dead_letter_topic=args.dead_letter_topic,
        file_format=args.file_format,
        flush_us=read_duration("--flush-interval", args.flush_interval, 1_000),
        shards=read_whole("--shards", args.shards, _MOST_SHARDS),
        archive=args.archive,
        append=args.append,
        printed=args.printed or None,
        dedup_us=_optional("--dedup", args.dedup),
        dedup_readings_us=_optional("--dedup-readings", args.dedup_readings),
        earliest_us=read_moment("--earliest-time", args.earliest_time),
        clock_skew_us=read_duration("--clock-skew", args.clock_skew),
        state=_state(args),
        drain=args.drain,
        stop_after_idle_us=_optional("--stop-after-idle", args.stop_after_idle or (_DRAIN_IDLE if args.drain else "")),
        summary=args.summary,
        verbose=args.verbose,
        log_format=args.log_format,
        beam_args=tuple(beam_args),
        flags=vars(args),
    )


def _state(args: argparse.Namespace) -> str:
    """Return the folder that keeps the state of a stream, or ""."""
    for flag, value in (("--state", args.state), ("--drain", args.drain)):
        if value and args.input:
            raise ConfigError(
                flag, "" if value is True else value, "needs --subscription or --topic: files are read once"
            )
    if args.state and scheme_of(args.state):
        raise ConfigError("--state", args.state, "must be a folder of this machine, or none")
    if args.state:
        return "" if args.state == NO_STATE else args.state
    return join(args.output, ".state") if args.output and not args.input and not scheme_of(args.output) else ""


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


def _check_outputs(args: argparse.Namespace) -> None:
    if not any((args.output, args.bigquery, args.alerts_topic, args.alerts_webhook, args.printed)):
        problem = "nowhere to write to, give --output, --bigquery, --alerts-topic, --alerts-webhook or --print"
        raise ConfigError("--output", "", problem)
    if args.archive and not args.output and not args.bigquery:
        raise ConfigError("--archive", "", "needs --output or --bigquery, to keep the readings in")
    if args.append and not args.output and not args.bigquery:
        raise ConfigError("--append", "", "needs --output or --bigquery, to add results to")
    for flag, alerted in (("--alerts-topic", args.alerts_topic), (WEBHOOK, args.alerts_webhook)):
        if alerted and not any((args.output, args.bigquery, args.dead_letter_topic)):
            problem = "dead letters would have no place, give --output, --bigquery or --dead-letter-topic, too"
            raise ConfigError(flag, "" if flag == WEBHOOK else alerted, problem)
    for flag, name in (("--alerts-topic", args.alerts_topic), ("--dead-letter-topic", args.dead_letter_topic)):
        if name:
            check_pubsub_name(flag, "topics", name)
            if name == args.topic:
                raise ConfigError(flag, name, "is the topic that is read")


def _webhooks(args: argparse.Namespace) -> tuple[Webhook, ...]:
    if args.alerts_webhook_form not in get_args(FormName):
        problem = f"must be one of {', '.join(get_args(FormName))}"
        raise ConfigError("--alerts-webhook-form", args.alerts_webhook_form, problem)
    return read_webhooks(args.alerts_webhook, args.alerts_webhook_form, args.alerts_webhook_template)


def _bigquery(args: argparse.Namespace) -> BigQueryTarget | None:
    method = args.bigquery_method
    if method not in get_args(Method):
        raise ConfigError("--bigquery-method", method, f"must be one of {', '.join(get_args(Method))}")
    if method != "streaming_inserts" and args.bigquery_endpoint:
        raise ConfigError("--bigquery-method", method, "only streaming_inserts can be sent to a --bigquery-endpoint")
    return read_target(args.bigquery, args.bigquery_endpoint, method)


def metrics_of(feed: Feed) -> tuple[str, ...]:
    """Return the metrics that are decoded when no flag names them; () if they are to be found in the input."""
    return tuple(feed.metrics) or (DEFAULT_METRICS if is_canonical(feed) else ())


def check_columns(text: str, metrics: Sequence[str], *, in_tables: bool) -> None:
    """Check that metrics can be columns of archived readings.

    Raises:
        ConfigError: for the first that cannot.
    """
    for name in unusable_columns(metrics, in_tables=in_tables):
        raise ConfigError("--metrics", text, f"{name!r} cannot be a column of the archived readings")


def _rules(path: str, metrics: Sequence[str], *, live: bool) -> RuleSet:
    """Return the rules of a file; what is shelved beside it counts for a stream only, files are of the past.

    Of the default rules those are in force that look at one of the metrics. Without metrics no rule is refused yet.
    """
    try:
        if live and path:
            return load_live_rules(path, metrics)
        rules = load_rules(path or None)
        if not metrics:
            return rules
        if not path:
            return rules.about(metrics)
        rules.check_metrics(metrics)
    except RuleError as error:
        raise ConfigError("--rules", path or "(default)", str(error)) from error
    return rules


def with_metrics(config: JobConfig, metrics: tuple[str, ...]) -> JobConfig:
    """Return the configuration of a job whose metrics were found in its input.

    Raises:
        ConfigError: if a rule looks at another metric, or one cannot be a column of the archive.
    """
    if config.archive:
        check_columns("", metrics, in_tables=config.bigquery is not None)
    path = str(config.flags["rules"])
    return replace(config, metrics=metrics, rules=_rules(path, metrics, live=False))


def _check_feed(args: argparse.Namespace, feed: Feed) -> None:
    if not args.input and (feed.time.by_row or feed.device.file):
        field = "time.start" if feed.time.by_row else "device.file"
        raise ConfigError("--feed", args.feed, f"{field} needs --input: messages are not rows of a file")


def _followed_rules(args: argparse.Namespace, metrics: tuple[str, ...]) -> FollowedRules | None:
    if args.reload_rules == NEVER:
        return None
    every_us = read_duration("--reload-rules", args.reload_rules, 1_000_000)
    return FollowedRules(args.rules, metrics, every_us) if args.rules and not args.input else None


def _optional(flag: str, text: str) -> int | None:
    return read_duration(flag, text, 1_000) if text else None
