"""The commands: ``python -m templates metadata | validate | spec | build | run``."""

import importlib
import sys
from typing import Final

from telemetry.cli.commands import OneLineParser, exit_code

COMMANDS: Final = {
    "metadata": "write the template's metadata, made from the job's flags",
    "validate": "check the metadata, or a whole spec",
    "spec": "print or store the template's spec",
    "build": "build the image and store the spec that names it",
    "run": "launch the template",
}


def main(args: list[str]) -> int:
    """Run one command; a mistake is one line on standard error."""
    return exit_code("templates", lambda: _run(args))


def _run(args: list[str]) -> int:
    parser = OneLineParser(prog="python -m templates", description="The job as a Flex Template of Dataflow.")
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, purpose in COMMANDS.items():
        module = importlib.import_module(f"templates.{name}")
        command = subparsers.add_parser(name, help=purpose, description=f"{purpose[0].upper()}{purpose[1:]}.")
        module.add_arguments(command)
        command.set_defaults(run=module.run)
    options = parser.parse_args(args)
    return int(options.run(options))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
