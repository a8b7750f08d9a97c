"""Messages to readings: whole batches at once, and line by line where something is wrong."""

import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from telemetry.arrays import CodeArray
from telemetry.model.dead_letters import WHOLE, Reason, RejectionError, dead_line, dead_message
from telemetry.model.messages import CONTENT_ENCODING, MAX_LINE_BYTES, MAX_MESSAGE_BYTES, ROWS, TIME_SHIFT, Message
from telemetry.model.metrics import READING_UNITS
from telemetry.model.reading_batch import ReadingBatch, concat_batches
from telemetry.model.records import DeadLetter
from telemetry.text.timestamps import MICROS, latest_event_us
from transforms.decode.csv_lines import count_lines, read_csv_line, read_csv_lines
from transforms.decode.json_lines import DecodedColumns, count_objects, number_names, parse_object, row_decoder

MAX_INFLATED_BYTES: Final = 64 << 20
"""A compressed message that inflates past this is refused."""
_SMALLEST_PIECE: Final = 64  # lines of CSV below which bisecting further costs more than reading one by one
_FIRST_STEP: Final = 4_096  # bytes given to zlib at first: what follows a short gzip member is copied back
STAGE: Final = "decode"


@dataclass(slots=True)
class DecodedBatch:
    """What became of some messages: every line is in exactly one of the first two.

    Attributes:
        readings: the rows that could be read; None if there are none.
        rejected: a dead letter for each line, or whole message, that could not.
        ignored: how often each unknown field was skipped.
    """

    readings: ReadingBatch | None = None
    rejected: list[DeadLetter] = field(default_factory=list)
    ignored: Counter[str] = field(default_factory=Counter)


def decode(messages: Sequence[Message], metrics: tuple[str, ...]) -> DecodedBatch:
    """Decode messages into one batch of readings; never raises for what they contain."""
    decoder = row_decoder(metrics)
    work = _Decoding(metrics)
    plain: list[tuple[Message, bytes]] = []
    for message in messages:
        try:
            payload = open_payload(message)
        except RejectionError as rejection:
            work.rejected.append(dead_message(message, rejection, STAGE))
            continue
        if message.columns is not None:
            work.add_csv(message, message.columns, payload)
        else:
            plain.append((message, payload))
    work.add_json(plain)
    ignored, decoder.ignored = decoder.ignored, Counter()
    ignored.update(work.ignored)
    return DecodedBatch(concat_batches(work.batches) if work.batches else None, work.rejected, ignored)


def open_payload(message: Message) -> bytes:
    """Return a message's lines, inflated if need be.

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
    """Yield the bytes of lines of messages that were decoded before; a run of one message opens it once.

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
    """Return the lines that hold anything, with their numbers from 1."""
    return [(number, line) for number, line in enumerate(payload.split(b"\n"), start=1) if line.strip()]


