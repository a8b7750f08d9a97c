"""Decode messages into readings: whole batches at once, and line by line where a line is bad."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from telemetry.arrays import BoolArray, CodeArray, FloatArray, IntArray
from telemetry.model.dead_letters import WHOLE, Reason, RejectionError, dead_message
from telemetry.model.line_letters import LineLetters
from telemetry.model.message_batch import UNKNOWN_US, MessageBatch, groups_of
from telemetry.model.messages import (
    CONTENT_ENCODING,
    LINE_BYTES,
    MAX_LINE_BYTES,
    MAX_MESSAGE_BYTES,
    TIME_LAPSE,
    TIME_SHIFT,
    Message,
)
from telemetry.model.metrics import READING_UNITS
from telemetry.model.reading_batch import ReadingBatch, concat_batches
from telemetry.model.records import DeadLetter
from telemetry.text.timestamps import LATEST_US, MICROS, ClockBounds, explain_time, latest_event_times_us
from transforms.decode.csv_lines import count_lines, read_csv_line, read_csv_lines
from transforms.decode.json_lines import (
    DecodedColumns,
    DecodedRow,
    count_objects,
    number_names,
    parse_object,
    row_decoder,
)
from transforms.decode.payloads import Slice, read_content, slices_of

GROUP_BYTES: Final = 1 << 20
"""Bytes of payload, decompressed, at which a group of messages is decoded into one batch of readings."""
_MIN_BISECTED_LINES: Final = 64  # lines of CSV below which bisecting costs more than reading them one by one
_REPEATED_BYTES: Final = 256  # longest line that is remembered as bad
_MOST_REPEATED: Final = 1_000
STAGE: Final = "decode"
_NEWLINE: Final = 10
NO_BOUNDS: Final = ClockBounds()


@dataclass(slots=True)
class DecodedBatch:
    """Result of decoding some messages, or a part of one: every line is in exactly one of the first two.

    Attributes:
        readings: the rows that could be read; None if there are none.
        rejected: dead letters of the lines, or whole messages, that could not.
        ignored: how often each unknown field was skipped.
        first: number of messages of the batch that are before `readings.messages`.
        clock_ahead: how many of the readings are ahead of their publish time by more than the skew.
    """

    readings: ReadingBatch | None = None
    rejected: list[DeadLetter] = field(default_factory=list)
    ignored: Counter[str] = field(default_factory=Counter)
    first: int = 0
    clock_ahead: int = 0


def decode(messages: MessageBatch, metrics: tuple[str, ...], bounds: ClockBounds = NO_BOUNDS) -> DecodedBatch:
    """Decode messages into one batch of readings; see `decode_parts`, which bounds the memory."""
    parts = list(decode_parts(messages, metrics, bounds))
    if len(parts) == 1:
        return parts[0]
    whole = DecodedBatch()
    batches = [part.readings for part in parts if part.readings is not None]
    whole.readings = concat_batches(batches) if batches else None
    for part in parts:
        whole.rejected += part.rejected
        whole.ignored.update(part.ignored)
        whole.clock_ahead += part.clock_ahead
    return whole


def decode_parts(
    messages: MessageBatch, metrics: tuple[str, ...], bounds: ClockBounds = NO_BOUNDS
) -> Iterator[DecodedBatch]:
    """Decode messages a megabyte at a time, by decompressed size; never raises for what they contain.

    Args:
        messages: those of a pull, or a chunk of a file.
        metrics: names of the metrics to decode.
        bounds: of event times.

    Yields:
        Messages that are small together, or slices of a large one, in order.
    """
    first = 0
    for group in groups_of(messages, GROUP_BYTES):
        work = _Decoding(group, metrics, bounds, first)
        if work.add_bodies():
            yield work.take()
        else:
            yield from work.read_messages()
        first += len(group)


class _Decoding:
    """Batches and dead letters of a group of messages."""

    def __init__(self, messages: MessageBatch, metrics: tuple[str, ...], bounds: ClockBounds, first: int) -> None:
        self.messages = messages
        self.metrics = metrics
        self.bounds = bounds
        self.first = first
        self.decoder = row_decoder(metrics)
        self.batches: list[ReadingBatch] = []
        self.whole: dict[int, DeadLetter] = {}  # by the index of the message
        self.ignored: Counter[str] = Counter()
        self.clock_ahead = 0
        self.letters: dict[int, LineLetters] = {}  # by the index of the message
        self.repeated: dict[bytes, RejectionError] = {}  # short lines that were bad before
        self.no_objects: set[bytes] = set()  # short lines that are not JSON objects

    def take(self) -> DecodedBatch:
        """Return what was decoded since the last call."""
        self.ignored.update(self.decoder.ignored)
        self.decoder.ignored = Counter()
        rejected: list[DeadLetter] = []
        for index in sorted(self.whole.keys() | self.letters.keys()):
            rejected += [self.whole.pop(index)] if index in self.whole else self.letters[index].take()
        readings = concat_batches(self.batches) if self.batches else None
        taken = DecodedBatch(readings, rejected, self.ignored, self.first, self.clock_ahead)
        self.batches, self.ignored, self.clock_ahead = [], Counter(), 0
        return taken

    def add_bodies(self) -> bool:
        """Read all messages where they lie, without taking them apart; returns whether that can be done."""
        messages = self.messages
        if messages.columns is not None or any(CONTENT_ENCODING in attributes for attributes in messages.attributes):
            return False
        if len(messages) == 0 or int((messages.ends - messages.starts).max()) > MAX_MESSAGE_BYTES:
            return False
        lines = messages.bodies.rstrip(b"\n") if len(messages) == 1 else messages.bodies
        return self._add_json_lines(lines, None)

    def read_messages(self) -> Iterator[DecodedBatch]:
        """Open each message; yield small ones of JSON together, each of CSV alone, and large ones in slices."""
        small: list[tuple[int, bytes]] = []
        size = 0
        for index, message in enumerate(self.messages):
            try:
                content = read_content(message)
            except RejectionError as rejection:
                self.whole[index] = dead_message(message, rejection, STAGE)
                continue
            if content.whole is None:
                if small:
                    self._add_json(small)
                    small, size = [], 0
                    yield self.take()
                yield from self._read_large(index, message, may_hold_objects=content.may_hold_objects)
            elif message.columns is not None:
                self.add_csv(index, message.columns, content.whole)
            else:
                small.append((index, content.whole))
                size += len(content.whole)
            if size >= GROUP_BYTES:
                self._add_json(small)
                small, size = [], 0
                yield self.take()
        self._add_json(small)
        yield self.take()

    def _read_large(self, index: int, message: Message, *, may_hold_objects: bool) -> Iterator[DecodedBatch]:
        """Read a message of JSON in slices, or reject it as a whole."""
        if not may_hold_objects or not self._holds_object(slices_of(message)):
            self.whole[index] = dead_message(message, self._rejection(message), STAGE)
            yield self.take()
            return
        for part in slices_of(message):
            lines = part.content.rstrip(b"\n")
            if not self._add_json_lines(lines, np.full(lines.count(b"\n") + 1, index, np.int32), part.first):
                self._read_slice(index, part)
            yield self.take()

    def _rejection(self, message: Message) -> RejectionError:
        """Return why a message without a JSON object is rejected: because of its first line."""
        lines = (line for part in slices_of(message) for line in _numbered(part))
        for number, line in lines:
            try:
                self._read_line(line, None)
            except RejectionError as rejection:
                if next(lines, None) is None:
                    return _explain(rejection, message)
                return RejectionError(rejection.reason, f"{rejection.error} (line {number}; no line is an object)")
        return RejectionError(Reason.NOT_JSON, "the message holds no line")

    def _add_json(self, opened: Sequence[tuple[int, bytes]]) -> None:
        """Read all messages together; if that fails, each alone; if that fails, line by line."""
        if not opened:
            return
        payloads = [payload.rstrip(b"\n") for _, payload in opened]
        rows = np.array([payload.count(b"\n") + 1 for payload in payloads], np.int64)
        indices = np.array([index for index, _ in opened], np.int32)
        if self._add_json_lines(b"\n".join(payloads), np.repeat(indices, rows)):
            return
        if len(opened) > 1:
            for one in opened:
                self._add_json([one])
            return
        self._add_message(*opened[0])

    def _add_json_lines(self, lines: bytes, where: CodeArray | None, first_line: int = 1) -> bool:
        """Read lines of JSON; returns whether each is a usual object.

        Args:
            lines: N lines.
            where: (N,) index of the message of each line; None if the lines are `bodies`.
            first_line: number of the first line in its message.
        """
        total = count_objects(lines)
        columns = None if total is None else self.decoder.read_lines(lines, total)
        if columns is None:
            return False
        if where is None:
            where = _messages_of_lines(self.messages, lines, len(columns.ts))
        first = np.flatnonzero(np.diff(where, prepend=-1))
        numbers = np.arange(first_line, len(where) + first_line) - np.repeat(first, np.diff(first, append=len(where)))
        self._add(where, numbers.astype(np.int32), columns, lambda: lines.split(b"\n"))
        return True

    def _add_message(self, index: int, payload: bytes) -> None:
        """Read a small message of JSON line by line, as one document, or reject it as a whole."""
        message, part = self.messages[index], Slice(1, payload)
        lines = list(_numbered(part))
        if len(lines) > 1 and _is_one_document(payload):
            self._read_each(index, [(WHOLE, payload)])  # an object printed over several lines
        elif not lines or not self._holds_object((part,)):
            self.whole[index] = dead_message(message, self._rejection(message), STAGE)
        else:
            self._read_each(index, lines)

    def _holds_object(self, parts: Iterable[Slice]) -> bool:
        """Return whether a line is a JSON object."""
        return any(
            self._is_object(line) for part in parts if b"{" in part.content for line in part.content.split(b"\n")
        )

    def _is_object(self, line: bytes) -> bool:
        if line in self.no_objects or len(line) > MAX_LINE_BYTES or not line.lstrip().startswith(b"{"):
            return False
        try:
            parse_object(line)
        except RejectionError:
            if len(line) <= _REPEATED_BYTES and len(self.no_objects) < _MOST_REPEATED:
                self.no_objects.add(line)
            return False
        return True

    def _read_slice(self, index: int, part: Slice) -> None:
        """Read lines of JSON one by one; those of a slice without an object are only counted once there are many."""
        letters = self._letters(index)
        if letters.is_full and b"{" not in part.content:
            lines = [line for line in part.content.split(b"\n") if line.strip()]
            if lines:
                letters.gather(part.first, lines, RejectionError(Reason.NOT_JSON, "no line is an object"))
        else:
            self._read_each(index, _numbered(part))

    def add_csv(self, index: int, columns: tuple[str, ...], payload: bytes) -> None:
        """Read a message of CSV as a whole; if that fails, by bisection."""
        content = payload.rstrip(b"\n")
        total = count_lines(content)
        if total is None or not self._add_csv_lines(index, columns, content, np.arange(1, total + 1, dtype=np.int32)):
            self._bisect_csv(index, columns, list(_numbered(Slice(1, payload))))

    def _bisect_csv(self, index: int, columns: tuple[str, ...], lines: list[tuple[int, bytes]]) -> None:
        """Read lines of CSV in bulk, and halve what Arrow refuses until the unusual lines are alone."""
        if not lines:
            return
        content = b"\n".join([line for _, line in lines])
        numbers = np.fromiter((number for number, _ in lines), np.int32, len(lines))
        if not _has_long_line(content) and self._add_csv_lines(index, columns, content, numbers):
            return
        if self.repeated:
            self._read_each(index, [(number, line) for number, line in lines if line in self.repeated])
            lines = [(number, line) for number, line in lines if line not in self.repeated]
        if len(lines) > _MIN_BISECTED_LINES:
            half = len(lines) // 2
            self._bisect_csv(index, columns, lines[:half])
            self._bisect_csv(index, columns, lines[half:])
        else:
            self._read_each(index, lines)

    def _add_csv_lines(self, index: int, columns: tuple[str, ...], content: bytes, numbers: CodeArray) -> bool:
        """Read lines of CSV that have these numbers, none of them blank; returns whether Arrow reads all of them."""
        read = read_csv_lines(content, len(numbers), columns, self.metrics)
        if read is not None:
            self._count_ignored(columns, len(numbers))
            self._add(np.full(len(numbers), index, np.int32), numbers, read, lambda: content.split(b"\n"))
        return read is not None

    def _read_each(self, index: int, lines: Iterable[tuple[int, bytes]]) -> None:
        """Read lines one by one; a bad one becomes a dead letter."""
        message = self.messages[index]
        rows, kept, numbers = [], [], []
        for number, line in lines:
            known = self.repeated.get(line)
            if known is not None:
                self._letters(index).add(number, line, known)
                continue
            try:
                rows.append(self._read_line(line, message.columns))
            except RejectionError as rejection:
                self._letters(index).add(number, line, _explain(rejection, message))
            else:
                kept.append(line)
                numbers.append(number)
        if rows:
            self._count_ignored(message.columns or (), len(rows))
            columns = DecodedColumns(
                np.array([row.ts for row in rows]),
                *number_names([row.device for row in rows]),
                np.array([row.values for row in rows], np.float64).reshape(len(rows), -1).T,
            )
            self._add(np.full(len(rows), index, np.int32), np.array(numbers, np.int32), columns, lambda: kept)

    def _read_line(self, line: bytes, columns: tuple[str, ...] | None) -> DecodedRow:
        """Return the reading of a line.

        Raises:
            RejectionError: if it is none; that of a short line is remembered.
        """
        try:
            return self.decoder.read_line(line) if columns is None else read_csv_line(line, columns, self.decoder)
        except RejectionError as rejection:
            if len(line) <= _REPEATED_BYTES and len(self.repeated) < _MOST_REPEATED:
                self.repeated[line] = RejectionError(rejection.reason, rejection.error)
            raise

    def _letters(self, index: int) -> LineLetters:
        if index not in self.letters:
            self.letters[index] = LineLetters(self.messages[index], STAGE)
        return self.letters[index]

    def _count_ignored(self, columns: tuple[str, ...], rows: int) -> None:
        unknown = [name for name in columns if name not in {"ts", "device", *self.metrics, *READING_UNITS}]
        self.ignored.update(dict.fromkeys(unknown, rows))

    def _add(
        self, where: CodeArray, line: CodeArray, columns: DecodedColumns, lines: Callable[[], Sequence[bytes]]
    ) -> None:
        """Convert seconds to event times, reject impossible ones, and keep the rest as a batch.

        Args:
            where: (N,) index of the message of each row.
            line: (N,) number of the line of each row in its message.
            columns: the N rows.
            lines: returns the N lines, if one has to be rejected.
        """
        messages = self.messages
        shift, exempt, broken = _shifts_of(messages)
        published = messages.publish_us != UNKNOWN_US
        latest = latest_event_times_us(messages.publish_us, published)
        with np.errstate(over="ignore"):
            possible = np.clip(np.rint(columns.ts * 1e6), -1, float(2**62))
        source_us = possible.astype(np.int64)
        event_us = source_us + shift[where]
        earliest_us = max(self.bounds.earliest_us, 0)
        good = (columns.ts >= 0) & (event_us >= earliest_us) & (event_us < latest[where])
        if broken:
            good &= ~np.isin(where, list(broken))
        if not good.all():
            self._reject_times(np.flatnonzero(~good), where, line, columns.ts, event_us, broken, lines())
        values = columns.values + 0.0  # -0.0 becomes 0.0: decoders differ in which of them -0 is
        batch = ReadingBatch(
            self.metrics, columns.names, columns.device, event_us, source_us, values, messages, where, line
        )
        if not good.all():
            batch = batch.select(good)
        if len(batch):
            self.batches.append(batch)
            bound_us = np.where(published & ~exempt, messages.publish_us + self.bounds.skew_us, LATEST_US)
            self.clock_ahead += int(np.count_nonzero(batch.event_us > bound_us[batch.message]))

    def _reject_times(
        self,
        bad: NDArray[np.intp],
        where: CodeArray,
        line: CodeArray,
        ts: FloatArray,
        event_us: IntArray,
        broken: Mapping[int, str],
        lines: Sequence[bytes],
    ) -> None:
        for row in bad.tolist():
            index, seconds = int(where[row]), float(ts[row])
            error = broken.get(index) or explain_time(seconds, int(event_us[row]), self.bounds)
            self._letters(index).add(int(line[row]), lines[row], RejectionError(Reason.BAD_TIMESTAMP, error))


def _numbered(part: Slice) -> Iterator[tuple[int, bytes]]:
    """Yield the lines that are not blank, with their numbers."""
    return ((number, line) for number, line in enumerate(part.content.split(b"\n"), start=part.first) if line.strip())


def _explain(rejection: RejectionError, message: Message) -> RejectionError:
    """Return a rejection that names the length of a line of a file of which only the beginning was read."""
    told = message.attributes.get(LINE_BYTES, "")
    if rejection.reason is not Reason.TOO_LARGE or not told:
        return rejection
    return RejectionError(Reason.TOO_LARGE, f"line of {told[:40]} bytes, at most {MAX_LINE_BYTES} are read and kept")


def _messages_of_lines(messages: MessageBatch, lines: bytes, total: int) -> CodeArray:
    """Return the index of the message of each of the lines in `bodies`; shape (total,)."""
    if len(messages) in (1, total):
        return np.arange(total, dtype=np.int32) if len(messages) == total else np.zeros(total, np.int32)
    starts = np.append(0, np.flatnonzero(np.frombuffer(lines, np.uint8) == _NEWLINE) + 1)
    return np.searchsorted(messages.ends, starts, side="right").astype(np.int32)


def _shifts_of(messages: MessageBatch) -> tuple[IntArray, BoolArray, dict[int, str]]:
    """Return what the attributes of N messages say of their times.

    Returns:
        (N,) microseconds added to each ts; (N,) whether the replay shifts or speeds up time; by message the error of an
        attribute that is no number.
    """
    shift, exempt = np.zeros(len(messages), np.int64), np.zeros(len(messages), np.bool_)
    broken: dict[int, str] = {}
    for index, attributes in enumerate(messages.attributes):
        if TIME_SHIFT in attributes:
            exempt[index] = True
            try:
                shift[index] = shift_of(attributes)
            except RejectionError as unusable:
                broken[index] = unusable.error
        elif TIME_LAPSE in attributes:
            exempt[index] = True
    return shift, exempt, broken


def shift_of(attributes: Mapping[str, str]) -> int:
    """Return the microseconds that the attributes of a message add to each ts.

    Raises:
        RejectionError: bad_timestamp, if the attribute is not a number of seconds.
    """
    text = attributes.get(TIME_SHIFT, "0")
    try:
        microseconds = float(text) * MICROS
    except ValueError:
        microseconds = float("nan")
    if not abs(microseconds) < 2**60:
        raise RejectionError(Reason.BAD_TIMESTAMP, f"attribute {TIME_SHIFT} {text[:80]!r} is no number of seconds")
    return round(microseconds)


def _has_long_line(payload: bytes) -> bool:
    return len(payload) > MAX_LINE_BYTES and max(map(len, payload.split(b"\n"))) > MAX_LINE_BYTES


def _is_one_document(payload: bytes) -> bool:
    try:
        parse_object(payload)
    except RejectionError as rejection:
        return rejection.reason is Reason.NOT_AN_OBJECT
    return True
