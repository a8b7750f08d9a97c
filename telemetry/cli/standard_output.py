"""Notice that standard output cannot be written, such as on a full disk, whoever in the process writes to it."""

import io
import os
import sys
from typing import Final

from telemetry.errors import OutputError

PROBLEM: Final = "standard output cannot be written"


class _WatchedFile(io.FileIO):
    """Standard output, unbuffered, that remembers its first failure.

    Attributes:
        failure: the failure; None if there was none, or the reader has left.
    """

    failure: OSError | None = None

    def write(self, data: object, /) -> int:
        """Write bytes; a failure is remembered, because some callers ignore it, such as the printing of a help text."""
        try:
            return super().write(data)  # type: ignore[arg-type]
        except BrokenPipeError:
            raise
        except OSError as error:
            self.failure = self.failure or error
            raise


def watch_output() -> None:
    """Replace this process's standard output by one that remembers failures; do nothing where a test captures it."""
    if sys.stdout is not sys.__stdout__ or not isinstance(sys.stdout, io.TextIOWrapper):
        return
    before = sys.stdout
    before.flush()
    buffered = io.BufferedWriter(_WatchedFile(before.fileno(), "w", closefd=False))
    sys.stdout = io.TextIOWrapper(
        buffered, before.encoding, before.errors, None, before.line_buffering, before.write_through
    )


def output_failure() -> str:
    """Return why standard output could not be written; "" if it could."""
    raw = getattr(getattr(sys.stdout, "buffer", None), "raw", None)
    failure = raw.failure if isinstance(raw, _WatchedFile) else None
    return "" if failure is None else failure.strerror or str(failure)


def flush_output() -> bool:
    """Write out what is buffered, and return whether that was possible; discard it otherwise."""
    try:
        sys.stdout.flush()
    except OSError:
        drop_output()
        return False
    return True


def drop_output() -> None:
    """Discard what is still written to standard output, after it failed or its reader has left."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, sys.stdout.fileno())
    os.close(null)


def write_result(text: str, otherwise: str) -> None:
    """Write the result of work that is done to standard output, at once.

    Args:
        text: the result.
        otherwise: the work in a few words, for the message if the result cannot be written.

    Raises:
        BrokenPipeError: if the reader has left.
        OutputError: if it cannot be written for another reason.
    """
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        drop_output()
        raise OutputError(f"{PROBLEM}: {error.strerror} ({otherwise})") from error
