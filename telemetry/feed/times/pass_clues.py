"""Tell the two passes of the hour that comes twice apart by the publish time of live messages, else by their order."""

from dataclasses import dataclass

import numpy as np

from telemetry.arrays import IntArray
from telemetry.feed.times.clocks import Clocks, double_shifts
from telemetry.feed.times.zones import ZoneTable


@dataclass(frozen=True, slots=True)
class PassClues:
    """Say what tells the two passes apart in which N times may be.

    Attributes:
        order: (N,) code of the series of each, in order of arrival; None: all are of one.
        clocks: of the series of the times before; None for none.
        publish_us: (N,) when each was published, microseconds UTC; None if they were not.
    """

    order: IntArray | None = None
    clocks: Clocks | None = None
    publish_us: IntArray | None = None

    def of(self, rows: IntArray | slice | list[int]) -> "PassClues":
        """Return those of some of the times."""
        order = None if self.order is None else self.order[rows]
        return PassClues(order, self.clocks, None if self.publish_us is None else self.publish_us[rows])

    def resolve(self, zone: ZoneTable, naive_us: IntArray) -> IntArray:
        """Return the times in UTC of naive times.

        In a double hour the pass is chosen that is nearer to the publish time. The order decides where that is unknown,
        or later than both by more than they are apart, as that of old data which are published again.

        Args:
            zone: of the naive times.
            naive_us: (N,) microseconds.
        """
        clocks = Clocks() if self.clocks is None else self.clocks
        if self.publish_us is None:
            return clocks.resolve(zone, naive_us, self.order)
        time_us, shift_us = zone.to_utc(naive_us), double_shifts(zone, naive_us)
        is_double = shift_us > 0
        if not is_double.any():
            return time_us
        behind_us = self.publish_us - time_us
        rest = np.flatnonzero(is_double & (behind_us > 2 * shift_us))
        time_us = time_us + np.where(2 * behind_us > shift_us, shift_us, 0)
        if len(rest):
            time_us[rest] = clocks.resolve(zone, naive_us[rest], None if self.order is None else self.order[rest])
        return time_us


NO_CLUES = PassClues()
"""Those of times of one series, in order of arrival."""
