"""Define the job's flags, in groups. Values stay text here; `pipeline.config` checks them. Imports no Beam."""

import argparse
from collections.abc import Sequence
from typing import Final

from telemetry.cli.groups import describe
from telemetry.cli.parser import OneLineParser
from telemetry.errors import ConfigError
from telemetry.feed.default_feed import DEFAULT_METRICS
from telemetry.feed.flags import add_feed_flags
from telemetry.storage.unpacking import PLAIN_OR_PACKED

SUMMARY: Final = "detect anomalies in IoT telemetry and aggregate it over windows, with Apache Beam"
EXAMPLES: Final = """
%(prog)s --input 'telemetry*.csv' --output results
%(prog)s --input telemetry.csv --print --rules rules.yaml
%(prog)s --subscription projects/demo/subscriptions/telemetry --output results --stop-after-idle 5s
%(prog)s --topic projects/demo/topics/telemetry --bigquery my-project:telemetry --archive
"""
_NOTES: Final = """
Durations read like 500ms, 60s, 10m, 2h or 1d. Any Beam option is understood too (--runner, --temp_location,
--project, ...). Without --runner, or with --runner DirectRunner, the job runs in this process.
"""


def build_parser(program: str = "telemetry run") -> OneLineParser:
    """Return the parser of the job's own flags; Beam's flags are left over.

    Args:
        program: how the job is started, as the usage line shows it.
    """
    texts = describe(SUMMARY, EXAMPLES)
    parser = OneLineParser(prog=program, **texts | {"epilog": _NOTES.strip() + "\n\n" + texts["epilog"]})
    add_arguments(parser)
    return parser


def spell_out(args: Sequence[str]) -> list[str]:
    """Return a command line of a template's launcher in the form that the parser expects.

    A launcher passes each parameter as ``--name=value``: names have underscores, and a switch has the value ``true`` or
    ``false``. Beam's own options are left unchanged.

    Raises:
        ConfigError: for a switch that is neither true nor false.
    """
    parser = build_parser()
    actions = {flag.replace("-", "_"): (flag, action) for action in parser._actions for flag in action.option_strings}
    spelled = []
    for arg in args:
        name, equals, value = arg.partition("=")
        flag, action = actions.get(name.replace("-", "_"), (name, None)) if name.startswith("--") else (name, None)
        if action is not None and action.nargs == 0 and equals:
            if value.lower() not in ("true", "false"):
                raise ConfigError(flag, value, "must be true or false")
            spelled += [flag] if value.lower() == "true" else []
        else:
            spelled.append(f"{flag}{equals}{value}")
    return spelled


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the job's flags, in groups. Values stay text here; `make_config` checks them."""
    source = parser.add_argument_group("input (exactly one)")
    source.add_argument(
        "--input",
        action="append",
        metavar="GLOB",
        help=f"glob of CSV or JSON lines files, {PLAIN_OR_PACKED}, on any Beam filesystem; repeatable",
    )
    source.add_argument("--subscription", default="", metavar="projects/P/subscriptions/S", help="subscription to read")
    source.add_argument(
        "--topic", default="", metavar="projects/P/topics/T", help="topic to read from now on, through a "
        "subscription of the job's own"
    )  # fmt: skip
    add_feed_flags(parser.add_argument_group("form of the input"))
    rules = parser.add_argument_group("detection")
    rules.add_argument(
        "--rules", default="", metavar="FILE", help="YAML file of rules; without it, temp above 30.0 is critical"
    )
    rules.add_argument("--reload-rules", default="10s", metavar="DURATION", help="how often a stream looks whether the "
                       "rules file has changed; the change takes effect at the next look but one; never to keep the "
                       "rules of the start")  # fmt: skip
    rules.add_argument("--warm-start", default="", metavar="READINGS", help="readings from before a stream, which its "
                       "rules then know at the start, with the incidents that are open: the output of a job with "
                       "--archive, a folder of archived readings, or a glob of .csv, .jsonl, .ndjson or .json files, "
                       "on any Beam filesystem")  # fmt: skip
    rules.add_argument(
        "--metrics",
        default="",
        metavar="LIST",
        help="comma-separated names of the metrics to decode, in quotes where they hold a comma; without it those of "
        f"the feed, of a feed without any all that files have or rules name, and without a feed "
        f"{','.join(DEFAULT_METRICS)}",
    )
    windows = parser.add_argument_group("windows")
    windows.add_argument("--window", default="60s", metavar="DURATION", help="length of a window of event time")
    windows.add_argument("--slide", default="", metavar="DURATION", help="time between the starts of sliding windows; "
                         "must divide the window; without it windows are fixed")  # fmt: skip
    windows.add_argument("--window-zone", default="", metavar="ZONE", help="align windows to the clock of an IANA zone "
                         "such as Europe/Rome, or of an offset such as +01:00: days begin at local midnight and have "
                         "23, 24 or 25 hours; without it windows are aligned to UTC")  # fmt: skip
    windows.add_argument("--allowed-lateness", default="10m", metavar="DURATION", help="how long after its end, by "
                         "the watermark, a window still takes late readings; later ones are dead letters")  # fmt: skip
    windows.add_argument(
        "--early-firing", default="", metavar="DURATION", help="interval at which open windows are reported early"
    )
    windows.add_argument("--watermark-lag", default="10s", metavar="DURATION", help="how far the watermark of the "
                         "local Pub/Sub source stays behind the newest message")  # fmt: skip
    _add_outputs(parser)
    windows.add_argument("--clock-skew", default="10s", metavar="DURATION", help="how far ahead of its publish time a "
                         "reading may be: one that is further ahead is counted as clock_ahead, and moves the watermark "
                         "of the local Pub/Sub source no further")  # fmt: skip
    windows.add_argument("--earliest-time", default="2000-01-01T00:00:00Z", metavar="TIME", help="seconds since the "
                         "epoch or RFC 3339: a reading before it is a bad_timestamp, for its clock was never set, or "
                         "its ts is no Unix time")  # fmt: skip
    run = parser.add_argument_group("running")
    run.add_argument("--state", default="", metavar="FOLDER", help="folder that keeps the state of a local stream, so "
                     "that a crash loses nothing and another start goes on; none to keep it in memory "
                     "(default: .state in a local --output)")  # fmt: skip
    run.add_argument("--drain", action="store_true", help="end a local stream for good: when nothing is left to read "
                     "(--stop-after-idle, 5s by default) or at a signal, report all open windows and remove "
                     "the state")  # fmt: skip
    run.add_argument("--dedup", default="", metavar="DURATION", help="remove messages whose message_key was already "
                     "seen, published at most this long ago")  # fmt: skip
    run.add_argument("--dedup-readings", default="", metavar="DURATION", help="remove readings of a device, time and "
                     "metrics that were already seen; a stream remembers them until the watermark is this far ahead of "
                     "their time, in files every repeat is removed")  # fmt: skip
    run.add_argument("--stop-after-idle", default="", metavar="DURATION", help="end a local stream after this time "
                     "without a message; without the flag it runs until a signal")  # fmt: skip
    run.add_argument("--summary", default="", metavar="FILE", help="also write the counters of the summary as JSON")
    run.add_argument("--verbose", action="store_true", help="log the progress of the job and of Beam")
    run.add_argument("--log-format", default="text", metavar="text|json", help="form of the log lines: text for "
                     "people, or JSON objects with the run and the version of the rules")  # fmt: skip