class _Decoding:
    """Collects the batches and dead letters of one call of `decode`."""

    def __init__(self, metrics: tuple[str, ...]) -> None:
        self.metrics = metrics
        self.decoder = row_decoder(metrics)
        self.batches: list[ReadingBatch] = []
        self.rejected: list[DeadLetter] = []
        self.ignored: Counter[str] = Counter()

    def add_json(self, opened: Sequence[tuple[Message, bytes]]) -> None:
        """Read all messages in one go; if that fails each on its own; if that fails line by line."""
        if not opened:
            return
        payloads = [payload.rstrip(b"\n") for _, payload in opened]
        lines = payloads[0] if len(payloads) == 1 else b"\n".join(payloads)
        total = count_objects(lines)
        if total is not None:
            columns = self.decoder.read_lines(lines, total)
            if columns is not None:
                rows = np.array([total] if len(opened) == 1 else [p.count(b"\n") + 1 for p in payloads], np.int32)
                messages = tuple(message for message, _ in opened)
                where = np.repeat(np.arange(len(messages), dtype=np.int32), rows)
                first = np.repeat(np.cumsum(rows, dtype=np.int32) - rows, rows)
                self._add(messages, where, np.arange(1, len(where) + 1, dtype=np.int32) - first, columns)
                return
        if len(opened) > 1:
            for one in opened:
                self.add_json([one])
            return
        self._add_lines(*opened[0])

    def _add_lines(self, message: Message, payload: bytes) -> None:
        lines = _split(payload)
        if len(lines) > 1 and _is_one_document(payload):
            lines = [(WHOLE, payload)]  # an object printed over several lines
        if not lines:
            nothing = RejectionError(Reason.NOT_JSON, "the message holds no line")
            self.rejected.append(dead_message(message, nothing, STAGE))
        self._read_each(message, lines)

    def add_csv(self, message: Message, columns: tuple[str, ...], payload: bytes) -> None:
        """Read a message of CSV in one go; if that fails in pieces."""
        content = payload.rstrip(b"\n")
        total = count_lines(content)
        if total is None or not self._add_csv_lines(message, columns, content, np.arange(1, total + 1, dtype=np.int32)):
            self._add_csv_pieces(message, columns, _split(payload))

    def _add_csv_pieces(self, message: Message, columns: tuple[str, ...], lines: list[tuple[int, bytes]]) -> None:
        """Read lines of CSV in bulk, halving what Arrow refuses until the odd lines stand alone."""
        if not lines:
            return
        content = b"\n".join(line for _, line in lines)
        numbers = np.fromiter((number for number, _ in lines), np.int32, len(lines))
        if not _has_long_line(content) and self._add_csv_lines(message, columns, content, numbers):
            return
        if len(lines) > _SMALLEST_PIECE:
            half = len(lines) // 2
            self._add_csv_pieces(message, columns, lines[:half])
            self._add_csv_pieces(message, columns, lines[half:])
        else:
            self._read_each(message, lines)

    def _add_csv_lines(self, message: Message, columns: tuple[str, ...], content: bytes, numbers: CodeArray) -> bool:
        """Read lines of CSV that have these numbers, none of them blank; returns whether Arrow reads all of them."""
        read = read_csv_lines(content, len(numbers), columns, self.metrics)
        if read is not None:
            self._count_ignored(columns, len(numbers))
            self._add((message,), np.zeros(len(numbers), np.int32), numbers, read)
        return read is not None

    def _read_each(self, message: Message, lines: Sequence[tuple[int, bytes]]) -> None:
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
            self._add((message,), np.zeros(len(rows), np.int32), np.array(numbers, np.int32), columns)

    def _count_ignored(self, columns: tuple[str, ...], rows: int) -> None:
        unknown = [name for name in columns if name not in {"ts", "device", *self.metrics, *READING_UNITS}]
        self.ignored.update(dict.fromkeys(unknown, rows))

    def _add(self, messages: tuple[Message, ...], where: CodeArray, line: CodeArray, columns: DecodedColumns) -> None:
        """Turn seconds into event times, reject the impossible ones, and keep the rest as a batch."""
        shift = np.zeros(len(messages), np.int64)
        latest = np.empty(len(messages), np.int64)
        broken: dict[int, str] = {}
        for i, message in enumerate(messages):
            latest[i] = latest_event_us(message.publish_us)
            if TIME_SHIFT in message.attributes:
                try:
                    shift[i] = shift_of(message)
                except RejectionError as unusable:
                    broken[i] = unusable.error
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
        values = columns.values + 0.0  # -0.0 becomes 0.0: it depends on the decoder which of them -0 is
        batch = ReadingBatch(
            self.metrics, columns.names, columns.device, event_us, source_us, values, messages, where, line
        )
        if not good.all():
            batch = batch.select(good)
        if len(batch):
            self.batches.append(batch)


def shift_of(message: Message) -> int:
    """Return the microseconds that the message's attributes add to each ts.

    Raises:
        RejectionError: bad_timestamp, if the attribute is not a number of seconds.
    """
    text = message.attributes.get(TIME_SHIFT, "0")
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
    """Return how many lines a message holds: as its attribute tells, else counted; 1 if it cannot be opened."""
    told = message.attributes.get(ROWS, "")
    if told.isascii() and told.isdecimal() and len(told) <= _MOST_DIGITS:
        return int(told)
    try:
        payload = open_payload(message)
    except RejectionError:
        return 1
    return sum(1 for line in payload.split(b"\n") if line.strip())
