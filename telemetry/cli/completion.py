"""Print the completion script of a shell."""

import argparse
import sys
from typing import Final

from telemetry.cli.groups import add_commands
from telemetry.cli.main import TELEMETRY
from telemetry.cli.parser import OneLineParser

SHELLS: Final = ("bash", "zsh", "tcsh")
EXAMPLES: Final = """
%(prog)s bash > ~/.local/share/bash-completion/completions/telemetry
%(prog)s zsh > ~/.zfunc/_telemetry
%(prog)s tcsh > ~/.telemetry.completion.csh
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("shell", choices=SHELLS, metavar="SHELL", help=f"shell to complete for: {', '.join(SHELLS)}")


def run(options: argparse.Namespace) -> int:
    """Print the script and return the exit code."""
    import shtab  # loaded where it is used

    parser = OneLineParser(prog=TELEMETRY.program, description=TELEMETRY.description)
    parser.add_argument("--version", action="version", version=TELEMETRY.version, help="print the version and exit")
    add_commands(parser, TELEMETRY)
    sys.stdout.write(shtab.complete(parser, shell=options.shell) + "\n")
    return 0
