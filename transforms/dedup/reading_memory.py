"""Remember the readings that came before, in sorted arrays."""

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from telemetry.arrays import BoolArray
from transforms.dedup.reading_keys import ReadingKeys
from transforms.shuffle.versioned import frame, unframe

_MICROS: Final = np.dtype("<i8")
_DIGEST: Final = np.dtype("<u8")
_FORMAT: Final = 1  # padding, then `watermark_us`, `event_us` and `digest` as their little-endian values
_PADDING: Final = b"\0" * 7  # with the format number 8 bytes: the arrays are read in place, and need to be aligned
_UNKNOWN_US: Final = -(2**62)


def _no_keys() -> ReadingKeys:
    return ReadingKeys(np.empty(0, _MICROS), np.empty(0, _DIGEST))


@dataclass(frozen=True, slots=True)
class ReadingMemory:
    """Keys of readings that came before.

    A reading is remembered until the watermark is more than a duration ahead of its event time. One that comes later
    than that is not remembered, and so never a repeat.

    Attributes:
        watermark_us: the latest watermark that is known, microseconds UTC.
        keys: of the readings, each once, sorted by event time and digest.
    """

    watermark_us: int = _UNKNOWN_US
    keys: ReadingKeys = field(default_factory=_no_keys)

    def __len__(self) -> int:
        """Return the number of readings."""
        return len(self.keys)

    def check(self, keys: ReadingKeys, watermark_us: int | None, memory_us: int) -> tuple[BoolArray, "ReadingMemory"]:
        """Tell repeats from readings that are new. The result does not depend on how readings are divided into calls.

        Args:
            keys: of N readings, in the order in which they came.
            watermark_us: of their source when they came, microseconds UTC; None if it is unknown.
            memory_us: how long a reading is remembered, microseconds.

        Returns:
            Which of them are repeats, shape (N,), and the memory afterwards.
        """
        memory = self if watermark_us is None else self.forget(watermark_us, memory_us)
        order = keys.order()
        arrived = keys.select(order)
        places, is_known = _find(memory.keys, arrived)
        again = arrived.again()
        in_time = arrived.event_us >= memory.watermark_us - memory_us
        repeats = np.empty(len(keys), np.bool_)
        repeats[order] = (is_known | again) & in_time
        new = ~(is_known | again) & in_time
        return repeats, memory._with(arrived.select(new), places[new])

    def forget(self, watermark_us: int, memory_us: int) -> "ReadingMemory":
        """Return what is remembered when the watermark has advanced; one that is behind changes nothing."""
        if watermark_us <= self.watermark_us:
            return self
        first = int(np.searchsorted(self.keys.event_us, watermark_us - memory_us))
        return ReadingMemory(watermark_us, self.keys.select(slice(first, None)) if first else self.keys)

    def _with(self, new: ReadingKeys, places: NDArray[np.intp]) -> "ReadingMemory":
        """Return this memory with sorted keys that it lacks, each before the one that is in its place now."""
        if not len(new):
            return self
        event_us = np.insert(self.keys.event_us, places, new.event_us)
        return ReadingMemory(self.watermark_us, ReadingKeys(event_us, np.insert(self.keys.digest, places, new.digest)))


def _find(known: ReadingKeys, wanted: ReadingKeys) -> tuple[NDArray[np.intp], BoolArray]:
    """Return where each wanted key is among sorted ones, or would have to be inserted, and whether it is there."""
    place = np.searchsorted(known.event_us, wanted.event_us)
    ends = np.searchsorted(known.event_us, wanted.event_us, side="right")
    end = ends
    while (open_ := place < end).any():  # between readings of the same time all digests are bisected at once
        middle = (place + end) // 2
        less = known.digest[np.where(open_, middle, 0)] < wanted.digest
        place = np.where(open_ & less, middle + 1, place)
        end = np.where(open_ & ~less, middle, end)
    found = place < ends
    found[found] = known.digest[place[found]] == wanted.digest[found]
    return place, found


def encode_reading_memory(memory: ReadingMemory) -> bytes:
    """Return a memory as versioned bytes: 16 for each reading, and 16."""
    watermark: NDArray[Any] = np.array(memory.watermark_us, _MICROS)
    event_us, digest = memory.keys.event_us.astype(_MICROS), memory.keys.digest.astype(_DIGEST)
    return frame(_FORMAT, b"".join((_PADDING, watermark.tobytes(), event_us.tobytes(), digest.tobytes())))


def decode_reading_memory(content: bytes | None) -> ReadingMemory:
    """Return the memory that was encoded; an empty one for None.

    Raises:
        FormatError: if the bytes are in a format that this version does not know.
    """
    if content is None:
        return ReadingMemory()
    _, encoded = unframe("memory of readings", content, (_FORMAT,))
    arrays = encoded[len(_PADDING) :]
    length = (len(arrays) - _MICROS.itemsize) // (_MICROS.itemsize + _DIGEST.itemsize)
    times = np.frombuffer(arrays, _MICROS, 1 + length)
    return ReadingMemory(int(times[0]), ReadingKeys(times[1:], np.frombuffer(arrays, _DIGEST, length, times.nbytes)))
