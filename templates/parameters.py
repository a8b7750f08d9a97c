"""The template's parameters: the job's flags, and what a form has to know about them; metadata is made of both.

Which flags there are, their help, groups and defaults say `pipeline.arguments`; their choices say the types that
`pipeline.config` checks against. Only what neither knows is written down here.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, get_args

from pipeline.arguments import build_parser
from pipeline.config import LogFormat
from telemetry.bigquery.schema import Method
from telemetry.model.record_batches import FileFormat
from templates.errors import TemplateError

# Anchored, and in what RE2, Java and JavaScript have in common with Python: nobody says which of them looks.
_DURATION: Final = r"^[0-9]+(\.[0-9]+)?(ms|s|m|h|d)$"
_PUBSUB: Final = r"^projects/[^/\s]+/{}/[A-Za-z][A-Za-z0-9._~%+-]{{2,254}}$"
_SUBSCRIPTION: Final = _PUBSUB.format("subscriptions")
_TOPIC: Final = _PUBSUB.format("topics")
_METRIC: Final = r" *[^\s,\"\\]{1,128} *"
_SWITCH: Final = r"^(true|false)$"

LOCAL_ONLY: Final = {
    "input": "files are read by a job that ends, and this template is of one that does not",
    "watermark_lag": "it is of the local source; Dataflow keeps its own watermark",
    "bigquery_endpoint": "it is for another server than Google's",
    "print": "nobody reads the standard output of a worker",
    "stop_after_idle": "a job on Dataflow is drained or cancelled",
    "summary": "the launcher ends before the job; Dataflow shows the counters",
}
"""Flags that are no parameters, each with the reason."""


@dataclass(frozen=True, slots=True)
class Presentation:
    """What a form shows and refuses, beyond what the flag says of itself.

    Attributes:
        label: the short name.
        kind: Dataflow's type of input, a name in its `ParameterType`.
        pattern: what a whole value matches, or "".
        example: a value that the job takes; "" where the default is one.
        options: the only values, or none.
        note: more help, for what is different on Dataflow; sentences, or "".
        help: in place of the flag's own, where that needs its neighbours to be understood; or "".
    """

    label: str
    kind: str = "TEXT"
    pattern: str = ""
    example: str = ""
    options: tuple[str, ...] = ()
    note: str = ""
    help: str = ""


PRESENTATIONS: Final = {
    "subscription": Presentation(
        "Input subscription", "PUBSUB_SUBSCRIPTION", _SUBSCRIPTION, "projects/P/subscriptions/readings"
    ),
    "topic": Presentation("Input topic", "PUBSUB_TOPIC", _TOPIC, "projects/P/topics/readings"),
    # Folders and files are text: the types for Cloud Storage would refuse the buckets of other clouds. What has no
    # scheme is refused: it would be on a disk that is thrown away.
    "rules": Presentation("Rules", "TEXT", r"^(gs|s3|azfs)://[^\s/]+/[^\s]+$", "gs://bucket/rules.yaml"),
    "metrics": Presentation("Metrics", "TEXT", f"^{_METRIC}(,{_METRIC})*$"),
    "window": Presentation("Window", "TEXT", _DURATION),
    "slide": Presentation("Slide", "TEXT", _DURATION, "30s"),
    "allowed_lateness": Presentation("Allowed lateness", "TEXT", _DURATION),
    "early_firing": Presentation("Early firing", "TEXT", _DURATION, "10s"),
    "output": Presentation(
        "Output folder",
        "TEXT",
        r"^(gs|s3|azfs)://[^\s/]+(/[^\s]*)?$",
        "gs://bucket/results",
        note="s3:// and azfs:// need an image that was built with --extras.",
    ),
    # There is no type for a dataset, only for a table.
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
    "dead_letter_topic": Presentation("Dead letter topic", "PUBSUB_TOPIC", _TOPIC, "projects/P/topics/dead-letters"),
    "file_format": Presentation(
        "File format", "ENUM", options=get_args(FileFormat), help="format of the files in the output folder"
    ),
    "flush_interval": Presentation("Flush interval", "TEXT", _DURATION),
    "shards": Presentation("Shards", "NUMBER", r"^([1-9][0-9]{0,3}|10000)$"),
    "archive": Presentation("Archive", "BOOLEAN", _SWITCH),
    "dedup": Presentation(
        "Remove duplicates",
        "TEXT",
        _DURATION,
        "10m",
        note="What comes twice within ten minutes, exactly-once mode removes by itself.",
    ),
    "verbose": Presentation("Verbose", "BOOLEAN", _SWITCH),
    "log_format": Presentation(
        "Log format",
        "ENUM",
        options=get_args(LogFormat),
        help="form of the log lines: for people, or an object each, with the run and the version of the rules",
    ),
}

_TEMPLATE: Final = {
    "name": "Anomalies in IoT telemetry",
    "description": "Reads a stream of sensor readings from Pub/Sub, finds anomalies by rules, aggregates by device and "
    "window, and writes both, with what cannot be used, to files, BigQuery and topics.",
    "streaming": True,
    "supportsAtLeastOnce": True,
    "supportsExactlyOnce": True,
    "defaultStreamingMode": "EXACTLY_ONCE",
}
"""At-least-once mode costs less; then a reading may be counted twice in an aggregate, and an anomaly be stored twice,
under the same id."""


def template_metadata() -> dict[str, Any]:
    """Return what a template's metadata file says.

    Raises:
        TemplateError: for a flag that this module does not know, or a name here that is no flag any more.
    """
    flags = {name_of(action): (group, action) for group, action in job_flags()}
    known = PRESENTATIONS.keys() | LOCAL_ONLY.keys()
    for name in sorted(flags.keys() - known):
        raise TemplateError(f"--{name.replace('_', '-')}: a flag that templates/parameters.py does not know")
    for name in sorted(known - flags.keys()):
        raise TemplateError(f"{name}: templates/parameters.py knows it, but it is no flag of the job")
    parameters = [_parameter(name, *flag) for name, flag in flags.items() if name in PRESENTATIONS]
    return _TEMPLATE | {"parameters": parameters}


def job_flags() -> Iterator[tuple[str, argparse.Action]]:
    """Yield each of the job's own flags with the title of its group, in the order of its help."""
    for group in build_parser()._action_groups:
        for action in group._group_actions:
            if action.dest != "help":
                yield group.title or "", action


def name_of(action: argparse.Action) -> str:
    """Return the parameter's name of a flag: ``allowed_lateness`` of ``--allowed-lateness``."""
    return action.option_strings[-1].removeprefix("--").replace("-", "_")


def _parameter(name: str, group: str, action: argparse.Action) -> dict[str, Any]:
    shown = PRESENTATIONS[name]
    parts = [
        _sentence(shown.help or action.help or ""),
        shown.note,
        f"Example: {shown.example}" if shown.example else "",
    ]
    parameter: dict[str, Any] = {
        "name": name,
        "label": shown.label,
        "helpText": " ".join(part for part in parts if part),
        "isOptional": True,  # one input and one output are needed, whichever: the job says so in one line
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
