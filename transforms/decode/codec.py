"""Decode messages into readings: whole batches at once, and line by line where a line is bad."""

import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from telemetry.arrays import CodeArray
from telemetry.model.dead_letters import WHOLE, Reason, RejectionError, dead_line, dead_message
from telemetry.model.message_batch import UNKNOWN_US, MessageBatch
from telemetry.model.messages import CONTENT_ENCODING, MAX_LINE_BYTES, MAX_MESSAGE_BYTES, ROWS, TIME_SHIFT, Message
from telemetry.model.metrics import READING_UNITS
from telemetry.model.reading_batch import ReadingBatch, concat_batches
from telemetry.model.records import DeadLetter
from telemetry.text.timestamps import MICROS, latest_event_times_us
from transforms.decode.csv_lines import count_lines, read_csv_line, read_csv_lines
from transforms.decode.json_lines import DecodedColumns, count_objects, number_names, parse_object, row_decoder

MAX_INFLATED_BYTES: Final = 64 << 20
"""Largest decompressed size of a message; a larger one is rejected."""
_MIN_BISECTED_LINES: Final = 64  # lines of CSV below which bisecting costs more than reading them one by one
_FIRST_STEP: Final = 4_096  # bytes given to zlib at first: what follows a short gzip member is copied back
STAGE: Final = "decode"
_NEWLINE: Final = 10


@dataclass(slots=True)
class DecodedBatch:
    """Result of decoding some messages: every line is in exactly one of the first two.

    Attributes:
        readings: the rows that could be read; None if there are none.
        rejected: a dead letter for each line, or whole message, that could not.
        ignored: how often each unknown field was skipped.
        messages: number of the messages.
    """

    readings: ReadingBatch | None = None
    rejected: list[DeadLetter] = field(default_factory=list)
    ignored: Counter[str] = field(default_factory=Counter)
    messages: int = 0


def decode(messages: MessageBatch, metrics: tuple[str, ...]) -> DecodedBatch:
    """Decode messages into one batch of readings; never raises for what they contain."""
    work = _Decoding(messages, metrics)
    if not work.add_bodies():
        work.add_messages()
    ignored, work.decoder.ignored = work.decoder.ignored, Counter()
    ignored.update(work.ignored)
    return DecodedBatch(concat_batches(work.batches) if work.batches else None, work.rejected, ignored, len(messages))


def open_payload(message: Message) -> bytes:
    """Return a message's lines, decompressed if necessary.

    Raises:
        RejectionError: bad_encoding (unknown, broken, or inflating past the bound) or too_large.
    """
    payload = message.payload
    if message.columns is None and len(payload) > MAX_MESSAGE_BYTES:
        raise RejectionError(Reason.TOO_LARGE, f"message of {len(payload)} bytes, at most {MAX_MESSAGE_BYTES}")
    encoding = message.attributes.get(CONTENT_ENCODING, "identity").strip().lower()
    if encoding in ("identity", ""):
        return payload
    if encoding != "gzip":
        raise RejectionError(Reason.BAD_ENCODING, f"content-encoding {encoding[:80]!r} is not known, only gzip")
    return _inflate(payload)


def _inflate(payload: bytes) -> bytes:
    parts: list[bytes] = []
    size = start = 0
    while start < len(payload) or not parts:  # gzip allows several members in a row
        member, step = zlib.decompressobj(wbits=31), _FIRST_STEP
        while not member.eof:
            piece = payload[start : start + step]
            if not piece:
                raise RejectionError(Reason.BAD_ENCODING, "gzip that ends too early")
            try:
                parts.append(member.decompress(piece, MAX_INFLATED_BYTES - size + 1))
            except zlib.error as error:
                raise RejectionError(Reason.BAD_ENCODING, f"gzip that does not inflate: {error}") from error
            size += len(parts[-1])
            if size > MAX_INFLATED_BYTES:
                raise RejectionError(Reason.BAD_ENCODING, f"gzip that inflates past {MAX_INFLATED_BYTES} bytes")
            start += len(piece) - len(member.unused_data)
            step *= 4
    return b"".join(parts)


