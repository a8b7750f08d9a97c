"""Tell when devices, or metrics of them, were silent, for the incidents of other rules."""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from telemetry.arrays import CodeArray, IntArray
from transforms.incidents.latch import Latched
from transforms.series.track import RowArray

_NOBODY: Final[dict[int, list[int]]] = {}


@dataclass(slots=True)
class SilentTimes:
    """When silence began and ended within one call, from the rules on silence.

    Attributes:
        devices: number of devices.
        silent: number of rules (D,) by which each device was silent before the call, by metric; "" for all metrics.
        changes: (time, 1 or -1) of each beginning and end, by metric and device; times are microseconds UTC.
        begun: times at which a metric's silence began, by device, as far as they were asked for.
    """

    devices: int
    silent: dict[str, IntArray] = field(default_factory=dict)
    changes: dict[str, dict[int, list[tuple[int, int]]]] = field(default_factory=dict)
    begun: dict[str, dict[int, list[int]]] = field(default_factory=dict)

    def add(self, metric: str, members: CodeArray, latched: Latched, was_open: RowArray) -> None:
        """Add what one rule says.

        Args:
            metric: of the rule.
            members: (A,) device of each of its series.
            latched: when they were silent.
            was_open: slots that were silent before.
        """
        count = self.silent.setdefault(metric, np.zeros(self.devices, np.int64))
        count[members[was_open]] += 1
        changes = self.changes.setdefault(metric, defaultdict(list))
        track, spells = latched.judged.track, latched.spells
        device = members[track.slots[spells.series]]
        for rows, which, change in ((spells.first, spells.opens, 1), (spells.end, spells.closes, -1)):
            times = track.time_us[rows[which]].tolist()
            for code, time_us in zip(device[which].tolist(), times, strict=True):
                changes[code].append((time_us, change))

    def beginnings(self, metric: str) -> dict[int, list[int]]:
        """Return when silence began that concerns a metric, or the device for "", by device; times in order."""
        if not self.silent:
            return _NOBODY
        found = self.begun.get(metric)
        if found is None:
            found = {code: self._begun(metric, code) for name in {"", metric} for code in self.changes.get(name, ())}
            self.begun[metric] = found
        return found

    def is_silent(self, metric: str, device: int, time_us: int) -> bool:
        """Return whether a device was silent, by any rule that concerns a metric, before a time and at it."""
        count = 0
        for name in {"", metric} & self.silent.keys():
            count += int(self.silent[name][device])
            for moment, change in self.changes[name].get(device, ()):
                count += change if moment < time_us or (change < 0 and moment == time_us) else 0
        return count > 0

    def _begun(self, metric: str, device: int) -> list[int]:
        count, times, found = 0, [], []
        for name in {"", metric} & self.silent.keys():
            count += int(self.silent[name][device])
            times += self.changes[name].get(device, [])
        for moment, change in sorted(times, key=lambda one: (one[0], -one[1])):
            if change > 0 and count == 0:
                found.append(moment)
            count += change
        return found
