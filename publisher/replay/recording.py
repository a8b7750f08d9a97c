"""Describe the inputs and options of a replay, and read its rows."""

import hashlib
import re
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import Literal, TypeAlias

from publisher.csv_blocks import STDIN
from publisher.json_lines import LineBatch
from publisher.replay.message_builder import Ordering
from publisher.replay.order.keyed_lines import Disorder, has_time
from publisher.replay.order.read import Spans, find_spans, read_in_order
from publisher.replay.row_reader import CsvRowReader, FeedRowReader, RowReader
from publisher.replay.selection import Selection

EventTime: TypeAlias = Literal["original", "rebase"]
Order: TypeAlias = Literal["time", "as-is"]


@dataclass(frozen=True, slots=True)
class Recording:
    """Inputs and options that determine the messages of a replay; a checkpoint belongs to one recording.

    Attributes:
        inputs: files; ``-`` is standard input.
        mapping: new column names by name in the file.
        selection: the rows to replay.
        loop: number of passes.
        event_time: whether event times are kept, or shifted so that the first row is now.
        rows_per_message: rows of a full message.
        compress: whether payloads are compressed with gzip.
        ordering: one ordering key for the run, one per device, or none.
        order: whether rows are sorted by time, or kept in the order of the inputs.
        foreign: reads the inputs if they may be of any dialect; None for CSV in the canonical form.
    """

    inputs: tuple[str, ...]
    mapping: Mapping[str, str]
    selection: Selection
    loop: int
    event_time: EventTime
    rows_per_message: int
    compress: bool
    ordering: Ordering
    order: Order = "time"
    foreign: FeedRowReader | None = None
    _fingerprints: list[str] = field(default_factory=list, repr=False, compare=False)
    _spans: Spans = field(default_factory=dict, repr=False, compare=False)

    @property
    def reader(self) -> RowReader:
        """Reader of the inputs."""
        return CsvRowReader(self.mapping) if self.foreign is None else self.foreign

    def fingerprint(self) -> str:
        """Return a hash of the options and of the content of each file; standard input is not hashed.

        The files are read at the first call. The class name of `selection` is part of the hash, so renaming it changes
        run ids and invalidates checkpoints.
        """
        if self._fingerprints:
            return self._fingerprints[0]
        digest = hashlib.blake2b(digest_size=8)
        options = (sorted(self.mapping.items()), self.selection, self.loop, self.event_time)
        digest.update(repr((options, self.rows_per_message, self.compress, self.ordering, self.order)).encode())
        digest.update(self.reader.identity.encode())
        for path in self.inputs:
            if path != STDIN:
                with open(path, "rb") as file:
                    digest.update(hashlib.file_digest(file, "blake2b").digest())
        self._fingerprints.append(digest.hexdigest())
        return self._fingerprints[0]

    def name_run(self, shift_us: int, disturbance: str = "") -> str:
        """Return a run id: equal for equal readings with equal times and disturbance, random for standard input."""
        stem = re.sub(r"[^A-Za-z0-9._-]", "_", Path(self.inputs[0]).name.partition(".")[0])[:40]
        if STDIN in self.inputs:
            return f"stdin-{uuid.uuid4().hex[:12]}"
        digest = hashlib.blake2b(f"{self.fingerprint()} {shift_us}{disturbance}".encode(), digest_size=6)
        return f"{stem}-{digest.hexdigest()}"

    def read_pass(self, disorder: Disorder | None = None) -> Iterator[LineBatch]:
        """Yield the selected rows once.

        Args:
            disorder: measures the rows that are out of order: in their input if rows are sorted, else as yielded.
        """
        disorder = disorder or Disorder()
        if self.order == "as-is":
            return _measure(self.read_as_is(), disorder)
        if not self._spans:
            self._spans.update(find_spans(self.inputs, self.reader.find_span))
        unlimited = replace(self.selection, limit=None)

        def read(path: str) -> Iterator[LineBatch]:
            return unlimited.select(self.reader.read(path))

        limited = Selection(limit=self.selection.limit)
        return limited.select(read_in_order(self.inputs, self._spans, read, disorder))

    def read_as_is(self) -> Iterator[LineBatch]:
        """Yield the selected rows once, in the order of the inputs."""
        return self.selection.select(chain.from_iterable(map(self.reader.read, self.inputs)))


def _measure(batches: Iterator[LineBatch], disorder: Disorder) -> Iterator[LineBatch]:
    latest_us = -1
    for batch in batches:
        latest_us = disorder.observe(batch.times[has_time(batch.times)], latest_us)
        yield batch
