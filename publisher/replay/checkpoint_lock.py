"""Hold a checkpoint, so that no other replay uses it at the same time."""

import contextlib
import fcntl
import os
from collections.abc import Iterator

from telemetry.errors import ConfigError


@contextlib.contextmanager
def hold_checkpoint(path: str) -> Iterator[None]:
    """Hold a lock beside a checkpoint for a block; the system releases it when the process ends, however it ends.

    Raises:
        ConfigError: if another process holds it, or the lock cannot be written.
    """
    lock = f"{os.path.realpath(path)}.lock"
    try:
        handle = _lock(lock)
    except BlockingIOError as error:
        raise ConfigError("--checkpoint", path, "is in use by another replay") from error
    except OSError as error:
        raise ConfigError("--checkpoint", path, f"cannot be written: {error.strerror or error}") from error
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            os.unlink(lock)  # while it is held: whoever opened it before looks whether it is still there
        os.close(handle)


def _lock(path: str) -> int:
    """Return the handle of a locked file that is the one at its path, which its last holder may have removed."""
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with contextlib.suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(handle), os.stat(path)):
                    return handle
        except OSError:
            os.close(handle)
            raise
        os.close(handle)
