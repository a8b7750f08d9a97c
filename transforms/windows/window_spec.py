"""Describe how readings are windowed: size, slide, lateness, firings, and the clock that windows are aligned to."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from telemetry.arrays import BoolArray, IntArray
from transforms.windows.local_grid import LocalGrid, fits_days, local_grid
from transforms.windows.utc_grid import UtcGrid


@dataclass(frozen=True, slots=True)
class WindowSpec:
    """Windows of event time, aligned to the epoch or to the clock of a zone. All durations in microseconds.

    Panes accumulate: each repeats the readings of the earlier panes of its window. A window is known by its start,
    microseconds UTC; only this class knows when it ends, for by the clock of a zone windows may differ in length.

    Attributes:
        size_us: length of a window.
        slide_us: distance of the starts of two windows; equal to the size for fixed windows, else it
            must divide it.
        allowed_lateness_us: how far the watermark may be past a window's end for a reading to still
            enter it, as a late pane.
        early_us: processing time after which an open window is reported early; None for never.
        zone: IANA zone, or an offset such as ``+01:00``, by whose clock windows are aligned, see
            `transforms.windows.local_grid`; "" to align them to the epoch.
    """

    size_us: int = 60_000_000
    slide_us: int = 60_000_000
    allowed_lateness_us: int = 600_000_000
    early_us: int | None = None
    zone: str = ""

    def __post_init__(self) -> None:
        """Check that the slide divides the size, and that a clock can count both.

        Raises:
            ValueError: if it does not, or it cannot, or there is no such zone.
        """
        if self.size_us <= 0 or self.slide_us <= 0 or self.size_us % self.slide_us:
            raise ValueError("the slide must divide the window")
        if self.zone and not (fits_days(self.size_us) and fits_days(self.slide_us)):
            raise ValueError("windows of a zone must be whole days long or divide a day")
        self._grid()

    def latest(self, event_us: IntArray) -> IntArray:
        """Return the start of the latest window that holds each event time; shape as `event_us`."""
        return self._grid().latest(event_us)

    def earliest(self, event_us: IntArray) -> IntArray:
        """Return the start of the earliest window that holds each event time; shape as `event_us`."""
        return self._grid().earliest(event_us)

    def holding(self, latest_us: IntArray) -> Iterator[tuple[BoolArray | None, IntArray]]:
        """Yield all windows that hold some event times, the latest of each first, then the one before, and so on.

        Args:
            latest_us: (N,) start of the latest window of each event time.

        Yields:
            (N,) which of the event times have such a window, None for all; and its starts.
        """
        return self._grid().holding(latest_us)

    def ends(self, window_us: IntArray) -> IntArray:
        """Return the ends of the windows with these starts; shape as `window_us`."""
        return self._grid().ends(window_us)

    def end(self, window_us: int) -> int:
        """Return the end of the window with this start; of another time, an end after which none is that begins before.

        The second is for the hour buckets of `transforms.windows.window_shard`, whose bounds need not be starts.
        """
        return int(self.ends(np.array([window_us]))[0])

    def is_closed(self, window_us: IntArray, watermark_us: int) -> NDArray[np.bool_]:
        """Return which of the windows with these starts take no more readings; shape as `window_us`."""
        return self.ends(window_us) + self.allowed_lateness_us <= watermark_us

    def too_late(self, event_us: IntArray, watermark_us: int | IntArray) -> NDArray[np.bool_]:
        """Return which readings miss at least one of their windows; shape as `event_us`, one watermark or one each."""
        return self._grid().first_ends(event_us) + self.allowed_lateness_us <= watermark_us

    def missed(self, event_us: int, watermark_us: int) -> tuple[int, int]:
        """Return start of the first and end of the last window that a too late reading misses."""
        first = int(self.earliest(np.array([event_us]))[0])
        return first, self._grid().last_before(event_us, watermark_us - self.allowed_lateness_us)

    def _grid(self) -> UtcGrid | LocalGrid:
        if self.zone:
            return local_grid(self.zone, self.size_us, self.slide_us)
        return UtcGrid(self.size_us, self.slide_us)
