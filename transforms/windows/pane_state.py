"""What is remembered of the windows of one key besides their tables: a small, serialisable log of panes."""

from collections.abc import Sequence
from typing import Final

import msgspec

from transforms.windows.window_spec import WindowSpec

UNKNOWN_US: Final = -(2**62)
"""A watermark before all time."""


class PaneState(msgspec.Struct, array_like=True):
    """Panes and watermark of the windows that share a key.

    It outlives the tables: what is left of it says how far the watermark was, so that a reading that comes
    afterwards is known to be too late instead of starting its window anew.

    Attributes:
        watermark_us: the watermark as far as this key knows it, microseconds UTC.
        panes: how many panes each window has had, by its start.
        unreported: starts of windows with readings that are in no pane yet.
        parts: how many tables are kept.
        early_is_set: whether an early firing is due.
        stretches: starts of the stretches of time that have tables, and will be closed.
    """

    watermark_us: int = UNKNOWN_US
    panes: dict[int, int] = msgspec.field(default_factory=dict)
    unreported: set[int] = msgspec.field(default_factory=set)
    parts: int = 0
    early_is_set: bool = False
    stretches: set[int] = msgspec.field(default_factory=set)

    def advance(self, watermark_us: int | None) -> None:
        """Learn a watermark; it never goes back."""
        if watermark_us is not None and watermark_us > self.watermark_us:
            self.watermark_us = watermark_us

    def admit(self, windows_us: Sequence[int], spec: WindowSpec) -> tuple[list[int], list[int]]:
        """Enter windows that readings arrived for.

        Returns:
            The windows that are met for the first time and end later, and those that have ended and are
            reported again, late, at once. None of them is closed.
        """
        opened, late = [], []
        for start in windows_us:
            if start + spec.size_us <= self.watermark_us:
                late.append(start)
            elif start not in self.panes:
                opened.append(start)
            self.panes.setdefault(start, 0)
            self.unreported.add(start)
        return opened, late

    def report(self, window_us: int) -> int:
        """Count a pane of a window; returns its index."""
        index = self.panes.get(window_us, 0)
        self.panes[window_us] = index + 1
        self.unreported.discard(window_us)
        return index

    def close(self, start_us: int, end_us: int, watermark_us: int) -> None:
        """Forget a stretch of time and the windows that start in it: all but how late it is."""
        self.advance(watermark_us)
        self.panes = {start: panes for start, panes in self.panes.items() if not start_us <= start < end_us}
        self.unreported &= self.panes.keys()
        self.stretches.discard(start_us)


_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(PaneState)


def encode_pane_state(log: PaneState) -> bytes:
    """Return the log of panes as bytes."""
    return _ENCODER.encode(log)


def decode_pane_state(content: bytes | None) -> PaneState:
    """Return the log of panes that was encoded; a new one for None."""
    return PaneState() if content is None else _DECODER.decode(content)
