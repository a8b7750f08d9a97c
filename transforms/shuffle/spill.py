"""What travels between the steps of a job on files of this machine waits on its disk, not in the runner's memory.

Beam's local runner holds all that is shuffled in the process that was started, and copies it some ten times on its way
to another. Here a file is written once and read once, and what the runner holds is the place in it.
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
    """Where content waits: a file in the folder of the job, and which of its bytes."""

    name: str
    start: int
    size: int


class Spill:
    """A folder into which the processes of one job spill: each writes a file of its own, all read all of them.

    Safe to use from several threads. Nothing is removed before the job ends: a bundle that fails is read again.
    """

    def __init__(self, folder: str) -> None:
        """Use a folder that exists, and that every process of the job can reach."""
        self._folder = folder
        self._lock = threading.Lock()
        self._files = contextlib.ExitStack()
        self._mine = f"{os.getpid()}.spill"
        self._size = 0
        self._writing: io.FileIO | None = None
        self._reading: dict[str, io.FileIO] = {}

    def put(self, content: bytes) -> Spilled:
        """Write content to this process's file.

        Raises:
            OutputError: if the disk does not take it.
        """
        try:
            with self._lock:
                if self._writing is None:
                    self._writing = self._open(self._mine, "xb")
                rest = memoryview(content)
                while rest:  # a file without a buffer may take less than it is given
                    rest = rest[self._writing.write(rest) :]
                place = Spilled(self._mine, self._size, len(content))
                self._size += len(content)
                return place
        except OSError as error:
            problem = f"{self._folder}: cannot be written: {error.strerror}"
            raise OutputError(f"{problem}; what waits between steps goes there, or where TMPDIR says") from error

    def get(self, place: Spilled) -> bytes:
        """Read content back, whichever process wrote it."""
        with self._lock:
            file = self._reading.get(place.name)
            if file is None:
                file = self._reading[place.name] = self._open(place.name, "rb")
            file.seek(place.start)
            return file.read(place.size)

    def close(self) -> None:
        """Close the files."""
        self._files.close()

    def _open(self, name: str, mode: Literal["rb", "xb"]) -> io.FileIO:
        """Open a file without a buffer: others read what was written, and nothing is left to be written at the end."""
        return self._files.enter_context(open(os.path.join(self._folder, name), mode, buffering=0))


_CURRENT: Final[list[Spill]] = []  # of this process; the innermost counts


def current() -> Spill | None:
    """Return where this process spills to; None if it keeps in memory what it has."""
    return _CURRENT[-1] if _CURRENT else None


@contextlib.contextmanager
def spilling(folder: str | None = None) -> Iterator[str]:
    """Spill into a folder for the time of a block; gives its path.

    Args:
        folder: of another process that does the same; None for a new one, which is gone afterwards.
    """
    with contextlib.ExitStack() as stack:
        if folder is None:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="telemetry-spill-"))
        _CURRENT.append(Spill(folder))
        stack.callback(lambda: _CURRENT.pop().close())
        yield folder
