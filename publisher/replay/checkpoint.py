"""Save the progress of a replay on disk, so that it can resume after a crash."""

import contextlib
import os
from pathlib import Path
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from telemetry.errors import ConfigError
from telemetry.storage.sync import sync_path

_VERSION: Final = 2


class Progress(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Content of a checkpoint.

    Attributes:
        run_id: id of the replay.
        recording: fingerprint of its inputs and options, which determine the messages.
        next_sequence: sequence number of the first message that is not acknowledged.
        shift_us: shift of the event times in the first pass, microseconds.
        time_lapse: whether event times may run ahead of the publish time.
        version: version of the checkpoint format.
    """

    run_id: str
    recording: str
    next_sequence: Annotated[int, Meta(ge=0)]
    shift_us: int
    time_lapse: bool = False
    version: int = _VERSION


def load_progress(path: str) -> Progress | None:
    """Read a checkpoint; return None if the file does not exist.

    Raises:
        ConfigError: if the file is not a checkpoint or cannot be read.
    """
    try:
        content = Path(path).read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigError("--checkpoint", path, f"cannot be read: {error.strerror or error}") from error
    try:
        progress = msgspec.json.decode(content, type=Progress)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ConfigError("--checkpoint", path, f"is not a checkpoint: {error}") from error
    if progress.version != _VERSION:
        raise ConfigError("--checkpoint", path, f"has version {progress.version}, this program writes {_VERSION}; "
                          "remove it to begin anew")  # fmt: skip
    return progress


def save_progress(path: str, progress: Progress) -> None:
    """Replace a checkpoint atomically: after a crash it is the old one, or the new one once this returns.

    Raises:
        ConfigError: if the file cannot be written.
    """
    temporary = f"{path}.new"
    try:
        with open(temporary, "wb") as file:
            file.write(msgspec.json.encode(progress) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
        sync_path(os.path.dirname(path) or os.curdir)  # else a loss of power may bring the earlier file back
    except OSError as error:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise ConfigError("--checkpoint", path, f"cannot be written: {error.strerror or error}") from error
