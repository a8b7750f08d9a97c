"""Keep the panes and the watermark of the windows of one key, as state beside their tables."""

from collections.abc import Mapping
from typing import Final

import msgspec

from transforms.shuffle.versioned import frame, unframe

UNKNOWN_US: Final = -(2**62)
"""A watermark before all time."""
_FORMAT: Final = 1  # `PaneState` in msgpack, its fields as an array


class PaneState(msgspec.Struct, array_like=True):
    """Panes and watermark of the windows that share a key.

    It outlives the tables: the watermark stays, so that a reading that arrives afterwards is known to be too late
    instead of opening its window again.

    Attributes:
        watermark_us: the watermark that this key has seen, microseconds UTC.
        panes: number of panes that each window has had, by its start in microseconds UTC.
        unreported: starts of windows with readings that are in no pane yet.
        awaiting_end: starts of windows whose end has not been reported yet.
        hour_buckets: starts of the hour buckets that hold tables, and will be closed, microseconds UTC.
        table_count: number of tables in state.
        early_is_set: whether an early firing is due.
    """

    watermark_us: int = UNKNOWN_US
    panes: dict[int, int] = msgspec.field(default_factory=dict)
    unreported: set[int] = msgspec.field(default_factory=set)
    awaiting_end: set[int] = msgspec.field(default_factory=set)
    hour_buckets: set[int] = msgspec.field(default_factory=set)
    table_count: int = 0
    early_is_set: bool = False

    def advance(self, watermark_us: int | None) -> None:
        """Move the watermark forward; it never moves back."""
        if watermark_us is not None and watermark_us > self.watermark_us:
            self.watermark_us = watermark_us

    def admit(self, ends_us: Mapping[int, int]) -> tuple[list[int], list[int]]:
        """Note that readings arrived for windows, none of which is closed.

        A window stays on time until its end is reported, even if the watermark has passed its end.

        Args:
            ends_us: ends of the windows by their starts, microseconds UTC.

        Returns:
            Starts of windows that are opened, and starts of windows that are late: their end was reported, or was
            before the watermark when their first reading arrived.
        """
        opened, late = [], []
        for start, end in ends_us.items():
            self.panes.setdefault(start, 0)
            self.unreported.add(start)
            if start in self.awaiting_end:
                continue
            if end <= self.watermark_us:
                late.append(start)
            else:
                opened.append(start)
                self.awaiting_end.add(start)
        return opened, late

    def report(self, window_us: int) -> int:
        """Count a pane of a window; returns its index."""
        index = self.panes[window_us]
        self.panes[window_us] = index + 1
        self.unreported.discard(window_us)
        return index

    def close(self, start_us: int, end_us: int) -> None:
        """Forget an hour bucket and the windows that start in it."""
        self.panes = {start: panes for start, panes in self.panes.items() if not start_us <= start < end_us}
        self.unreported &= self.panes.keys()
        self.awaiting_end &= self.panes.keys()
        self.hour_buckets.discard(start_us)


_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(PaneState)


def encode_pane_state(pane_state: PaneState) -> bytes:
    """Return the state as versioned bytes."""
    return frame(_FORMAT, _ENCODER.encode(pane_state))


def decode_pane_state(content: bytes | None) -> PaneState:
    """Return the state that was encoded; a new one for None.

    Raises:
        FormatError: if the bytes are in a format that this version does not know.
    """
    if content is None:
        return PaneState()
    _, encoded = unframe("pane state", content, (_FORMAT,))
    return _DECODER.decode(encoded)
