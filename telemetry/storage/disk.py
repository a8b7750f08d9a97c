"""List, read, write and remove files of this machine."""

import contextlib
import os
import secrets
from collections.abc import Iterator
from typing import Final

from telemetry.storage.paths import StorageError, storage_errors
from telemetry.storage.sync import sync_path
from telemetry.storage.written import note_new_names, note_written

_SHOWN: Final = 40
"""Characters of the final name in a temporary one, which must not be longer than names may be."""


def walk(folder: str) -> Iterator[str]:
    """Yield the files below a folder, except unfinished ones; none if there is no such folder.

    Raises:
        StorageError: if it cannot be listed.
    """

    def refuse(error: OSError) -> None:
        raise StorageError(str(error.filename or folder), error.strerror or str(error)) from error

    if not os.path.isdir(folder):
        return
    for parent, folders, names in os.walk(folder, onerror=refuse):
        folders[:] = [name for name in folders if not name.startswith((".", "_"))]
        yield from (os.path.join(parent, name) for name in names if not name.startswith((".", "_")))


def stamp(path: str) -> str:
    """Return the identity, size and time of a file; "" if there is none.

    Raises:
        StorageError: if it cannot be looked at.
    """
    with storage_errors(path, (OSError,)):
        try:
            found = os.stat(path)
        except FileNotFoundError:
            return ""
    return f"{found.st_ino} {found.st_size} {found.st_mtime_ns}"


def read(path: str) -> bytes:
    """Return the content of a file.

    Raises:
        StorageError: if it cannot be read.
    """
    with storage_errors(path, (OSError,)), open(path, "rb") as file:
        return file.read()


def write(path: str, content: bytes, *, durable: bool = False) -> None:
    """Write a file under a temporary name that no other writer uses, then rename it; make its folder.

    Args:
        path: its final name.
        content: all of it.
        durable: whether the file, its name and new folders are on the disk when this returns, whatever happens then.

    Raises:
        StorageError: if it cannot be written.
    """
    with storage_errors(path, (OSError,)):
        folder, name = os.path.split(path)
        folder = folder or "."
        changed = _make_folders(folder)
        note_new_names(changed)  # at once: if the file cannot be written, they remain nevertheless
        partial = os.path.join(folder, partial_name(name))
        try:
            with open(partial, "wb") as file:
                file.write(content)
                if durable:
                    file.flush()
                    os.fsync(file.fileno())
            os.replace(partial, path)
        except OSError as error:
            error.filename = error.filename or path  # a full disk does not name the file
            raise
        finally:
            with contextlib.suppress(OSError):  # after the rename there is none
                os.remove(partial)
        if durable:
            for each in (folder, *changed):
                sync_path(each)
        note_written(path)


def partial_name(name: str) -> str:
    """Return a hidden name for a file that is being written: no other process or thread has the same."""
    return f".{name[:_SHOWN]}.{os.getpid()}-{secrets.token_hex(8)}.partial"


def _make_folders(folder: str) -> list[str]:
    """Make a folder, and return those that have a new entry because of that."""
    missing = folder
    changed = []
    while missing and not os.path.isdir(missing):
        missing = os.path.dirname(missing)
        changed.append(missing or ".")
    os.makedirs(folder, exist_ok=True)
    return changed


def remove(path: str) -> None:
    """Remove a file.

    Raises:
        StorageError: if it cannot be removed.
    """
    with storage_errors(path, (OSError,)):
        os.remove(path)
