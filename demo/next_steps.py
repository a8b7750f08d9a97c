"""Name the commands that a reader can paste after the demonstration."""

import os
import shlex
import sys
from pathlib import Path


def next_steps(results: Path, page: Path) -> str:
    """Return one command a line, each with its purpose in the line above; they work in the current folder."""
    steps = {
        "check the ledger yourself:": _telemetry("reconcile", "--output", results),
        "explore the report:": [_python(), "-m", "webbrowser", page.resolve().as_uri()],
        "watch the live view in a browser (Ctrl-C ends it):": _telemetry("serve", "--results", results),
    }
    return "\n".join(f"{purpose}\n    {shlex.join(command)}" for purpose, command in steps.items())


def _telemetry(*args: object) -> list[str]:
    return [_python(), "-m", "telemetry", *map(str, args)]


def _python() -> str:
    """Return the path of this interpreter, relative if it lies below the current folder."""
    here = os.path.relpath(sys.executable)
    return sys.executable if here.startswith(os.pardir) else here
