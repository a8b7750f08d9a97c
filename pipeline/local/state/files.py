"""Write files that survive a loss of power, and lock a folder."""

import fcntl
import os
from pathlib import Path
from typing import Final

from telemetry.errors import ConfigError, TelemetryError
from telemetry.storage.sync import sync_path

LOCK: Final = "lock"


class StateError(TelemetryError):
    """State that cannot be written or read."""


def state_error(folder: Path, error: OSError) -> StateError:
    """Return the error of a folder that cannot be used, for a person."""
    return StateError(f"--state {folder}: cannot be written: {error.strerror or error}")


def make_folder(folder: Path) -> None:
    """Make a folder and those above it that are missing, and their names durable."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for path in reversed(missing):
        sync_path(path.parent)


def remove_partial(folder: Path) -> None:
    """Remove what `write_durably` left behind in a process that was killed."""
    for path in folder.glob(".*.partial"):
        path.unlink()


def write_durably(path: Path, content: bytes) -> None:
    """Write a file for this user alone under a temporary name, and rename it when its content is on the disk.

    Raises:
        OSError: if it cannot be written; a file of this name that was there before remains.
    """
    partial = path.with_name(f".{path.name}.partial")
    with open(partial, "wb", opener=_open_private) as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(partial, path)
    sync_path(path.parent)


def _open_private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def lock_folder(folder: Path) -> int:
    """Lock a folder for this process, and return the descriptor that holds the lock until it is closed.

    The system releases the lock when the process ends, however it ends.

    Raises:
        ConfigError: if another process holds it.
    """
    descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.read(descriptor, 32).decode("ascii", "replace").strip()
            process = f" (process {holder})" if holder.isdigit() else ""
            raise ConfigError("--state", str(folder), f"another job is using it{process}") from error
        if not os.fstat(descriptor).st_nlink:  # the job that held it has just removed its state
            raise ConfigError("--state", str(folder), "another job is using it")
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor
