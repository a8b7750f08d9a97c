"""Make files of this machine durable, many at a time.

A stream writes small files all the time, and has to know only now and then that they survive a loss of power: before
it forgets how to write them again.
"""

import contextlib
import os
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from telemetry.storage.paths import storage_errors
from telemetry.storage.sync import sync_path


@dataclass(eq=False)  # two blocks may have noted the same
class _Noted:
    """Files that were written and folders that have new names, none of which may be on the disk yet."""

    files: set[str] = field(default_factory=set)
    folders: set[str] = field(default_factory=set)

    def take(self) -> "_Noted":
        """Return what was noted, and forget it."""
        taken = _Noted(self.files, self.folders)
        self.files, self.folders = set(), set()
        return taken

    def paths(self) -> list[str]:
        """Return what to sync, in this order: contents before names."""
        holding = {os.path.dirname(path) for path in self.files}
        above = {os.path.dirname(folder) for folder in holding}  # another process may have made the folder of a day
        above |= {os.path.dirname(folder) for folder in above}
        return list(dict.fromkeys((*sorted(self.files), *sorted(holding), *sorted(above | self.folders))))


_LOCK: Final = threading.Lock()
_NOTED: Final[list[_Noted]] = []  # of this process; the innermost counts


def note_written(path: str) -> None:
    """Note that a file was written, if somebody wants to know."""
    with _LOCK:
        if _NOTED:
            _NOTED[-1].files.add(path)


def note_new_names(folders: Iterable[str]) -> None:
    """Note folders in which another folder was made, if somebody wants to know."""
    with _LOCK:
        if _NOTED:
            _NOTED[-1].folders.update(folders)


@contextlib.contextmanager
def noting_written() -> Iterator[None]:
    """Note the files that are written in the time of a block, for `sync_written`."""
    noted = _Noted()
    with _LOCK:
        _NOTED.append(noted)
    try:
        yield
    finally:
        with _LOCK:
            _NOTED.remove(noted)


def sync_written() -> None:
    """Make the files that were noted and their folders durable, and forget them.

    Raises:
        StorageError: if one cannot be made durable; it and those behind it are not forgotten.
    """
    with _LOCK:
        if not _NOTED:
            return
        noted = _NOTED[-1]
        taken = noted.take()
    left = deque(taken.paths())
    try:
        while left:
            with storage_errors(left[0], (OSError,)), contextlib.suppress(FileNotFoundError):
                sync_path(left[0] or ".")  # one that is not there was moved or removed by somebody since
            left.popleft()
    finally:
        with _LOCK:
            noted.files |= taken.files.intersection(left)
            noted.folders |= set(left) - taken.files
