"""Describe what happens to a device over an interval: a fault, or a benign event that only looks like one."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class SimulatedEpisode:
    """A fault or a benign event of one device in the rounds [first, end)."""

    kind: str
    device: int
    first: int
    end: int
    size: float = 0.0
    """Of faults, °C: peak of a spike, last value of a drift, constant value when stuck, step of a shift, standard
    deviation of noise. Of a weather front, °C: its largest change. Otherwise 0."""


class EpisodePlan:
    """Faults and benign events of a simulation, each ordered by first round."""

    def __init__(self, faults: Iterable[SimulatedEpisode] = (), benign: Iterable[SimulatedEpisode] = ()) -> None:
        """Sort the episodes, given in any order."""
        self.faults = tuple(sorted(faults, key=_by_start))
        self.benign = tuple(sorted(benign, key=_by_start))
        self._all = tuple(sorted((*self.faults, *self.benign), key=_by_start))
        self._firsts = np.array([episode.first for episode in self._all], dtype=np.int64)
        self._longest = max((episode.end - episode.first for episode in self._all), default=0)

    def overlapping(self, first: int, end: int) -> tuple[SimulatedEpisode, ...]:
        """Return the episodes that overlap the rounds [first, end), by first round."""
        start = int(np.searchsorted(self._firsts, first - self._longest))
        stop = int(np.searchsorted(self._firsts, end))
        return tuple(episode for episode in self._all[start:stop] if episode.end > first)


def _by_start(episode: SimulatedEpisode) -> tuple[int, int]:
    return episode.first, episode.device
