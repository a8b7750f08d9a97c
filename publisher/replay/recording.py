"""Describe the inputs and options of a replay, and read its rows."""

import hashlib
import re
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Final, Literal, TypeAlias

from publisher.csv_blocks import STDIN
from publisher.csv_input import read_chunks
from publisher.json_lines import LineBatch, format_lines
from publisher.replay.message_builder import Ordering
from publisher.replay.selection import Selection

EventTime: TypeAlias = Literal["original", "rebase"]
_FINGERPRINT_BYTES: Final = 1 << 20  # hashed at the beginning and at the end of each file


@dataclass(frozen=True, slots=True)
class Recording:
    """Inputs and options that determine the messages of a replay; a checkpoint belongs to one recording.

    Attributes:
        inputs: CSV files; ``-`` is standard input.
        mapping: new column names by name in the file.
        selection: the rows to replay.
        loop: number of passes.
        event_time: whether event times are kept, or shifted so that the first row is now.
        rows_per_message: rows of a full message.
        compress: whether payloads are compressed with gzip.
        ordering: one ordering key for the run, one per device, or none.
    """

    inputs: tuple[str, ...]
    mapping: Mapping[str, str]
    selection: Selection
    loop: int
    event_time: EventTime
    rows_per_message: int
    compress: bool
    ordering: Ordering

    def fingerprint(self) -> str:
        """Return a hash of the options and of the size, beginning and end of each file; standard input is not hashed.

        The class name of `selection` is part of the hash, so renaming it changes run ids and invalidates checkpoints.
        """
        digest = hashlib.blake2b(digest_size=8)
        options = (sorted(self.mapping.items()), self.selection, self.loop, self.event_time)
        digest.update(repr((options, self.rows_per_message, self.compress, self.ordering)).encode())
        for path in self.inputs:
            if path != STDIN:
                with open(path, "rb") as file:
                    digest.update(file.read(_FINGERPRINT_BYTES))
                    size = file.seek(0, 2)
                    file.seek(max(0, size - _FINGERPRINT_BYTES))
                    digest.update(file.read() + size.to_bytes(8, "big"))
        return digest.hexdigest()

    def name_run(self, shift_us: int) -> str:
        """Return a run id: equal for equal readings with equal times, random for standard input."""
        stem = re.sub(r"[^A-Za-z0-9._-]", "_", Path(self.inputs[0]).name.partition(".")[0])[:40]
        if STDIN in self.inputs:
            return f"stdin-{uuid.uuid4().hex[:12]}"
        digest = hashlib.blake2b(f"{self.fingerprint()} {shift_us}".encode(), digest_size=6)
        return f"{stem}-{digest.hexdigest()}"

    def read_pass(self) -> Iterator[LineBatch]:
        """Yield the selected rows once."""
        chunks = chain.from_iterable(read_chunks(path, self.mapping) for path in self.inputs)
        return self.selection.select(format_lines(chunks))