def _add_outputs(parser: argparse.ArgumentParser) -> None:
    output = parser.add_argument_group("output (at least one)")
    output.add_argument("--output", default="", metavar="PATH", help="folder for all results, on any Beam filesystem")
    add_bigquery(output)
    output.add_argument("--bigquery-method", default="streaming_inserts", metavar="METHOD", help="how rows are "
                        "sent: streaming_inserts, or on a remote runner storage_write_api or "
                        "storage_write_api_at_least_once")  # fmt: skip
    output.add_argument(
        "--alerts-topic",
        default="",
        metavar="projects/P/topics/T",
        help="topic that receives alerts, each as a message; --alerts says which",
    )
    output.add_argument("--alerts", default="incidents", metavar="incidents|readings", help="what --alerts-topic "
                        "receives: the opening, updates and closing of each incident, or each reading that breaches "
                        "a rule")  # fmt: skip
    _add_webhooks(output)
    output.add_argument("--dead-letter-topic", default="", metavar="projects/P/topics/T", help="topic that receives "
                        "each dead letter: the payload as it was received, and why it cannot be used")  # fmt: skip
    output.add_argument(
        "--file-format", default="jsonl", metavar="jsonl|parquet", help="format of the files in the output folder"
    )
    output.add_argument("--flush-interval", default="500ms", metavar="DURATION", help="how long a stream's records "
                        "are gathered into one file or request")  # fmt: skip
    output.add_argument("--shards", default="1", metavar="N", help="number of shards, and so of files, that the "
                        "devices of a window are divided into")  # fmt: skip
    output.add_argument(
        "--archive", action="store_true", help="also keep all decoded readings, as Parquet files and as table rows"
    )
    output.add_argument("--append", action="store_true", help="also write to a folder or dataset that holds results "
                        "of other jobs: a stream that continues, or other input")  # fmt: skip
    output.add_argument("--print", nargs="?", const="incidents", default="", dest="printed",
                        metavar="incidents|readings", help="print a line on standard output for each incident that "
                        "opens or closes, or for each reading that breaches a rule (local runs); incidents if neither "
                        "is named")  # fmt: skip


def _add_webhooks(output: argparse._ActionsContainer) -> None:
    output.add_argument("--alerts-webhook", default="", metavar="URL,URL", help="comma-separated addresses to which "
                        "incidents are posted, such as http://alertmanager:9093/api/v2/alerts; ${NAME} is a variable "
                        "of the worker's environment, for what is secret")  # fmt: skip
    output.add_argument("--alerts-webhook-form", default="auto", metavar="FORM", help="form of the requests: "
                        "alertmanager (its API), webhook (as Alertmanager and Grafana send them), or auto: "
                        "alertmanager for an address that ends in /api/v2/alerts")  # fmt: skip
    output.add_argument("--alerts-webhook-template", default="", metavar="FILE", help="template of other bodies than "
                        "those of the form webhook, on any Beam filesystem")  # fmt: skip
    output.add_argument("--alerts-patience", default="1h", metavar="DURATION", help="how long a stream tries again "
                        "to post an incident before it becomes a dead letter")  # fmt: skip


def add_bigquery(parser: argparse._ActionsContainer) -> None:
    """Add the flags that name a dataset; several commands share them."""
    parser.add_argument("--bigquery", default="", metavar="PROJECT:DATASET", help="existing BigQuery dataset; "
                        "tables and views in it are created if needed")  # fmt: skip
    parser.add_argument("--bigquery-endpoint", default="", metavar="URL", help="URL of another server that "
                        "speaks BigQuery's protocol")  # fmt: skip
