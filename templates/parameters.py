"""Derive the template's parameters from the job's flags and from what a form needs to know about them.

Names, help, groups and defaults come from `pipeline.arguments`, choices from the types that `pipeline.config` checks
against. Only what neither of them defines is written here.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, get_args

from pipeline.arguments import build_parser
from pipeline.config import Alerts, LogFormat
from telemetry.bigquery.schema import Method
from telemetry.model.record_batches import FileFormat
from telemetry.webhooks.forms import FormName
from templates.errors import TemplateError

# Anchored, and in the syntax that RE2, Java and JavaScript share with Python: it is not documented which one is used.
_DURATION: Final = r"^[0-9]+(\.[0-9]+)?(ms|s|m|h|d)$"
_PUBSUB: Final = r"^projects/[^/\s]+/{}/[A-Za-z][A-Za-z0-9._~%+-]{{2,254}}$"
_SUBSCRIPTION: Final = _PUBSUB.format("subscriptions")
_TOPIC: Final = _PUBSUB.format("topics")
_SWITCH: Final = r"^(true|false)$"

LOCAL_ONLY: Final = {
    "input": "a job on files ends, and this template is for one that does not",
    "watermark_lag": "the flag is for the local source; Dataflow keeps its own watermark",
    "bigquery_endpoint": "the flag is for servers other than Google's",
    "print": "nobody reads the standard output of a worker",
    "stop_after_idle": "a job on Dataflow is drained or cancelled",
    "clock_skew": "Dataflow's source has a watermark of its own",
    "drain": "a job on Dataflow is drained by its own command",
    "state": "Dataflow keeps the state itself",
    "summary": "the launcher ends before the job; Dataflow shows the counters",
}
"""Reasons by the flags that are not parameters."""


@dataclass(frozen=True, slots=True)
class Presentation:
    """Properties of a parameter in a form that its flag does not define.

    Attributes:
        label: short name.
        kind: Dataflow's type of input, a name in its `ParameterType`.
        pattern: regular expression that a whole value must match, or "".
        example: value that the job accepts; "" where the default is one.
        options: permitted values; empty for any.
        note: sentences about differences on Dataflow, after the flag's help; or "".
    """

    label: str
    kind: str = "TEXT"
    pattern: str = ""
    example: str = ""
    options: tuple[str, ...] = ()
    note: str = ""


_METRIC: Final = r' *[^\s,"]([^,"\r\n]{0,126}[^\s,"])? *'

PRESENTATIONS: Final = {
    "subscription": Presentation(
        "Input subscription", "PUBSUB_SUBSCRIPTION", _SUBSCRIPTION, "projects/P/subscriptions/readings"
    ),
    "topic": Presentation("Input topic", "PUBSUB_TOPIC", _TOPIC, "projects/P/topics/readings"),
    # Folders and files are text: the types for Cloud Storage refuse buckets of other clouds. A path without a scheme
    # is refused, because the disk of a worker is deleted with it.
    "rules": Presentation("Rules", "TEXT", r"^(gs|s3|azfs)://[^\s/]+/[^\s]+$", "gs://bucket/rules.yaml"),
    "reload_rules": Presentation(
        "Look at the rules",
        "TEXT",
        r"^([0-9]+(\.[0-9]+)?(s|m|h|d)|never)$",
        note="Incidents are judged that much later, so that all workers change the rules at the same event time.",
    ),
    "warm_start": Presentation(
        "Warm start",
        "TEXT",
        r"^(gs|s3|azfs)://[^\s/]+(/[^\s]*)?$",
        "gs://bucket/results",
        note="The launcher reads it before the job starts. An update keeps the state that it has.",
    ),
    "feed": Presentation("Feed", "TEXT", r"^(gs|s3|azfs)://[^\s/]+/[^\s]+$", "gs://bucket/feed.yaml"),
    "time_column": Presentation("Time column", "TEXT", r"^.+$", "received_at"),
    "device_column": Presentation("Device column", "TEXT", r"^.+$", "end_device_ids.device_id"),
    "device": Presentation("Device", "TEXT", r"^.+$", "greenhouse"),
    "time_zone": Presentation("Time zone", "TEXT", r"^[A-Za-z0-9_+:/-]+$", "Europe/Rome"),
    "delimiter": Presentation("Delimiter", "TEXT", r"^(.|tab)$", "tab"),
    "metrics": Presentation("Metrics", "TEXT", f"^{_METRIC}(,{_METRIC})*$"),
    "window": Presentation("Window", "TEXT", _DURATION),
    "slide": Presentation("Slide", "TEXT", _DURATION, "30s"),
    "window_zone": Presentation("Zone of the windows", "TEXT", r"^[A-Za-z0-9_+:/-]+$", "Europe/Rome"),
    "allowed_lateness": Presentation("Allowed lateness", "TEXT", _DURATION),
    "earliest_time": Presentation("Earliest time", "TEXT", r"^\S+$"),
    "early_firing": Presentation("Early firing", "TEXT", _DURATION, "10s"),
    "output": Presentation(
        "Output folder",
        "TEXT",
        r"^(gs|s3|azfs)://[^\s/]+(/[^\s]*)?$",
        "gs://bucket/results",
        note="s3:// and azfs:// need an image that was built with --extras.",
    ),
    # Dataflow has no type for a dataset, only for a table.
    "bigquery": Presentation(
        "BigQuery dataset",
        "TEXT",
        r"^([a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]:[A-Za-z0-9_]+$",
        "my-project:telemetry",
    ),
    "bigquery_method": Presentation(
        "BigQuery method",
        "ENUM",
        options=get_args(Method),
        note="The Storage Write API needs an image that was built with --java.",
    ),
    "alerts_topic": Presentation("Alerts topic", "PUBSUB_TOPIC", _TOPIC, "projects/P/topics/alerts"),
    "alerts": Presentation("Alerts", "ENUM", options=get_args(Alerts)),
    "alerts_webhook": Presentation(
        "Alerts webhook",
        "TEXT",
        r"^[^\s]+$",
        "https://alerts.example.com/api/v2/alerts",
        note="Variables have to be in the environment of the workers, which is that of the image.",
    ),
    "alerts_webhook_form": Presentation("Form of the webhook", "ENUM", options=get_args(FormName)),
    "alerts_webhook_template": Presentation(
        "Template of the webhook", "TEXT", r"^(gs|s3|azfs)://[^\s/]+/[^\s]+$", "gs://bucket/slack.json"
    ),
    "alerts_patience": Presentation("Patience with the webhook", "TEXT", _DURATION),
    "dead_letter_topic": Presentation("Dead letter topic", "PUBSUB_TOPIC", _TOPIC, "projects/P/topics/dead-letters"),
    "file_format": Presentation("File format", "ENUM", options=get_args(FileFormat)),
    "flush_interval": Presentation("Flush interval", "TEXT", _DURATION),
    "shards": Presentation("Shards", "NUMBER", r"^([1-9][0-9]{0,3}|10000)$"),
    "archive": Presentation("Archive", "BOOLEAN", _SWITCH),
    "append": Presentation("Append", "BOOLEAN", _SWITCH),
    "dedup": Presentation(
        "Remove duplicates",
        "TEXT",
        _DURATION,
        "10m",
        note="In exactly-once mode Dataflow itself removes what Pub/Sub delivers again within ten minutes.",
    ),
    "dedup_readings": Presentation("Remove repeated readings", "TEXT", _DURATION, "1h"),
    "verbose": Presentation("Verbose", "BOOLEAN", _SWITCH),
    "log_format": Presentation(
        "Log format",
        "ENUM",
        options=get_args(LogFormat),
    ),
}

_TEMPLATE: Final = {
    "name": "Anomalies in IoT telemetry",
    "description": "Reads a stream of sensor readings from Pub/Sub, detects anomalies by rules, aggregates by device "
    "and window, and writes anomalies, aggregates and dead letters to files, BigQuery and topics.",
    "streaming": True,
    "supportsAtLeastOnce": True,
    "supportsExactlyOnce": True,
    "defaultStreamingMode": "EXACTLY_ONCE",
}
"""In at-least-once mode, which costs less, a reading may be counted twice in an aggregate, and an anomaly may be stored
twice under the same id."""


def template_metadata() -> dict[str, Any]:
    """Return the content of the template's metadata file.

    Raises:
        TemplateError: for a flag that this module does not know, or a name here that is no longer a flag.
    """
    flags = {name_of(action): (group, action) for group, action in job_flags()}
    known = PRESENTATIONS.keys() | LOCAL_ONLY.keys()
    for name in sorted(flags.keys() - known):
        raise TemplateError(f"--{name.replace('_', '-')}: a flag that templates/parameters.py does not know")
    for name in sorted(known - flags.keys()):
        raise TemplateError(f"{name}: in templates/parameters.py, but not a flag of the job")
    parameters = [_parameter(name, *flag) for name, flag in flags.items() if name in PRESENTATIONS]
    return _TEMPLATE | {"parameters": parameters}


def job_flags() -> Iterator[tuple[str, argparse.Action]]:
    """Yield each of the job's own flags with the title of its group, in the order of the help text."""
    for group in build_parser()._action_groups:
        for action in group._group_actions:
            if action.dest != "help":
                yield group.title or "", action


def name_of(action: argparse.Action) -> str:
    """Return the name of a flag's parameter: ``allowed_lateness`` for ``--allowed-lateness``."""
    return action.option_strings[-1].removeprefix("--").replace("-", "_")


def _parameter(name: str, group: str, action: argparse.Action) -> dict[str, Any]:
    shown = PRESENTATIONS[name]
    parts = [
        _sentence(action.help or ""),
        shown.note,
        f"Example: {shown.example}" if shown.example else "",
    ]
    parameter: dict[str, Any] = {
        "name": name,
        "label": shown.label,
        "helpText": " ".join(part for part in parts if part),
        "isOptional": True,  # the job itself checks that one input and one output are given
        "paramType": shown.kind,
        "groupName": _capitalised(group),
    }
    if shown.pattern:
        parameter["regexes"] = [shown.pattern]
    if shown.options:
        parameter["enumOptions"] = [{"value": option} for option in shown.options]
    default = str(action.default).lower() if action.nargs == 0 else action.default
    if default:
        parameter["defaultValue"] = default
    return parameter


def _sentence(text: str) -> str:
    return f"{_capitalised(text)}."


def _capitalised(text: str) -> str:
    return text[:1].upper() + text[1:]
