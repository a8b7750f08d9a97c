"""List, read, write and remove files of this machine."""

import contextlib
import os
from collections.abc import Iterator

from telemetry.storage.paths import StorageError, storage_errors
from telemetry.storage.written import note_written


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


def read(path: str) -> bytes:
    """Return the content of a file.

    Raises:
        StorageError: if it cannot be read.
    """
    with storage_errors(path, (OSError,)), open(path, "rb") as file:
        return file.read()


def write(path: str, content: bytes) -> None:
    """Write a file under a temporary name, then rename it; make its folder.

    Raises:
        StorageError: if it cannot be written.
    """
    with storage_errors(path, (OSError,)):
        folder, name = os.path.split(path)
        os.makedirs(folder or ".", exist_ok=True)
        partial = os.path.join(folder, f".{name}.partial")
        try:
            with open(partial, "wb") as file:
                file.write(content)
        except OSError as error:
            error.filename = error.filename or path  # a full disk does not name the file
            with contextlib.suppress(OSError):
                os.remove(partial)
            raise
        os.replace(partial, path)
        note_written(path)


def remove(path: str) -> None:
    """Remove a file.

    Raises:
        StorageError: if it cannot be removed.
    """
    with storage_errors(path, (OSError,)):
        os.remove(path)
