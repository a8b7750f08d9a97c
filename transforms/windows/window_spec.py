"""Describe how readings are windowed: size, slide, lateness and firings."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from telemetry.arrays import IntArray


@dataclass(frozen=True, slots=True)
class WindowSpec:
    """Windows of event time, aligned to the epoch. All durations in microseconds.

    Panes accumulate: each repeats the readings of the earlier panes of its window.

    Attributes:
        size_us: length of a window.
        slide_us: distance of the starts of two windows; equal to the size for fixed windows, else it
            must divide it.
        allowed_lateness_us: how far the watermark may be past a window's end for a reading to still
            enter it, as a late pane.
        early_us: processing time after which an open window is reported early; None for never.
    """

    size_us: int = 60_000_000
    slide_us: int = 60_000_000
    allowed_lateness_us: int = 600_000_000
    early_us: int | None = None

    def __post_init__(self) -> None:
        """Check that the slide divides the size.

        Raises:
            ValueError: if it does not.
        """
        if self.size_us <= 0 or self.slide_us <= 0 or self.size_us % self.slide_us:
            raise ValueError("the slide must divide the window")

    def is_closed(self, window_us: IntArray, watermark_us: int) -> NDArray[np.bool_]:
        """Return which of the windows with these starts take no more readings; shape as `window_us`."""
        return window_us + self.size_us + self.allowed_lateness_us <= watermark_us

    def too_late(self, event_us: IntArray, watermark_us: int | IntArray) -> NDArray[np.bool_]:
        """Return which readings miss at least one of their windows; shape as `event_us`, one watermark or one each."""
        bucket = event_us - event_us % self.slide_us
        return bucket + self.slide_us + self.allowed_lateness_us <= watermark_us

    def missed(self, event_us: int, watermark_us: int) -> tuple[int, int]:
        """Return start of the first and end of the last window that a too late reading misses."""
        bucket = event_us - event_us % self.slide_us
        last_closed = watermark_us - self.allowed_lateness_us - self.size_us
        last = min(bucket, last_closed - last_closed % self.slide_us)
        return bucket - self.size_us + self.slide_us, last + self.size_us
