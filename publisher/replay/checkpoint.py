"""How far a replay has come, kept on disk so that another one can go on after a crash."""

import contextlib
import os
from pathlib import Path
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from telemetry.errors import ConfigError

_VERSION: Final = 1


class Progress(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a checkpoint says.

    Attributes:
        run_id: the replay it belongs to.
        recording: fingerprint of its input and options: with others, the messages would be others.
        next_sequence: every message before this one is acknowledged.
        shift_us: what was added to the readings' times in the first pass, microseconds.
        version: of this format.
    """

    run_id: str
    recording: str
    next_sequence: Annotated[int, Meta(ge=0)]
    shift_us: int
    version: int = _VERSION


def load_progress(path: str) -> Progress | None:
    """Read a checkpoint; None if there is none yet.

    Raises:
        ConfigError: if it is no checkpoint, or cannot be read.
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
        raise ConfigError("--checkpoint", path, f"has version {progress.version}, this program writes {_VERSION}")
    return progress


def save_progress(path: str, progress: Progress) -> None:
    """Replace a checkpoint: after a crash at any moment it is the old one or the new one.

    Raises:
        ConfigError: if it cannot be written.
    """
    temporary = f"{path}.new"
    try:
        with open(temporary, "wb") as file:
            file.write(msgspec.json.encode(progress) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise ConfigError("--checkpoint", path, f"cannot be written: {error.strerror or error}") from error
