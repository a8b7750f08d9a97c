"""Find readings that are too late for a window, and turn them into dead letters."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import msgspec
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from telemetry.arrays import BoolArray, CodeArray, IntArray
from telemetry.model.dead_letters import Reason, RejectionError
from telemetry.model.line_letters import LineLetters
from telemetry.model.message_batch import UNKNOWN_US
from telemetry.model.messages import Message
from telemetry.model.reading_batch import ReadingBatch
from telemetry.model.record_batches import from_records
from telemetry.model.records import DeadLetter
from telemetry.text.timestamps import format_time
from transforms.decode.payloads import raw_rows
from transforms.windows.aggregate_table import AggregateTable
from transforms.windows.window_spec import WindowSpec

_STAGE: Final = "aggregate"
_NEVER_US: Final = 2**62


class MissedValues(NamedTuple):
    """Values of readings that came after their windows had closed.

    Attributes:
        table: partial aggregates of those readings.
        message_ids: ids of the messages they came from.
    """

    table: AggregateTable
    message_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PossiblyLateRows:
    """N rows of messages that become dead letters if a window of theirs has closed.

    Attributes:
        event_us: (N,) event time, microseconds UTC.
        messages: messages that the rows came from, without their payloads: those of a message may go to many places.
        message: (N,) index into `messages`.
        line: (N,) line within the message, from 1; 0 where the reading is the whole message.
        contents: N lines as they were received, after decompression.
    """

    event_us: IntArray
    messages: tuple[Message, ...]
    message: CodeArray
    line: CodeArray
    contents: tuple[bytes, ...]

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.event_us)


def find_possibly_late(batch: ReadingBatch, spec: WindowSpec, watermark_us: int | None) -> BoolArray:
    """Return which readings may be too late, before it is known how far the watermark was.

    Without the source's own watermark the publish time of a message is its upper bound: an
    event-time watermark beyond that would make every reading late.

    Args:
        batch: N readings.
        spec: windows and lateness.
        watermark_us: the source's watermark, microseconds UTC; None if it is unknown.

    Returns:
        A mask of shape (N,).
    """
    if watermark_us is not None:
        return spec.too_late(batch.event_us, watermark_us)
    published_us = batch.messages.publish_us
    bound_us = np.where(published_us == UNKNOWN_US, _NEVER_US, published_us)
    return spec.too_late(batch.event_us, bound_us[batch.message])


def select_rows(batch: ReadingBatch, rows: NDArray[np.intp]) -> PossiblyLateRows:
    """Return the rows with these indices, with their lines and only the messages they came from."""
    return pick_rows(batch, rows, raw_rows(batch, rows))


def pick_rows(batch: ReadingBatch, rows: NDArray[np.intp], contents: Sequence[bytes]) -> PossiblyLateRows:
    """Return the rows with these indices, with only the messages they came from; `contents` are the rows' lines."""
    used, message = np.unique(batch.message[rows], return_inverse=True)
    messages = tuple([without_payload(batch.messages[index]) for index in used.tolist()])
    return PossiblyLateRows(batch.event_us[rows], messages, message.astype(np.int32), batch.line[rows], tuple(contents))


def without_payload(message: Message) -> Message:
    """Return a message without its payload."""
    return msgspec.structs.replace(message, payload=b"")


def reject_late(rows: PossiblyLateRows, spec: WindowSpec, watermark_us: int) -> pa.RecordBatch | None:
    """Return dead letters of the rows that miss a window; None if there are none."""
    late = spec.too_late(rows.event_us, watermark_us)
    if not late.any():
        return None
    missed_us = [spec.missed(event_us, watermark_us) for event_us in rows.event_us[late].tolist()]
    return dead_letters_of(rows, late, missed_us, watermark_us)


def dead_letters_of(
    rows: PossiblyLateRows, late: BoolArray, missed_us: Sequence[tuple[int, int]], watermark_us: int
) -> pa.RecordBatch:
    """Return dead letters for the rows whose windows had closed.

    Args:
        rows: N rows.
        late: (N,) which of them came too late.
        missed_us: for each of those rows, start of the first and end of the last window that it missed.
        watermark_us: the watermark when they arrived.
    """
    letters: dict[int, LineLetters] = {}
    for row, (start, end) in zip(np.flatnonzero(late).tolist(), missed_us, strict=True):
        index = int(rows.message[row])
        if index not in letters:
            letters[index] = LineLetters(rows.messages[index], _STAGE)
        text = f"window {format_time(start)} to {format_time(end)} had closed, watermark {format_time(watermark_us)}"
        rejection = RejectionError(Reason.TOO_LATE, text)
        line, event_us = int(rows.line[row]), int(rows.event_us[row])
        letters[index].add(line, rows.contents[row], rejection, event_us)
    return from_records(DeadLetter, [letter for one in letters.values() for letter in one.take()])
