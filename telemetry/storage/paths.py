"""Name files on any filesystem, and name what is wrong with one."""

import contextlib
import os
import re
from collections.abc import Iterator
from typing import Final

from telemetry.errors import TelemetryError

_SCHEME: Final = re.compile(r"([a-zA-Z][-a-zA-Z0-9+.]*)://")


class StorageError(TelemetryError):
    """A file or folder that cannot be listed, read or written."""

    def __init__(self, path: str, problem: str) -> None:
        """Name the path and what is wrong with it."""
        super().__init__(f"{path}: {problem}")
        self.path = path
        self.problem = problem


def scheme_of(path: str) -> str:
    """Return ``gs`` of ``gs://bucket/name``; "" for a file of this machine."""
    found = _SCHEME.match(path)
    return found[1] if found else ""


def join(folder: str, *names: str) -> str:
    """Return the path of something below a folder."""
    if not scheme_of(folder):
        return os.path.join(folder, *names)
    return "/".join((folder.rstrip("/"), *names))


@contextlib.contextmanager
def storage_errors(path: str, failures: tuple[type[Exception], ...]) -> Iterator[None]:
    """Turn failures of an operation on a path into a StorageError."""
    try:
        yield
    except failures as error:
        named = getattr(error, "filename", None) or path
        text = getattr(error, "strerror", None) or getattr(error, "message", None) or str(error)
        raise StorageError(str(named), " ".join(str(text).split()) or type(error).__name__) from error
