"""Other programs' commands: shown, or run."""

import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence

from telemetry.errors import ConfigError
from templates.errors import TemplateError

Command = Sequence[str]


def show(commands: Sequence[Command]) -> None:
    """Print commands as a shell takes them, one a line."""
    for command in commands:
        sys.stdout.write(shlex.join(command) + "\n")


def require(program: str) -> None:
    """Look whether a program is there.

    Raises:
        ConfigError: if it is not.
    """
    if shutil.which(program) is None:
        raise ConfigError(program, "", "not installed here; --dry-run shows the commands that it is needed for")


def execute(command: Command) -> None:
    """Run a command; what it prints is seen.

    Raises:
        TemplateError: if it fails.
    """
    code = subprocess.run(command, check=False).returncode
    if code:
        raise TemplateError(f"{' '.join(command[:3])}: failed with exit code {code}")
