"""The command line of the publisher: one parser, a command each for replay, reprocess, explore, simulate and broker."""

import importlib
from typing import Final

from telemetry.cli.commands import OneLineParser

COMMANDS: Final = {
    "replay": "publish telemetry from CSV files to a Pub/Sub topic",
    "reprocess": "send dead letters to a topic again",
    "explore": "show what is in telemetry before it is replayed",
    "simulate": "write believable telemetry, with faults if wanted",
    "broker": "run an embedded Pub/Sub on this machine",
}


def run(args: list[str]) -> int:
    """Run a command; returns its exit code.

    Raises:
        TelemetryError: with one line for a person.
    """
    parser = OneLineParser(prog="python -m publisher", description="Telemetry into Google Pub/Sub.")
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    wanted = next((arg for arg in args if not arg.startswith("-")), "")
    for name, purpose in COMMANDS.items():
        command = subparsers.add_parser(name, help=purpose, description=f"{purpose[0].upper()}{purpose[1:]}.")
        if name == wanted:  # the others' modules, gRPC among them, need not be loaded
            importlib.import_module(f"publisher.{name}").add_arguments(command)
            command.set_defaults(run=importlib.import_module(f"publisher.{name}").run)
    options = parser.parse_args(args)
    code: int = options.run(options)
    return code
