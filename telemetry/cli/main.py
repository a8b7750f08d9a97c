"""Run the command `telemetry`: one front door for every program of this project.

`SUBCOMMANDS` names the modules of the programs as text and imports the chosen one when it is needed. Of everything in
`telemetry`, this table alone points at packages that import `telemetry` themselves.
"""

import gc
import sys
from collections.abc import Sequence
from types import MappingProxyType
from typing import Final

from telemetry import __version__
from telemetry.cli.exit_codes import describe_exit_codes
from telemetry.cli.groups import Group, Subcommand, run_group

SUBCOMMANDS: Final = MappingProxyType(
    {
        "explore": Subcommand("publisher.explore.command", "show what telemetry contains before it is replayed"),
        "replay": Subcommand("publisher.replay.command", "publish telemetry from files to a Pub/Sub topic"),
        "bridge": Subcommand("publisher.bridge.command", "publish what an MQTT broker sends to a Pub/Sub topic"),
        "simulate": Subcommand("publisher.simulate.command", "write realistic telemetry, with faults if wanted"),
        "broker": Subcommand("publisher.broker.command", "run an embedded Pub/Sub server on this machine"),
        "reprocess": Subcommand("publisher.reprocess.command", "publish dead letters to a topic again"),
        "run": Subcommand(
            "pipeline.commands.run", "detect anomalies and aggregate windows, from files or a stream", own_main=True
        ),
        "reconcile": Subcommand(
            "pipeline.commands.reconcile", "check that every published row is accounted for in the results"
        ),
        "tables": Subcommand("pipeline.commands.tables", "create BigQuery tables and views, or print their SQL"),
        "rules": Subcommand("pipeline.commands.rules.command", "check rules files and describe them", own_main=True),
        "feed": Subcommand("pipeline.commands.feed.command", "check feed files and describe them", own_main=True),
        "suggest": Subcommand("pipeline.suggest.command", "write first rules that fit stored readings"),
        "shelve": Subcommand("pipeline.commands.shelve", "open no incident for a rule or a device for a time"),
        "backtest": Subcommand("plotting.backtest.command", "judge stored readings with rules"),
        "render": Subcommand("plotting.command", "draw stored results as a PNG, SVG or PDF file"),
        "report": Subcommand("plotting.report.command", "write stored results as one self-contained HTML page"),
        "serve": Subcommand("plotting.serve.command", "show results live in the browser while a job writes them"),
        "template": Subcommand(
            "templates.__main__", "build and launch the job as a Dataflow Flex Template", own_main=True
        ),
        "completion": Subcommand("telemetry.cli.completion", "print the completion script of a shell"),
    }
)

TELEMETRY: Final = Group(
    program="telemetry",
    description="Live anomaly detection for IoT telemetry.",
    commands=SUBCOMMANDS,
    epilog="telemetry COMMAND --help shows the flags of a command, with examples.\n\n" + describe_exit_codes(),
    version=f"telemetry {__version__}",
)


def main(args: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code.

    Args:
        args: the command line; None for that of this process, which then is configured for this command alone.
    """
    if args is not None:
        return run_group(TELEMETRY, args)
    code = run_group(TELEMETRY, sys.argv[1:], alone=True)
    gc.freeze()  # the process ends: a last search for unreachable objects takes longer than a small job's rows
    return code
