"""Define the exit codes of every command."""

from typing import Final

SUCCESS: Final = 0
FAILURE: Final = 1
USAGE: Final = 2
NOTHING_USABLE: Final = 3
SIGNALLED: Final = 128
"""Added to the number of the signal that ended the command, as shells do."""
_LONGEST_EXAMPLE: Final = 200  # characters

EXIT_CODES: Final = (
    (str(SUCCESS), "success"),
    (str(FAILURE), "failure while running, or a check that found a difference"),
    (str(USAGE), "a flag, a file or the installation cannot be used; nothing has run"),
    (str(NOTHING_USABLE), "no row could be used; standard error names the commonest reason, with an example"),
    (f"{SIGNALLED} + N", "ended by signal N: 130 after Ctrl-C, 143 after SIGTERM"),
)
"""Code and meaning, as `telemetry --help` and the documentation list them."""


def nothing_usable(reason: str, count: int, example: str) -> str:
    """Return the one line about a run in which no row could be used.

    Args:
        reason: the commonest reason, a code of dead letters or a few words; "" if there was no row at all.
        count: number of rows with this reason.
        example: one of these rows, or of the problems; "" for none. It is shortened, and shown on one line.
    """
    if not reason:
        return "no row was usable: there was none"
    text = f"no row was usable; the commonest reason is {reason} ({count:,} {'row' if count == 1 else 'rows'})"
    if not example:
        return text
    shown = example if len(example) <= _LONGEST_EXAMPLE else f"{example[:_LONGEST_EXAMPLE]}…"
    return f"{text}, for example {shown if shown.isprintable() else ascii(shown)}"


def describe_exit_codes() -> str:
    """Return the table as lines for the end of a help text."""
    width = max(len(code) for code, _ in EXIT_CODES)
    return "\n".join(["exit codes:", *(f"  {code:<{width}}  {meaning}" for code, meaning in EXIT_CODES)])
