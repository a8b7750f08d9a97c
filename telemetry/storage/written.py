"""Make files of this machine durable, many at a time.

A stream writes small files all the time, and has to know only now and then that they survive a loss of power: before
it forgets how to write them again.
"""

import contextlib
import os
import threading
from collections.abc import Iterator
from typing import Final

from telemetry.storage.paths import storage_errors
from telemetry.storage.sync import sync_path

_LOCK: Final = threading.Lock()
_PATHS: Final[list[set[str]]] = []  # of this process; the innermost counts


def note_written(path: str) -> None:
    """Note that a file was written, if somebody wants to know."""
    with _LOCK:
        if _PATHS:
            _PATHS[-1].add(path)


@contextlib.contextmanager
def noting_written() -> Iterator[None]:
    """Note the files that are written in the time of a block, for `sync_written`."""
    paths: set[str] = set()
    with _LOCK:
        _PATHS.append(paths)
    try:
        yield
    finally:
        with _LOCK:
            _PATHS.remove(paths)


def sync_written() -> None:
    """Make the files that were noted and their folders durable, and forget them.

    Raises:
        StorageError: if one cannot be made durable.
    """
    with _LOCK:
        paths = sorted(_PATHS[-1]) if _PATHS else []
        if _PATHS:
            _PATHS[-1].clear()
    folders = {os.path.dirname(path) for path in paths}
    above = {os.path.dirname(folder) for folder in folders}  # a day's folder is new as well
    for path in (*paths, *sorted(folders), *sorted(above | {os.path.dirname(folder) for folder in above})):
        with storage_errors(path, (OSError,)):
            _sync(path or ".")


def _sync(path: str) -> None:
    with contextlib.suppress(FileNotFoundError):  # moved or removed by somebody since
        sync_path(path)
