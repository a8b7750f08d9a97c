"""Walk through one series of a rule: tell when its incident opens, goes on and closes, and count what it counts."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from telemetry.arrays import FloatArray
from telemetry.rules.conditions import Silence
from telemetry.rules.incident_policy import IncidentPolicy
from transforms.incidents.incident_state import Episode
from transforms.incidents.latch import Latched
from transforms.incidents.silent_times import SilentTimes
from transforms.incidents.transitions import Transition
from transforms.incidents.watch import Watch, badness
from transforms.series.track import NONE_US

Told = Literal["opened", "updated", "closed"]


@dataclass(slots=True)
class SeriesWalk:
    """One series of a rule, and its incident as it changes.

    Attributes:
        series: its number in the track; None if it has no rows.
        episode: its incident, a copy; None if there is none.
        out: transitions are added to it.
        readings: breaching readings of the present spell.
        worst: worst value of the present spell.
        breached_us: latest breaching reading, microseconds UTC.
        run: first row of the present spell that is counted.
        cursor: first row that is not yet in `worst`.
        base: readings that were counted before the row `run`.
    """

    watch: Watch
    latched: Latched
    policy: IncidentPolicy
    silent: SilentTimes
    rule: int
    slot: int
    series: int | None
    episode: Episode | None
    out: list[Transition]
    readings: int = 0
    worst: float | None = None
    breached_us: int = NONE_US
    run: int = 0
    cursor: int = 0
    base: int = 0

    def walk(self, spells: range, silences: Sequence[int]) -> None:
        """Tell what happens in the spells of the series, and at the times at which it fell silent."""
        if self.series is None:
            self._carry()
            self._fall_silent(silences)
            return
        track, found = self.latched.judged.track, self.latched.spells
        closed_from = int(track.starts[self.series])
        for number in spells:
            first, end = int(found.first[number]), int(found.end[number])
            if found.opens[number]:
                self._calm_down(closed_from, first)
                self._start(int(found.run[number]), carried=bool(found.carried[number]))
                self._open(first, int(found.onset_us[number]))
                row = first + 1
            else:
                self._start(int(found.run[number]), carried=True)
                row = first
            closes = bool(found.closes[number])
            if self._flaps():
                self._note_candidate(first, end)
            else:
                for moment in silences:
                    after_opening = not found.opens[number] or moment >= track.time_us[first]
                    if after_opening and (not closes or moment < track.time_us[end]):
                        until = row + int(np.searchsorted(track.time_us[row:end], moment, side="right"))
                        self._update(row, until)
                        row = until
                        self._count(until)
                        self._tell("updated", moment, None, stale=True)
                self._update(row, end)
            self._count(end)
            if closes:
                self._cease(end)
            closed_from = end
        self._calm_down(closed_from, int(track.ends[self.series]))

    def _flaps(self) -> bool:
        return self.episode is not None and self.episode.flapping

    def _carry(self) -> None:
        columns = self.watch.state.columns
        if "readings" not in columns:
            return
        self.readings = int(columns["readings"][self.slot])
        self.worst = _or_none(columns["worst"][self.slot]) if self.watch.rule.bounds is not None else None
        self.breached_us = int(columns["breached_us"][self.slot])

    def _start(self, run: int, *, carried: bool) -> None:
        """Begin to count at a row, on top of what was counted before the rows."""
        self.readings, self.worst, self.run, self.cursor = 0, None, run, run
        if carried:
            self._carry()
        self.base = self.readings

    def _count(self, until: int) -> None:
        """Count the breaching rows before a row."""
        latched, track = self.latched, self.latched.judged.track
        if until <= self.run:
            return
        self.readings = self.base + int(latched.breaches[until] - latched.breaches[self.run])
        row = int(latched.last_breach[until - 1])
        assert self.series is not None, "there are rows"
        if row >= track.starts[self.series]:
            self.breached_us = int(track.time_us[row])
        if self.watch.rule.bounds is not None and until > self.cursor:
            values = track.value[self.cursor : until][latched.judged.breach[self.cursor : until]]
            if len(values):
                self.worst = self._worst_of(values if self.worst is None else np.append(self.worst, values))
            self.cursor = until

    def _worst_of(self, values: FloatArray) -> float:
        """Return the worst of some values, the first one of those that are as bad."""
        bounds = self.watch.rule.bounds_of(self.watch.arrivals.devices[self._device])
        return float(values[int(np.argmax(badness(bounds.comparison, values, bounds.low, bounds.high)))])

    def _worst_so_far(self) -> float | None:
        """Return the worst value of the incident, with the present spell."""
        earlier = self.episode.worst if self.episode is not None else None
        if earlier is None or self.worst is None:
            return self.worst if earlier is None else earlier
        return self._worst_of(np.array([earlier, self.worst]))

    @property
    def _device(self) -> int:
        return int(self.watch.state.members[self.slot])

    def _open(self, row: int, onset_us: int) -> None:
        now_us, flapping = int(self.latched.judged.track.time_us[row]), self.policy.flapping
        episode = self.episode
        told = not self._flaps()
        if episode is None or (episode.closed_us is not None and now_us - episode.closed_us > self.policy.reopen_us):
            episode = Episode(onset_us, openings_us=() if episode is None else episode.openings_us)
        episode.closed_us = None
        if flapping is not None:
            recent = [time_us for time_us in episode.openings_us if now_us - time_us <= flapping.within_us]
            episode.openings_us = (*recent, now_us)[-flapping.opens :]
            episode.flapping = episode.flapping or len(episode.openings_us) >= flapping.opens
        self.episode = episode
        self._count(row + 1)
        if told:
            self._tell("opened", now_us, self._value(row))

    def _update(self, row: int, end: int) -> None:
        """Tell each time that `update_every` has passed at one of the rows."""
        assert self.episode is not None, "an open series has an incident"
        times, every_us = self.latched.judged.track.time_us, self.policy.update_every_us
        while row < end and times[end - 1] - self.episode.told_us >= every_us:
            row += int(np.searchsorted(times[row:end], self.episode.told_us + every_us))
            self._count(row + 1)
            self._tell("updated", int(times[row]), self._value(row))
            row += 1

    def _cease(self, row: int) -> None:
        """Take what was counted into the incident, which closes at a row if it does not flap."""
        episode = self.episode
        assert episode is not None, "an open series has an incident"
        episode.readings += self.readings
        episode.worst = self._worst_so_far()
        episode.breached_us = max(episode.breached_us, self.breached_us)
        self.readings, self.worst, self.breached_us = 0, None, NONE_US
        if not episode.flapping:
            self._close(row)

    def _note_candidate(self, first: int, end: int) -> None:
        candidates = np.flatnonzero(self.latched.candidate[first:end])
        if len(candidates):
            assert self.episode is not None, "an open series has an incident"
            self.episode.candidate_us = int(self.latched.judged.track.time_us[first + candidates[-1]])

    def _calm_down(self, row: int, end: int) -> None:
        """Close an incident that flaps at the first clear row at which it has been calm for long enough."""
        episode, policy = self.episode, self.policy.flapping
        if episode is None or not episode.flapping or episode.closed_us is not None:
            return
        judged = self.latched.judged
        calm_us = policy.calm_us if policy is not None else 0
        calm = judged.clear[row:end] & (judged.track.time_us[row:end] - episode.candidate_us >= calm_us)
        if calm.any():
            self._close(row + int(np.argmax(calm)))

    def _close(self, row: int) -> None:
        assert self.episode is not None, "an open series has an incident"
        now_us = int(self.latched.judged.track.time_us[row])
        self.episode.closed_us = now_us
        self._tell("closed", now_us, self._value(row), reason="clear")
        self.episode.flapping = False

    def _fall_silent(self, silences: Sequence[int]) -> None:
        if self.episode is None or self.episode.closed_us is not None or self.episode.flapping:
            return
        for moment in silences:
            self._tell("updated", moment, None, stale=True)

    def _value(self, row: int) -> float | None:
        return _or_none(self.latched.judged.track.value[row])

    def _tell(
        self, state: Told, now_us: int, value: float | None, *, reason: str | None = None, stale: bool = False
    ) -> None:
        episode, rule = self.episode, self.watch.rule
        assert episode is not None, "only incidents are told"
        device = self._device
        episode.sequence += 1
        episode.told_us = now_us
        is_silence = isinstance(rule.condition, Silence)
        threshold: tuple[float | None, float | None] = (None, None)
        if rule.bounds is not None:
            bounds = rule.bounds_of(self.watch.arrivals.devices[device])
            threshold = (bounds.low, bounds.high)
        self.out.append(
            Transition(
                event_us=now_us,
                device=device,
                rule=self.rule,
                episode=episode,
                state=state,
                sequence=episode.sequence,
                breached_us=episode.opened_us
                if is_silence
                else max(episode.opened_us, episode.breached_us, self.breached_us),
                reason=reason,
                value=value,
                worst=self._worst_so_far(),
                threshold=threshold,
                readings=0 if is_silence else episode.readings + self.readings,
                stale=stale or (not is_silence and self.silent.is_silent(rule.metric, device, now_us)),
                flapping=episode.flapping,
            )
        )


def _or_none(value: float) -> float | None:
    return None if value != value else float(value)
