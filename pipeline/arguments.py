"""Define the job's flags, in groups. Values stay text here; `pipeline.config` checks them. Imports no Beam."""

import argparse
from collections.abc import Sequence
from typing import Final

from telemetry.cli.groups import describe
from telemetry.cli.parser import OneLineParser
from telemetry.errors import ConfigError
from telemetry.model.metrics import DEFAULT_METRICS

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
    """Return the command line as the parser wants it, from how a template's launcher writes it.

    A launcher passes each parameter as ``--name=value``: names have underscores, and what is only present or absent
    here is ``true`` or ``false`` there. Beam's own options stay as they are.

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
    _add_outputs(parser)
    run = parser.add_argument_group("running")
    run.add_argument("--dedup", default="", metavar="DURATION", help="remove messages whose message_key came before, "
                     "published at most so long ago")  # fmt: skip
    run.add_argument("--stop-after-idle", default="", metavar="DURATION", help="end a local stream after so long "
                     "without a message; without it, it runs until it is told to stop")  # fmt: skip
    run.add_argument("--summary", default="", metavar="FILE", help="write the counters of the summary as JSON, too")
    run.add_argument("--verbose", action="store_true", help="log what the job and Beam are doing")
    run.add_argument("--log-format", default="text", metavar="text|json", help="of the log lines: for people, or an "
                     "object each, with the run and the version of the rules")  # fmt: skip


def _add_outputs(parser: argparse.ArgumentParser) -> None:
    output = parser.add_argument_group("output (at least one)")
    output.add_argument("--output", default="", metavar="PATH", help="folder for all results, on any Beam filesystem")
    add_bigquery(output)
    output.add_argument("--bigquery-method", default="streaming_inserts", metavar="METHOD", help="how rows get there: "
                        "streaming_inserts, or on a remote runner storage_write_api or "
                        "storage_write_api_at_least_once")  # fmt: skip
    output.add_argument("--alerts-topic", default="", metavar="projects/P/topics/T", help="each anomaly as a message")
    output.add_argument("--dead-letter-topic", default="", metavar="projects/P/topics/T", help="each dead letter as a "
                        "message: what was received, and why it cannot be used")  # fmt: skip
    output.add_argument("--file-format", default="jsonl", metavar="jsonl|parquet", help="of the files in it")
    output.add_argument("--flush-interval", default="500ms", metavar="DURATION", help="how long a stream's records "
                        "are gathered into one file or request")  # fmt: skip
    output.add_argument("--shards", default="1", metavar="N", help="into how many keys, and so files, the devices of "
                        "a window are divided")  # fmt: skip
    output.add_argument(
        "--archive", action="store_true", help="keep all decoded readings, too: as Parquet in the folder, and as rows"
    )
    output.add_argument("--print", action="store_true", dest="print_anomalies", help="each anomaly as a line on "
                        "standard output (local runs)")  # fmt: skip


def add_bigquery(parser: argparse._ActionsContainer) -> None:
    """Add the flags that name a dataset; other commands have them, too."""
    parser.add_argument("--bigquery", default="", metavar="PROJECT:DATASET", help="an existing dataset of BigQuery; "
                        "tables and views in it are created if needed")  # fmt: skip
    parser.add_argument("--bigquery-endpoint", default="", metavar="URL", help="another server that speaks BigQuery's "
                        "protocol")  # fmt: skip
