"""Define the exit codes of every command."""

from typing import Final

SUCCESS: Final = 0
FAILURE: Final = 1
USAGE: Final = 2
SIGNALLED: Final = 128
"""Added to the number of the signal that ended the command, as shells do."""

EXIT_CODES: Final = (
    (str(SUCCESS), "success"),
    (str(FAILURE), "failure while running, or a check that found a difference"),
    (str(USAGE), "a flag, a file or the installation cannot be used; nothing has run"),
    (f"{SIGNALLED} + N", "ended by signal N: 130 after Ctrl-C, 143 after SIGTERM"),
)
"""Code and meaning, as `telemetry --help` and the documentation list them."""


def describe_exit_codes() -> str:
    """Return the table as lines for the end of a help text."""
    width = max(len(code) for code, _ in EXIT_CODES)
    return "\n".join(["exit codes:", *(f"  {code:<{width}}  {meaning}" for code, meaning in EXIT_CODES)])
