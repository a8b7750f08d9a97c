"""Which messages have come before: by what a message is known, and a memory of that in sorted arrays."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, Final

import numpy as np

from telemetry.model.messages import MESSAGE_KEY, Message

_KEY_BYTES: Final = 16
_KEY: Final = np.dtype(f"S{_KEY_BYTES}")  # keys have one length: that NumPy pads with zeros makes none of them equal
_MICROS: Final = np.dtype("<i8")
_UNKNOWN_US: Final = -(2**62)


def key_of(message: Message) -> bytes | None:
    """Return 16 bytes by which a message is known; None if nothing tells it from others.

    They are a digest of the attribute `message_key`, which a publisher keeps when it sends again; without
    it (or if it is empty) of the message id, which Pub/Sub keeps when it delivers again.
    """
    name = message.attributes.get(MESSAGE_KEY)
    kind, name = ("key", name) if name else ("id", message.message_id)
    if not name:
        return None
    return blake2b(f"{kind} {name}".encode("utf-8", "surrogatepass"), digest_size=_KEY_BYTES).digest()


@dataclass(frozen=True, slots=True)
class KeyMemory:
    """The keys of messages that came before.

    A key is remembered under the time at which its message was published, and forgotten once a message is
    published more than the window after that; being met again does not prolong it.

    Attributes:
        newest_us: latest time at which any message was published, microseconds UTC.
        keys: (N,) keys of 16 bytes, each once, sorted.
        published_us: (N,) when the message of each key was published, microseconds UTC.
    """

    newest_us: int = _UNKNOWN_US
    keys: np.ndarray[Any, np.dtype[np.bytes_]] = field(default_factory=lambda: np.empty(0, _KEY))
    published_us: np.ndarray[Any, np.dtype[np.int64]] = field(default_factory=lambda: np.empty(0, _MICROS))

    def __len__(self) -> int:
        return len(self.keys)

    def meet(
        self, keys: Sequence[bytes | None], published_us: Sequence[int], window_us: int
    ) -> tuple[list[bool], "KeyMemory"]:
        """Judge messages one after the other; however they are cut into calls, the answers are the same.

        Args:
            keys: key of each message, None for one that has none: it is always new.
            published_us: when each was published, microseconds UTC.
            window_us: how long a key is remembered, microseconds. A message published exactly so long after
                its first is still a duplicate. One published longer than that before the newest is not
                remembered, and so always new.

        Returns:
            Whether each message is new, and what is remembered afterwards.
        """
        known = self._published(keys)
        newest = self.newest_us
        met: dict[bytes, int] = {}
        new: list[bool] = []
        for key, moment, first in zip(keys, published_us, known, strict=True):
            newest = max(newest, moment)
            if key is None:
                new.append(True)
                continue
            first = met.get(key, first)
            if first is None or first < newest - window_us:
                met[key] = moment
                new.append(True)
            else:
                new.append(False)
        return new, self._with(met, newest, newest - window_us)

    def _published(self, keys: Sequence[bytes | None]) -> list[int | None]:
        """Return under which time each key is remembered; None for one that is not."""
        if not len(self):
            return [None] * len(keys)
        wanted = np.array([key or b"" for key in keys], _KEY)
        at = np.minimum(np.searchsorted(self.keys, wanted), len(self) - 1)
        found = (self.keys[at] == wanted).tolist()
        moments = self.published_us[at].tolist()
        return [moment if hit else None for moment, hit in zip(moments, found, strict=True)]

    def _with(self, met: dict[bytes, int], newest_us: int, oldest_us: int) -> "KeyMemory":
        """Return this with keys that were new, without all that are older; a key met anew was too old before."""
        keys, published_us = self.keys, self.published_us
        fresh = published_us >= oldest_us
        if not fresh.all():
            keys, published_us = keys[fresh], published_us[fresh]
        met = {key: moment for key, moment in met.items() if moment >= oldest_us}
        if met:
            added, moments = np.array(list(met), _KEY), np.array(list(met.values()), _MICROS)
            order = np.argsort(added)
            added, moments = added[order], moments[order]
            at = np.searchsorted(keys, added)
            keys, published_us = np.insert(keys, at, added), np.insert(published_us, at, moments)
        return KeyMemory(newest_us, keys, published_us)


def encode_key_memory(seen: KeyMemory) -> bytes:
    """Return what is remembered as bytes: 24 for each key, and 8."""
    return b"".join((np.array(seen.newest_us, _MICROS).tobytes(), seen.published_us.tobytes(), seen.keys.tobytes()))


def decode_key_memory(content: bytes | None) -> KeyMemory:
    """Return what was encoded; nothing remembered for None."""
    if content is None:
        return KeyMemory()
    length = (len(content) - _MICROS.itemsize) // (_MICROS.itemsize + _KEY_BYTES)
    moments = np.frombuffer(content, _MICROS, 1 + length)
    return KeyMemory(int(moments[0]), np.frombuffer(content, _KEY, length, moments.nbytes), moments[1:])
