"""Store shuffled content of a job on files on the local disk, not in the runner's memory.

Beam's local runner holds all that is shuffled in the process that was started, and copies it some ten times on its way
to another. Here content is written once and read once, and the runner holds only its position in a file.
"""

import contextlib
import io
import os
import tempfile
import threading
from collections.abc import Iterator
from typing import Final, Literal, NamedTuple

from telemetry.errors import OutputError


class Spilled(NamedTuple):
    """Position of spilled content: a file in the folder of the job, first byte and number of bytes."""

    name: str
    start: int
    size: int


class Spill:
    """A folder into which the processes of one job spill: each writes its own file, all read all of them.

    Safe to use from several threads. Nothing is removed before the job ends: a bundle that fails is read again.
    """

    def __init__(self, folder: str) -> None:
        """Use a folder that exists, and that every process of the job can reach."""
        self._folder = folder
        self._lock = threading.Lock()
        self._files = contextlib.ExitStack()
        self._name = f"{os.getpid()}.spill"
        self._size = 0
        self._writing: io.FileIO | None = None
        self._reading: dict[str, io.FileIO] = {}

    def put(self, content: bytes) -> Spilled:
        """Write content to this process's file.

        Raises:
            OutputError: if it cannot be written.
        """
        try:
            with self._lock:
                if self._writing is None:
                    self._writing = self._open(self._name, "xb")
                rest = memoryview(content)
                while rest:  # a file without a buffer may write fewer bytes than it is given
                    rest = rest[self._writing.write(rest) :]
                spilled = Spilled(self._name, self._size, len(content))
                self._size += len(content)
                return spilled
        except OSError as error:
            problem = f"{self._folder}: cannot be written: {error.strerror}"
            raise OutputError(f"{problem}; a job stores there what it shuffles, TMPDIR names another disk") from error

    def get(self, spilled: Spilled) -> bytes:
        """Read content back, whichever process wrote it."""
        with self._lock:
            file = self._reading.get(spilled.name)
            if file is None:
                file = self._reading[spilled.name] = self._open(spilled.name, "rb")
            file.seek(spilled.start)
            return file.read(spilled.size)

    def close(self) -> None:
        """Close the files."""
        self._files.close()

    def _open(self, name: str, mode: Literal["rb", "xb"]) -> io.FileIO:
        """Open a file without a buffer, so that other processes read content as soon as it is written."""
        return self._files.enter_context(open(os.path.join(self._folder, name), mode, buffering=0))


_CURRENT: Final[list[Spill]] = []  # of this process; the innermost counts


def current() -> Spill | None:
    """Return the folder this process spills to; None if it keeps content in memory."""
    return _CURRENT[-1] if _CURRENT else None


@contextlib.contextmanager
def spilling(folder: str | None = None) -> Iterator[str]:
    """Spill into a folder for the time of a block; yields its path.

    Args:
        folder: of another process that does the same; None for a new folder, which is removed afterwards.
    """
    with contextlib.ExitStack() as stack:
        if folder is None:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="telemetry-spill-"))
        _CURRENT.append(Spill(folder))
        stack.callback(lambda: _CURRENT.pop().close())
        yield folder
