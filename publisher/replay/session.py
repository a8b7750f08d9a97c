"""One replay from beginning to end: read, form messages, wait, send, remember."""

import hashlib
import re
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Final, Literal

from publisher.csvfiles import STDIN, read_pieces
from publisher.lines import NO_TIME, Lines, write_lines
from publisher.replay.checkpoint import Progress
from publisher.replay.delivery import Delivery, PublishChannel
from publisher.replay.pace import Pace
from publisher.replay.payload import MessageBuilder, Ordering, ReplayMessage
from publisher.replay.selection import Selection, Timeline
from telemetry.errors import TelemetryError

EventTime = Literal["original", "rebase"]
_SAVE_EVERY_S: Final = 1.0
_ENDS_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Recording:
    """What is replayed and how it is put into messages: what a checkpoint must agree with.

    Attributes:
        inputs: CSV files; ``-`` is standard input.
        mapping: new column name by the name in the file.
        selection: which rows.
        loop: how many times.
        event_time: whether times stay, or the first row becomes now.
        rows_per_message: rows of a full message.
        compress: whether payloads are gzip.
        ordering: one ordering key for the run, one for each device, or none.
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
        """Return a hash of the options and of the files' sizes and ends; standard input cannot be looked at."""
        digest = hashlib.blake2b(digest_size=8)
        options = (sorted(self.mapping.items()), self.selection, self.loop, self.event_time)
        digest.update(repr((options, self.rows_per_message, self.compress, self.ordering)).encode())
        for path in self.inputs:
            if path != STDIN:
                with open(path, "rb") as file:
                    digest.update(file.read(_ENDS_BYTES))
                    size = file.seek(0, 2)
                    file.seek(max(0, size - _ENDS_BYTES))
                    digest.update(file.read() + size.to_bytes(8, "big"))
        return digest.hexdigest()

    def name_run(self, shift_us: int) -> str:
        """Return the id of a run: the same for the same readings at the same times; random for standard input."""
        stem = re.sub(r"[^A-Za-z0-9._-]", "_", Path(self.inputs[0]).name.partition(".")[0])[:40]
        if STDIN in self.inputs:
            return f"stdin-{uuid.uuid4().hex[:12]}"
        digest = hashlib.blake2b(f"{self.fingerprint()} {shift_us}".encode(), digest_size=6)
        return f"{stem}-{digest.hexdigest()}"

    def read_pass(self) -> Iterator[Lines]:
        """Read the chosen rows once."""
        pieces = chain.from_iterable(read_pieces(path, self.mapping) for path in self.inputs)
        return self.selection.choose(write_lines(pieces))


@dataclass(slots=True)
class Outcome:
    """How a replay ended.

    Attributes:
        run_id: the replay's id.
        rows_read: put into messages, in this run or one before it.
        rows_skipped: of them, acknowledged in a run before, so not published again.
        first_us: smallest event time that was published, microseconds UTC; None if there is none.
        last_us: largest.
        interrupted: whether it was asked to stop before its end.
        error: what ended it early, or "".
    """

    run_id: str
    rows_read: int = 0
    rows_skipped: int = 0
    first_us: int | None = None
    last_us: int | None = None
    interrupted: bool = False
    error: str = ""

    def see(self, outgoing: ReplayMessage) -> None:
        """Learn of a message that goes out."""
        if outgoing.first_us is not None and outgoing.last_us is not None:
            self.first_us = outgoing.first_us if self.first_us is None else min(self.first_us, outgoing.first_us)
            self.last_us = outgoing.last_us if self.last_us is None else max(self.last_us, outgoing.last_us)


class ReplaySession:
    """A replay that is about to run.

    Attributes:
        progress: where it begins.
        delivery: what has become of the messages.
        outcome: how it ends.
    """

    def __init__(
        self,
        recording: Recording,
        channel: PublishChannel,
        pace: Pace,
        stopped: threading.Event,
        *,
        earlier: Progress | None = None,
        run_id: str = "",
        now_us: Callable[[], int] = lambda: time.time_ns() // 1_000,
    ) -> None:
        """Look at the beginning of the input, for the times are shifted by its first row.

        Args:
            recording: what is replayed.
            channel: where messages go.
            pace: holds them back until they are due.
            stopped: ends the replay when it is set.
            earlier: the checkpoint of a replay of the same recording that goes on here.
            run_id: id of the run, "" to derive it.
            now_us: microseconds UTC; what a rebased replay's first row is moved to.

        Raises:
            ConfigError: if an input cannot be read.
            InputError: if it is damaged at its beginning.
        """
        self._recording = recording
        self._pace = pace
        self._stopped = stopped
        self._rows, first_us = _look_ahead(recording.read_pass())
        shift_us = 0
        if earlier is not None:
            shift_us = earlier.shift_us
        elif recording.event_time == "rebase" and first_us is not None:
            shift_us = now_us() - first_us
        if earlier is None:
            run_id = run_id or recording.name_run(shift_us)
            earlier = Progress(run_id, recording.fingerprint(), 0, shift_us)
        self.progress = earlier
        self.delivery = Delivery(channel, earlier.next_sequence, stopped)
        self.outcome = Outcome(earlier.run_id)

    def run(self, save: Callable[[Progress], None], advance: Callable[[int], object]) -> None:
        """Replay to the end, or until stopped or until it fails; afterwards nothing is in flight.

        Args:
            save: keeps the progress, about every second and at the end.
            advance: is told of the rows of each message.
        """
        outcome = self.outcome
        steps: list[Callable[[], object]] = [
            lambda: self._send_all(save, advance),
            self.delivery.finish,
            lambda: save(self._reached()),
        ]
        for step in steps:
            try:
                step()
            except TelemetryError as error:  # the steps after it are due all the same
                outcome.error = outcome.error or str(error)
        outcome.error = outcome.error or self.delivery.error

    def _send_all(self, save: Callable[[Progress], None], advance: Callable[[int], object]) -> None:
        outcome = self.outcome
        saved_s = time.monotonic()
        for outgoing in self._messages():
            is_new = outgoing.sequence >= self.progress.next_sequence
            if self._stopped.is_set() or (is_new and not self._pace.wait(outgoing.last_us, outgoing.rows)):
                outcome.interrupted = True
                return
            outcome.rows_read += outgoing.rows
            if is_new:
                outcome.see(outgoing)
                self.delivery.send(outgoing)
            else:
                outcome.rows_skipped += outgoing.rows
            advance(outgoing.rows)
            if time.monotonic() - saved_s >= _SAVE_EVERY_S:
                save(self._reached())
                saved_s = time.monotonic()

    def _messages(self) -> Iterator[ReplayMessage]:
        recording = self._recording
        builder = MessageBuilder(
            self.progress.run_id, recording.rows_per_message, recording.compress, recording.ordering
        )
        timeline = Timeline(self.progress.shift_us)
        for number in range(recording.loop):
            for lines in self._rows if number == 0 else recording.read_pass():
                if number == 0:
                    timeline.see(lines.times)
                yield from builder.add(lines, timeline.shift_us)
            yield from builder.finish(timeline.shift_us)
            timeline.next_pass()

    def _reached(self) -> Progress:
        before = self.progress
        return Progress(before.run_id, before.recording, self.delivery.next_sequence, before.shift_us)


def _look_ahead(blocks: Iterator[Lines]) -> tuple[Iterator[Lines], int | None]:
    """Return the same blocks and the time of the first row that has one."""
    held: list[Lines] = []
    for lines in blocks:
        held.append(lines)
        known = lines.times[lines.times != NO_TIME]
        if len(known):
            return chain(held, blocks), int(known[0])
    return iter(held), None
