"""Small batches of readings for tests, written as rows."""

from collections.abc import Sequence

import numpy as np

from telemetry.model.message_batch import MessageBatch
from telemetry.model.messages import Message
from telemetry.model.reading_batch import ReadingBatch
from transforms.windows.window_spec import WindowSpec

METRICS = ("humidity", "temp")
NAN = float("nan")
MINUTE = 60_000_000
"""Microseconds."""
BY_MINUTE = WindowSpec(MINUTE, MINUTE)

Row = tuple[str, int, float, float]
"""Device, event time in microseconds, humidity, temp."""


def batch_of(rows: Sequence[Row], message_id: str = "m", shift_us: int = 0) -> ReadingBatch:
    """One message of these rows, a line each; the source time is `shift_us` before the event time."""
    devices = tuple(dict.fromkeys(row[0] for row in rows))
    event_us = np.array([row[1] for row in rows], np.int64)
    payload = b"\n".join(repr(row).encode() for row in rows)
    return ReadingBatch(
        metrics=METRICS,
        devices=devices,
        device=np.array([devices.index(row[0]) for row in rows], np.int32),
        event_us=event_us,
        source_us=event_us - shift_us,
        values=np.array([row[2:] for row in rows], np.float64).reshape(len(rows), 2).T.copy(),
        messages=MessageBatch.of([Message(payload, {}, message_id)]),
        message=np.zeros(len(rows), np.int32),
        line=np.arange(1, len(rows) + 1, dtype=np.int32),
    )


def rows_of(batch: ReadingBatch) -> list[tuple[str, int, int, list[str], str, int]]:
    """All that a batch says, a tuple a row: device, times, values as text (so that NaN is equal), message, line."""
    return [
        (
            batch.devices[batch.device[n]],
            int(batch.event_us[n]),
            int(batch.source_us[n]),
            [repr(value) for value in batch.values[:, n].tolist()],
            batch.messages[batch.message[n]].message_id,
            int(batch.line[n]),
        )
        for n in range(len(batch))
    ]
