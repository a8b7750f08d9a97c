"""Remember the keys of messages, in sorted arrays."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, Final

import numpy as np

from telemetry.model.messages import MESSAGE_KEY, Message
from transforms.shuffle.versioned import frame, unframe

_KEY_BYTES: Final = 16
_KEY: Final = np.dtype(
    f"S{_KEY_BYTES}"
)  # keys have the same length, so that NumPy's padding makes no two of them equal
_MICROS: Final = np.dtype("<i8")
_FORMAT: Final = 1  # padding, then `newest_us`, `published_us` and `keys` as their little-endian values
_PADDING: Final = b"\0" * 7  # with the format number 8 bytes: the arrays are read in place, and need to be aligned
_UNKNOWN_US: Final = -(2**62)


def key_of(message: Message) -> bytes | None:
    """Return the key of a message, which has 16 bytes; None if nothing identifies the message.

    The key is a digest of the attribute `message_key`, which a publisher keeps when it sends again; without
    it (or if it is empty) of the message id, which Pub/Sub keeps when it delivers again.
    """
    name = message.attributes.get(MESSAGE_KEY)
    kind, name = ("key", name) if name else ("id", message.message_id)
    if not name:
        return None
    return blake2b(f"{kind} {name}".encode("utf-8", "surrogatepass"), digest_size=_KEY_BYTES).digest()


@dataclass(frozen=True, slots=True)
class KeyMemory:
    """Keys of messages that arrived before.

    A key is remembered with the publish time of its message, and forgotten once a message is published more than the
    window after that; a duplicate does not prolong it.

    Attributes:
        newest_us: latest publish time of any message, microseconds UTC.
        keys: (N,) keys of 16 bytes, each once, sorted.
        published_us: (N,) publish time of the message of each key, microseconds UTC.
    """

    newest_us: int = _UNKNOWN_US
    keys: np.ndarray[Any, np.dtype[np.bytes_]] = field(default_factory=lambda: np.empty(0, _KEY))
    published_us: np.ndarray[Any, np.dtype[np.int64]] = field(default_factory=lambda: np.empty(0, _MICROS))

    def __len__(self) -> int:
        """Return the number of keys."""
        return len(self.keys)

    def check(
        self, keys: Sequence[bytes | None], published_us: Sequence[int], window_us: int
    ) -> tuple[list[bool], "KeyMemory"]:
        """Tell new messages from duplicates. The result does not depend on how messages are divided into calls.

        Args:
            keys: key of each message, None for one that has none: it is always new.
            published_us: publish time of each, microseconds UTC.
            window_us: how long a key is remembered, microseconds. A message published exactly so long after
                its first is still a duplicate. One published longer than that before the newest is not
                remembered, and so always new.

        Returns:
            Whether each message is new, and the memory afterwards.
        """
        known = self._published(keys)
        newest = self.newest_us
        added: dict[bytes, int] = {}
        new: list[bool] = []
        for key, published, first in zip(keys, published_us, known, strict=True):
            newest = max(newest, published)
            if key is None:
                new.append(True)
                continue
            first = added.get(key, first)
            if first is None or first < newest - window_us:
                added[key] = published
                new.append(True)
            else:
                new.append(False)
        return new, self._with(added, newest, newest - window_us)

    def _published(self, keys: Sequence[bytes | None]) -> list[int | None]:
        """Return the publish time that each key is remembered with; None for one that is not remembered."""
        if not len(self):
            return [None] * len(keys)
        wanted = np.array([key or b"" for key in keys], _KEY)
        at = np.minimum(np.searchsorted(self.keys, wanted), len(self) - 1)
        found = (self.keys[at] == wanted).tolist()
        times = self.published_us[at].tolist()
        return [published if hit else None for published, hit in zip(times, found, strict=True)]

    def _with(self, added: dict[bytes, int], newest_us: int, oldest_us: int) -> "KeyMemory":
        """Return this memory with new keys, without keys that are too old; a key that is added again was too old."""
        keys, published_us = self.keys, self.published_us
        fresh = published_us >= oldest_us
        if not fresh.all():
            keys, published_us = keys[fresh], published_us[fresh]
        added = {key: published for key, published in added.items() if published >= oldest_us}
        if added:
            new_keys, new_times = np.array(list(added), _KEY), np.array(list(added.values()), _MICROS)
            order = np.argsort(new_keys)
            new_keys, new_times = new_keys[order], new_times[order]
            at = np.searchsorted(keys, new_keys)
            keys, published_us = np.insert(keys, at, new_keys), np.insert(published_us, at, new_times)
        return KeyMemory(newest_us, keys, published_us)


def encode_key_memory(memory: KeyMemory) -> bytes:
    """Return a memory as versioned bytes: 24 for each key, and 16."""
    newest = np.array(memory.newest_us, _MICROS)
    content = b"".join((_PADDING, newest.tobytes(), memory.published_us.tobytes(), memory.keys.tobytes()))
    return frame(_FORMAT, content)


def decode_key_memory(content: bytes | None) -> KeyMemory:
    """Return the memory that was encoded; an empty one for None.

    Raises:
        FormatError: if the bytes are in a format that this version does not know.
    """
    if content is None:
        return KeyMemory()
    _, encoded = unframe("memory of message keys", content, (_FORMAT,))
    arrays = encoded[len(_PADDING) :]
    length = (len(arrays) - _MICROS.itemsize) // (_MICROS.itemsize + _KEY_BYTES)
    times = np.frombuffer(arrays, _MICROS, 1 + length)
    return KeyMemory(int(times[0]), np.frombuffer(arrays, _KEY, length, times.nbytes), times[1:])
