"""Keep messages that Pub/Sub does not take, as dead letters on disk."""

import os
from pathlib import Path
from typing import Final

import msgspec

from publisher.replay.message_builder import ReplayMessage
from telemetry.errors import ConfigError, OutputError
from telemetry.model.dead_letters import Reason, RejectionError, dead_message
from telemetry.model.messages import Message
from telemetry.storage.sync import sync_path

FLAG: Final = "--dead-letters"
STAGE: Final = "bridge"
"""Stage of these dead letters."""


class BridgeLetters:
    """A file of JSON lines in a folder, made with the first letter."""

    def __init__(self, folder: str, run_id: str) -> None:
        """Make the folder.

        Raises:
            ConfigError: if it cannot be written to.
        """
        self._path = Path(folder) / f"{run_id}.jsonl"
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(FLAG, folder, f"cannot be made: {error.strerror or error}") from error
        if not os.access(folder, os.W_OK):
            raise ConfigError(FLAG, folder, "cannot be written to")

    def keep(self, message: ReplayMessage, problem: str) -> None:
        """Write a message as a dead letter; it is on disk when this returns.

        Raises:
            OutputError: if that is not possible.
        """
        rejected = Message(message.payload, message.attributes)
        letter = dead_message(rejected, RejectionError(Reason.TOO_LARGE, problem), STAGE)
        is_new = not self._path.exists()
        try:
            with self._path.open("ab") as file:
                file.write(msgspec.json.encode(letter) + b"\n")
                file.flush()
                os.fsync(file.fileno())
            if is_new:
                sync_path(str(self._path.parent))
        except OSError as error:
            raise OutputError(f"{FLAG} {self._path}: cannot be written: {error.strerror or error}") from error
