"""Define the failure of a job, and read a worker's failure from the text that a runner reports."""

import re
from typing import Final

from telemetry.errors import InputChangedError, OutputError, TelemetryError

_WHERE: Final = re.compile(r" \[while running '.*")  # what Beam adds to the text of an error
EXPECTED: Final = (InputChangedError, OutputError)
"""Errors of steps that end a job in one line."""
_NAMES: Final = "|".join(error.__name__ for error in EXPECTED)
_EXPECTED: Final = re.compile(rf"^{re.escape(OutputError.__module__)}\.(?:{_NAMES}): (.*)$", re.MULTILINE)
WORKER_ENDED: Final = (
    "a worker process has ended; it may have been out of memory (--direct_num_workers 1 needs the least)"
)


class JobFailedError(TelemetryError):
    """The job started and could not be finished."""


def without_step(text: str) -> str:
    """Return the text of an error without the step that Beam names behind it."""
    return _WHERE.sub("", text)


def expected_failure(text: str) -> str | None:
    """Return the message of an error of `EXPECTED` that a runner reports as text; None for any other failure."""
    found = _EXPECTED.search(text)
    return without_step(found[1]) if found else None
