"""Print or run commands of other programs."""

import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence

from telemetry.errors import ConfigError
from templates.errors import TemplateError

Command = Sequence[str]


def show(commands: Sequence[Command]) -> None:
    """Print commands in the syntax of a shell, one per line."""
    for command in commands:
        sys.stdout.write(shlex.join(command) + "\n")


def require(program: str) -> None:
    """Check that a program is installed.

    Raises:
        ConfigError: if it is not.
    """
    if shutil.which(program) is None:
        raise ConfigError(program, "", "not installed here; --dry-run prints the commands that need it")


def execute(command: Command) -> None:
    """Run a command; its output is not captured.

    Raises:
        TemplateError: if it fails.
    """
    code = subprocess.run(command, check=False).returncode
    if code:
        raise TemplateError(f"{' '.join(command[:3])}: failed with exit code {code}")
