"""Run a command of ``telemetry rules``."""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from telemetry.cli.groups import Group, Subcommand, add_commands, run_group

RULES: Final = Group(
    program="telemetry rules",
    description="Work with rules files.",
    commands={
        "check": Subcommand("pipeline.commands.rules.check", "check a rules file and say what each rule does"),
        "test": Subcommand("pipeline.commands.rules.test", "run the unit tests of rules files"),
        "schema": Subcommand("pipeline.commands.rules.schema", "print the JSON Schema of rules files, for editors"),
    },
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the subcommands with their flags."""
    add_commands(parser, RULES)


def main(args: Sequence[str], *, program: str = RULES.program, alone: bool = False) -> int:
    """Run the command that the first argument names, and return the exit code.

    Args:
        args: the command line.
        program: how the group is started, as usage lines show it.
        alone: whether the process exists for this command only.
    """
    return run_group(replace(RULES, program=program), args, alone=alone)
