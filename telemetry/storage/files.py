"""Read and write whole files by path, on this machine or in a bucket.

A path with a scheme (``gs://``, ``s3://``, ``azfs://``, or any other that Beam has a filesystem for) goes through
`telemetry.storage.buckets`, which loads Beam. A path without one is a file of this machine.
"""

import functools
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from telemetry.storage import buckets, disk
from telemetry.storage.paths import StorageError, join, scheme_of

__all__ = [
    "StorageError",
    "delete_file",
    "exists",
    "join",
    "list_files",
    "read_file",
    "read_files",
    "scheme_of",
    "stamp",
    "write_file",
]
_AT_ONCE: Final = 16  # files of a bucket read at a time: reading them is mostly waiting for the network


def list_files(folder: str, suffixes: tuple[str, ...]) -> list[str]:
    """Return the files anywhere below a folder whose names have one of the suffixes, sorted.

    There are none if there is no such folder. Files and folders whose names begin with ``.`` or ``_`` are unfinished
    and left out.

    Raises:
        StorageError: if it cannot be listed.
    """
    found = disk.walk(folder) if not scheme_of(folder) else buckets.match(folder)
    return sorted(path for path in found if path.endswith(suffixes))


def exists(folder: str) -> bool:
    """Return whether anything lies at or below a path.

    Raises:
        StorageError: if it cannot be listed.
    """
    return os.path.exists(folder) if not scheme_of(folder) else bool(buckets.match(folder))


def stamp(path: str) -> str:
    """Return a text that is another one when a file has changed; "" if there is no such file.

    Raises:
        StorageError: if it cannot be looked at.
    """
    return disk.stamp(path) if not scheme_of(path) else buckets.stamp(path)


def read_file(path: str) -> bytes:
    """Return the whole content of a file.

    Raises:
        StorageError: if it cannot be read.
    """
    return disk.read(path) if not scheme_of(path) else buckets.read(path)


def read_files(paths: Iterable[str]) -> Iterator[tuple[str, bytes]]:
    """Yield (path, content) of files in order; those of a bucket are fetched several at a time.

    Raises:
        StorageError: at the first that cannot be read.
    """
    paths = list(paths)
    if not any(map(scheme_of, paths)):
        yield from ((path, read_file(path)) for path in paths)
        return
    for start in range(0, len(paths), 4 * _AT_ONCE):  # bounds the content that is held at a time
        some = paths[start : start + 4 * _AT_ONCE]
        yield from zip(some, _readers().map(read_file, some), strict=True)


def write_file(path: str, content: bytes, patience_s: float | None = None, *, durable: bool = False) -> None:
    """Write a whole file, which appears when it is complete; writing it again leaves the same file.

    Args:
        path: its final name.
        content: all of it.
        patience_s: how long a service that does not answer is tried again, seconds; None for the default of
            `telemetry.storage.buckets.RETRIES`. A disk is tried once.
        durable: whether a file of this machine, its name and new folders are on the disk when this returns; those of
            a bucket always are.

    Raises:
        StorageError: if it cannot be written; then it does not appear.
    """
    if scheme_of(path):
        buckets.write(path, content, patience_s)
    else:
        disk.write(path, content, durable=durable)


def delete_file(path: str) -> None:
    """Remove a file.

    Raises:
        StorageError: if it cannot be removed.
    """
    if scheme_of(path):
        buckets.remove(path)
    else:
        disk.remove(path)


@functools.cache
def _readers() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="read")
