"""Build and launch the Flex Template: ``python -m templates metadata | validate | spec | build | run``."""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from telemetry.cli.groups import Group, Subcommand, add_commands, run_group

TEMPLATES: Final = Group(
    program="python -m templates",
    description="Build and launch the job as a Dataflow Flex Template.",
    commands={
        "metadata": Subcommand("templates.metadata", "write the template's metadata from the job's flags"),
        "validate": Subcommand("templates.validate", "check the metadata, or a whole spec"),
        "spec": Subcommand("templates.spec", "print or store the template's spec"),
        "build": Subcommand("templates.build", "build the image and store the spec that names it"),
        "run": Subcommand("templates.run", "launch the template"),
    },
    label="templates",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the subcommands with their flags."""
    add_commands(parser, TEMPLATES)


def main(args: Sequence[str], *, program: str = TEMPLATES.program, alone: bool = False) -> int:
    """Run the command that the first argument names, and return the exit code.

    Args:
        args: the command line.
        program: how the group is started, as usage lines show it.
        alone: whether the process exists for this command only.
    """
    group = TEMPLATES if program == TEMPLATES.program else replace(TEMPLATES, program=program, label="")
    return run_group(group, args, alone=alone)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