def read_back(messages: Sequence[Message], where: CodeArray, line: CodeArray) -> Iterator[bytes]:
    """Yield the bytes of lines of messages that were decoded before; consecutive lines of a message open it once.

    Args:
        messages: where the lines came from.
        where: (N,) index into `messages`.
        line: (N,) line of the message, from 1; 0 is all of it.
    """
    opened, payload, lines = -1, b"", [b""]
    for index, number in zip(where.tolist(), line.tolist(), strict=True):
        if index != opened:
            opened, payload = index, open_payload(messages[index])
            lines = payload.split(b"\n")
        yield lines[number - 1] if number else payload


def _split(payload: bytes) -> list[tuple[int, bytes]]:
    """Return the lines that are not blank, with their numbers from 1."""
    return [(number, line) for number, line in enumerate(payload.split(b"\n"), start=1) if line.strip()]


class _Decoding:
    """Batches and dead letters of one call of `decode`."""

    def __init__(self, messages: MessageBatch, metrics: tuple[str, ...]) -> None:
        self.messages = messages
        self.metrics = metrics
        self.decoder = row_decoder(metrics)
        self.batches: list[ReadingBatch] = []
        self.rejected: list[DeadLetter] = []
        self.ignored: Counter[str] = Counter()

    def add_bodies(self) -> bool:
        """Read all messages where they lie, without taking them apart; returns whether that can be done."""
        messages = self.messages
        if messages.columns is not None or any(CONTENT_ENCODING in attributes for attributes in messages.attributes):
            return False
        if len(messages) == 0 or int((messages.ends - messages.starts).max()) > MAX_MESSAGE_BYTES:
            return False
        lines = messages.bodies.rstrip(b"\n") if len(messages) == 1 else messages.bodies
        return self._add_json_lines(lines, None)

    def add_messages(self) -> None:
        """Open each message; read those of JSON together, and each of CSV alone."""
        plain: list[tuple[int, bytes]] = []
        for index, message in enumerate(self.messages):
            try:
                payload = open_payload(message)
            except RejectionError as rejection:
                self.rejected.append(dead_message(message, rejection, STAGE))
                continue
            if message.columns is not None:
                self.add_csv(index, message.columns, payload)
            else:
                plain.append((index, payload))
        self._add_json(plain)

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
        self._add_lines(*opened[0])

    def _add_json_lines(self, lines: bytes, where: CodeArray | None) -> bool:
        """Read lines of JSON; returns whether each is a usual object.

        Args:
            lines: N lines.
            where: (N,) index of the message of each line; None if the lines are `bodies`.
        """
        total = count_objects(lines)
        columns = None if total is None else self.decoder.read_lines(lines, total)
        if columns is None:
            return False
        if where is None:
            where = _messages_of_lines(self.messages, lines, len(columns.ts))
        first = np.flatnonzero(np.diff(where, prepend=-1))
        numbers = np.arange(1, len(where) + 1) - np.repeat(first, np.diff(first, append=len(where)))
        self._add(where, numbers.astype(np.int32), columns)
        return True

    def _add_lines(self, index: int, payload: bytes) -> None:
        lines = _split(payload)
        if len(lines) > 1 and _is_one_document(payload):
            lines = [(WHOLE, payload)]  # an object printed over several lines
        if not lines:
            nothing = RejectionError(Reason.NOT_JSON, "the message holds no line")
            self.rejected.append(dead_message(self.messages[index], nothing, STAGE))
        self._read_each(index, lines)

    def add_csv(self, index: int, columns: tuple[str, ...], payload: bytes) -> None:
        """Read a message of CSV as a whole; if that fails, by bisection."""
        content = payload.rstrip(b"\n")
        total = count_lines(content)
        if total is None or not self._add_csv_lines(index, columns, content, np.arange(1, total + 1, dtype=np.int32)):
            self._bisect_csv(index, columns, _split(payload))

    def _bisect_csv(self, index: int, columns: tuple[str, ...], lines: list[tuple[int, bytes]]) -> None:
        """Read lines of CSV in bulk, and halve what Arrow refuses until the unusual lines are alone."""
        if not lines:
            return
        content = b"\n".join(line for _, line in lines)
        numbers = np.fromiter((number for number, _ in lines), np.int32, len(lines))
        if not _has_long_line(content) and self._add_csv_lines(index, columns, content, numbers):
            return
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
            self._add(np.full(len(numbers), index, np.int32), numbers, read)
        return read is not None

    def _read_each(self, index: int, lines: Sequence[tuple[int, bytes]]) -> None:
        message = self.messages[index]
        rows, numbers = [], []
        for number, line in lines:
            try:
                if message.columns is None:
                    rows.append(self.decoder.read_line(line))
                else:
                    rows.append(read_csv_line(line, message.columns, self.decoder))
            except RejectionError as rejection:
                self.rejected.append(dead_line(message, number, line, rejection, STAGE))
            else:
                numbers.append(number)
        if rows:
            self._count_ignored(message.columns or (), len(rows))
            columns = DecodedColumns(
                np.array([row.ts for row in rows]),
                *number_names([row.device for row in rows]),
                np.array([row.values for row in rows], np.float64).reshape(len(rows), -1).T,
            )
            self._add(np.full(len(rows), index, np.int32), np.array(numbers, np.int32), columns)

    def _count_ignored(self, columns: tuple[str, ...], rows: int) -> None:
        unknown = [name for name in columns if name not in {"ts", "device", *self.metrics, *READING_UNITS}]
        self.ignored.update(dict.fromkeys(unknown, rows))

    def _add(self, where: CodeArray, line: CodeArray, columns: DecodedColumns) -> None:
        """Convert seconds to event times, reject impossible ones, and keep the rest as a batch."""
        messages = self.messages
        shift = np.zeros(len(messages), np.int64)
        broken: dict[int, str] = {}
        for index, attributes in enumerate(messages.attributes):
            if TIME_SHIFT in attributes:
                try:
                    shift[index] = shift_of(attributes)
                except RejectionError as unusable:
                    broken[index] = unusable.error
        latest = latest_event_times_us(messages.publish_us, messages.publish_us != UNKNOWN_US)
        with np.errstate(over="ignore"):
            possible = np.clip(np.rint(columns.ts * 1e6), -1, float(2**62))
        source_us = possible.astype(np.int64)
        event_us = source_us + shift[where]
        good = (columns.ts >= 0) & (event_us >= 0) & (event_us < latest[where])
        if broken:
            good &= ~np.isin(where, list(broken))
        bad = np.flatnonzero(~good)
        for row, content in zip(bad.tolist(), read_back(messages, where[bad], line[bad]), strict=True):
            message = messages[where[row]]
            error = broken.get(int(where[row]), f"ts {float(columns.ts[row])} is negative or too far in the future")
            rejection = RejectionError(Reason.BAD_TIMESTAMP, error)
            self.rejected.append(dead_line(message, int(line[row]), content, rejection, STAGE))
        values = columns.values + 0.0  # -0.0 becomes 0.0: decoders differ in which of them -0 is
        batch = ReadingBatch(
            self.metrics, columns.names, columns.device, event_us, source_us, values, messages, where, line
        )
        if not good.all():
            batch = batch.select(good)
        if len(batch):
            self.batches.append(batch)


def _messages_of_lines(messages: MessageBatch, lines: bytes, total: int) -> CodeArray:
    """Return the index of the message of each of the lines in `bodies`; shape (total,)."""
    if len(messages) in (1, total):
        return np.arange(total, dtype=np.int32) if len(messages) == total else np.zeros(total, np.int32)
    starts = np.append(0, np.flatnonzero(np.frombuffer(lines, np.uint8) == _NEWLINE) + 1)
    return np.searchsorted(messages.ends, starts, side="right").astype(np.int32)


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


_MOST_DIGITS: Final = 9  # of the number of lines in a message


def rows_of(message: Message) -> int:
    """Return the number of lines of a message: its attribute, else counted; 1 if it cannot be opened."""
    told = message.attributes.get(ROWS, "")
    if told.isascii() and told.isdecimal() and len(told) <= _MOST_DIGITS:
        return int(told)
    try:
        payload = open_payload(message)
    except RejectionError:
        return 1
    return sum(1 for line in payload.split(b"\n") if line.strip())
