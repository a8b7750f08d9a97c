"""Run a command of ``telemetry feed``."""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from telemetry.cli.groups import Group, Subcommand, add_commands, run_group

FEED: Final = Group(
    program="telemetry feed",
    description="Work with feed files.",
    commands={
        "check": Subcommand("pipeline.commands.feed.check", "check a feed file and say how telemetry is read with it"),
        "schema": Subcommand("pipeline.commands.feed.schema", "print the JSON Schema of feed files, for editors"),
    },
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the subcommands with their flags."""
    add_commands(parser, FEED)


def main(args: Sequence[str], *, program: str = FEED.program, alone: bool = False) -> int:
    """Run the command that the first argument names, and return the exit code.

    Args:
        args: the command line.
        program: how the group is started, as usage lines show it.
        alone: whether the process exists for this command only.
    """
    return run_group(replace(FEED, program=program), args, alone=alone)
