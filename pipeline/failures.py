"""Define the failure of a job, and read a worker's failure from the text that a runner reports."""

import re
from typing import Final

from telemetry.errors import OutputError, TelemetryError

_WHERE: Final = re.compile(r" \[while running '.*")  # what Beam adds to the text of an error
WORKER_ENDED: Final = (
    "a worker process has ended; it may have been out of memory (--direct_num_workers 1 needs the least)"
)


class JobFailedError(TelemetryError):
    """The job started and could not be finished."""


def without_step(text: str) -> str:
    """Return the text of an error without the step that Beam names behind it."""
    return _WHERE.sub("", text)


def expected_failure(text: str) -> str | None:
    """Return the message of an OutputError that a runner reports as text; None for any other failure."""
    found = re.search(rf"^{OutputError.__module__}\.OutputError: (.*)$", text, re.MULTILINE)
    return without_step(found[1]) if found else None
