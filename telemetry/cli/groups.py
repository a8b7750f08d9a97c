"""Run one command of a group, such as `replay` of `telemetry`; only the module of that command is imported."""

import argparse
import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from telemetry.cli.commands import exit_code
from telemetry.cli.parser import OneLineParser
from telemetry.cli.suggestions import did_you_mean
from telemetry.errors import ConfigError
from telemetry.extras import explain_missing


@dataclass(frozen=True, slots=True)
class Subcommand:
    """A command of a group.

    Attributes:
        module: full name of its module, which has `add_arguments(parser)`, `run(options)` returning the exit code,
            and `EXAMPLES`: lines of `%(prog)s` with arguments.
        summary: purpose in one line, an imperative without a full stop.
        own_main: the module parses the command line by itself: in place of `run` it has
            `main(args, program=…, alone=…)`.
    """

    module: str
    summary: str
    own_main: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """A program with subcommands.

    Attributes:
        program: how it is started, as usage lines show it: ``python -m publisher``.
        description: its purpose, one sentence.
        commands: subcommands by name, in the order of the help.
        label: the name before ``: error:``; "" for the program and the subcommand.
        epilog: lines at the end of the help.
        version: what ``--version`` prints; "" for no such flag.
    """

    program: str
    description: str
    commands: Mapping[str, Subcommand]
    label: str = ""
    epilog: str = ""
    version: str = ""

    def label_of(self, name: str) -> str:
        """Return the name before ``: error:`` for a subcommand; "" for the group itself."""
        return self.label or f"{self.program.removeprefix('python -m ')} {name}".rstrip()


def run_group(group: Group, args: Sequence[str], *, alone: bool = False) -> int:
    """Run the command that the first argument names, and return the exit code.

    Args:
        group: the program.
        args: the command line.
        alone: whether the process exists for this command only, and may be configured for it.
    """
    name = args[0] if args else ""
    if name not in group.commands:
        return exit_code(group.label_of(""), lambda: _run_itself(group, args))
    if group.commands[name].own_main:
        return exit_code(group.label_of(name), lambda: _run_main(group, name, args[1:], alone))
    return exit_code(group.label_of(name), lambda: _run_command(group, name, args[1:]))


def build_command_parser(group: Group, name: str) -> OneLineParser:
    """Return the parser of a subcommand; imports its module."""
    entry = group.commands[name]
    module = importlib.import_module(entry.module)
    parser = OneLineParser(prog=f"{group.program} {name}", **describe(entry.summary, module.EXAMPLES))
    module.add_arguments(parser)
    parser.set_defaults(program=group.label_of(name))
    return parser


def describe(summary: str, examples: str) -> dict[str, Any]:
    """Return the description and the epilog of a parser."""
    lines = "\n".join(f"  {line}" for line in examples.strip().splitlines())
    return {"description": f"{summary[0].upper()}{summary[1:]}.", "epilog": f"examples:\n{lines}\n"}


def build_group_parser(group: Group) -> OneLineParser:
    """Return the parser that shows the help of a group; it imports no subcommand."""
    parser = OneLineParser(prog=group.program, description=group.description, epilog=group.epilog or None)
    if group.version:
        parser.add_argument("--version", action="version", version=group.version, help="print the version and exit")
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND")
    for name, entry in group.commands.items():
        subparsers.add_parser(name, help=entry.summary)
    return parser


def add_commands(parser: argparse.ArgumentParser, group: Group) -> None:
    """Add the subcommands of a group with all their flags, as shell completion needs them; imports every module.

    A subcommand whose extra is not installed is added without its flags.
    """
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND")
    for name, entry in group.commands.items():
        command = subparsers.add_parser(name, help=entry.summary)
        try:
            importlib.import_module(entry.module).add_arguments(command)
        except ImportError as error:
            if explain_missing(error) is None:
                raise


def _run_main(group: Group, name: str, args: Sequence[str], alone: bool) -> int:
    module = importlib.import_module(group.commands[name].module)
    return int(module.main(list(args), program=f"{group.program} {name}", alone=alone))


def _run_command(group: Group, name: str, args: Sequence[str]) -> int:
    parser = build_command_parser(group, name)
    parser.check_flags(args)
    options = parser.parse_args(args)
    return int(importlib.import_module(group.commands[name].module).run(options))


def _run_itself(group: Group, args: Sequence[str]) -> int:
    """Print the help or the version, which ends the program, or refuse what is no command."""
    word = args[0] if args else ""
    if word and not word.startswith("-"):
        raise ConfigError(word, "", f"unknown command{did_you_mean(word, group.commands)}")
    build_group_parser(group).parse_args(args[:1])
    raise ConfigError("COMMAND", "", f"missing, see {group.program} --help")
