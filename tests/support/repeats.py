"""Find repeated readings one at a time with a set: the plain computation that `DropRepeats` is compared with."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from telemetry.model.reading_batch import ReadingBatch


class ReadingArrival(NamedTuple):
    """One reading, and the watermark of its source when it came, microseconds; None if that is unknown."""

    device: str
    event_us: int
    metrics: frozenset[str]
    watermark_us: int | None = None


def arrivals_of(batch: ReadingBatch) -> list[ReadingArrival]:
    """Return the readings of a batch."""
    return [
        ReadingArrival(
            batch.devices[batch.device[n]],
            int(batch.event_us[n]),
            frozenset(
                name for name, value in zip(batch.metrics, batch.values[:, n], strict=True) if not np.isnan(value)
            ),
            batch.messages.watermark_us,
        )
        for n in range(len(batch))
    ]


def expected_repeats(arrivals: Sequence[ReadingArrival], memory_us: int) -> list[bool]:
    """Return which arrivals are repeats; one that the watermark has left behind by more than the memory never is."""
    seen: set[tuple[str, int, frozenset[str]]] = set()
    newest_us = -(2**62)
    repeats = []
    for one in arrivals:
        newest_us = max(newest_us, newest_us if one.watermark_us is None else one.watermark_us)
        key = one.device, one.event_us, one.metrics
        is_remembered = one.event_us >= newest_us - memory_us
        repeats.append(is_remembered and key in seen)
        if is_remembered:
            seen.add(key)
    return repeats
