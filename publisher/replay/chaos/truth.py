"""Record exactly which messages were disturbed, and totals that a job's ledger can be compared with."""

import base64
import os
from collections import Counter
from collections.abc import Mapping
from typing import IO, Any

import msgspec

from publisher.replay.chaos.damage import Damage
from publisher.replay.message_builder import ReplayMessage
from telemetry.errors import ConfigError, OutputError
from telemetry.model.messages import MESSAGE_KEY
from telemetry.text.timestamps import format_time

_TOTALS = ("built", "sent", "duplicated", "dropped", "corrupted", "late", "reordered")


class Truth:
    """Ground truth of a disturbed replay, as lines of JSON: one for each disturbance, the last one with the totals."""

    def __init__(self, path: str) -> None:
        """Open the file; with "" only the totals are kept.

        Raises:
            ConfigError: if it cannot be written.
        """
        self._path = path
        self._file: IO[bytes] | None = None
        self._messages: Counter[str] = Counter()
        self._rows: Counter[str] = Counter()
        self._letters: Counter[str] = Counter()
        self._latest_sequence = -1  # highest number among the messages sent so far
        try:
            self._file = open(path, "wb") if path else None  # noqa: SIM115  # closed by `finish`
        except OSError as error:
            raise ConfigError("--truth", path, f"cannot be written: {error.strerror or error}") from error

    def build(self, message: ReplayMessage) -> None:
        """Count a message of the undisturbed replay."""
        self._count("built", message)

    def drop(self, message: ReplayMessage) -> None:
        """Record a message that is not published."""
        self._count("dropped", message)
        self._write("drop", message)

    def corrupt(self, message: ReplayMessage, damage: Damage) -> None:
        """Record a message that is damaged, and the dead letter that a job must make of it."""
        self._messages["corrupted"] += 1
        self._rows["corrupted"] += damage.rows
        self._letters[damage.reason.value] += 1
        self._write(
            "corrupt",
            message,
            kind=damage.kind,
            reason=damage.reason.value,
            line=damage.line,
            rows_lost=damage.rows,
            dead_letter=base64.b64encode(damage.letter).decode(),
            original=base64.b64encode(damage.original).decode(),
        )

    def send(self, message: ReplayMessage, *, is_copy: bool, is_late: bool) -> None:
        """Record how a message is sent, if that is disturbed."""
        position = self._messages["sent"]
        self._count("sent", message)
        if is_copy:
            self._count("duplicated", message)
            self._write("duplicate", message, position=position)
            return
        if is_late:
            self._count("late", message)
            self._write("late", message, position=position)
        if message.sequence < self._latest_sequence:
            self._count("reordered", message)
            self._write("reorder", message, position=position, after_sequence=self._latest_sequence)
        self._latest_sequence = max(self._latest_sequence, message.sequence)

    def totals(self) -> dict[str, Any]:
        """Return the number of messages and rows of each kind, and of dead letters by reason.

        `rows_intact` are the rows of messages that were sent at least once and not damaged.
        """
        counts = {f"{what}_{name}": counter[name] for name in _TOTALS
                  for what, counter in (("messages", self._messages), ("rows", self._rows))}  # fmt: skip
        intact = self._rows["sent"] - self._rows["duplicated"] - self._rows["corrupted"]
        return {**counts, "rows_intact": intact, "dead_letters": dict(sorted(self._letters.items()))}

    def finish(self, run: Mapping[str, Any]) -> None:
        """Write the totals and close the file.

        Args:
            run: what else the last line says about the run.

        Raises:
            OutputError: if the file cannot be written.
        """
        if self._file is None:
            return
        self._append({"action": "totals", **run, **self.totals()})
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
        except OSError as error:
            raise OutputError(f"--truth {self._path}: cannot be written: {error.strerror or error}") from error

    def _count(self, name: str, message: ReplayMessage) -> None:
        self._messages[name] += 1
        self._rows[name] += message.rows

    def _write(self, action: str, message: ReplayMessage, **fields: Any) -> None:
        if self._file is None:
            return
        times = {
            "first_event_time": None if message.first_us is None else format_time(message.first_us),
            "last_event_time": None if message.last_us is None else format_time(message.last_us),
        }
        key = message.attributes[MESSAGE_KEY]
        known = {"action": action, "message_key": key, "sequence": message.sequence, "rows": message.rows}
        self._append({**known, **times, **fields})

    def _append(self, line: Mapping[str, Any]) -> None:
        assert self._file is not None, "called with a file only"
        try:
            self._file.write(msgspec.json.encode(line) + b"\n")
        except OSError as error:
            raise OutputError(f"--truth {self._path}: cannot be written: {error.strerror or error}") from error
