"""Find readings that are too late for a window, and turn them into dead letters."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import pyarrow as pa

from telemetry.arrays import BoolArray
from telemetry.model.dead_letters import Reason, RejectionError, dead_line
from telemetry.model.reading_batch import ReadingBatch
from telemetry.model.record_batches import from_records
from telemetry.model.records import DeadLetter
from telemetry.text.timestamps import format_time
from transforms.decode.codec import read_back
from transforms.windows.aggregate_table import AggregateTable
from transforms.windows.window_spec import WindowSpec


class MissedValues(NamedTuple):
    """Values of readings that came after their windows had closed.

    Attributes:
        table: partial aggregates of those readings.
        message_ids: ids of the messages they came from.
    """

    table: AggregateTable
    message_ids: tuple[str, ...]


def possibly_late_rows(
    batch: ReadingBatch, spec: WindowSpec, watermark_us: int | None
) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Return which readings may be too late, where it is known only later how far the watermark was.

    Without the source's own watermark it is bounded by the time at which a message was published: an
    event-time watermark beyond that would make everything late.
    """
    if watermark_us is not None:
        return spec.too_late(batch.event_us, watermark_us)
    published = np.array([_FAR if m.publish_us is None else m.publish_us for m in batch.messages], np.int64)
    return spec.too_late(batch.event_us, published[batch.message])


_FAR: Final = 2**62


def reject_late(suspects: ReadingBatch, spec: WindowSpec, watermark_us: int) -> pa.RecordBatch | None:
    """Return dead letters of the readings that miss a window; None if there are none."""
    late = spec.too_late(suspects.event_us, watermark_us)
    if not late.any():
        return None
    closed = [spec.missed(event_us, watermark_us) for event_us in suspects.event_us[late].tolist()]
    return too_late(suspects, late, closed, watermark_us)


def too_late(
    batch: ReadingBatch, rows: BoolArray, missed_us: Sequence[tuple[int, int]], watermark_us: int
) -> pa.RecordBatch:
    """Return dead letters for the rows whose windows had closed.

    Args:
        batch: the readings.
        rows: (N,) which of them came too late.
        missed_us: for each of those rows, start of the first and end of the last window that missed it.
        watermark_us: the source's watermark when they arrived.
    """
    letters = []
    late = np.flatnonzero(rows)
    contents = read_back(batch.messages, batch.message[late], batch.line[late])
    for row, (start, end), content in zip(late.tolist(), missed_us, contents, strict=True):
        message = batch.messages[batch.message[row]]
        text = f"window {format_time(start)} to {format_time(end)} had closed, watermark {format_time(watermark_us)}"
        rejection = RejectionError(Reason.TOO_LATE, text)
        line, event_us = int(batch.line[row]), int(batch.event_us[row])
        letters.append(dead_line(message, line, content, rejection, "aggregate", event_us))
    return from_records(DeadLetter, letters)
