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
from transforms.series.track import NONE_US, RowArray

Told = Literal["opened", "updated", "closed"]
_Worst = tuple[float, float]


@dataclass(slots=True)
class SeriesWalk:
    """One series of a rule, and its incident as it changes.

    Attributes:
        series: its number in the track; None if it has no rows.
        episode: its incident, a copy; None if there is none.
        out: transitions are added to it.
        readings: breaching readings of the present spell.
        worst: how bad the worst value of the present spell is, and the value; None if none is.
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
    worst: "_Worst | None" = None
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
        self.worst = self._carried_worst(_or_none(columns["worst"][self.slot]) if self._has_worst else None)
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
        if self._has_worst and until > self.cursor:
            rows = self.cursor + np.flatnonzero(latched.judged.breach[self.cursor : until])
            if len(rows):
                bad = self._badness(rows)
                most = int(np.argmax(bad))  # the first one of those that are as bad
                self.worst = _worse(self.worst, (float(bad[most]), float(track.value[rows[most]])))
            self.cursor = until

    @property
    def _has_worst(self) -> bool:
        return self.watch.rule.bounds is not None or self.latched.judged.score is not None

    def _badness(self, rows: RowArray) -> FloatArray:
        """Return how bad some breaching rows are: their scores, or how far they are beyond the bounds."""
        judged = self.latched.judged
        return self._beyond(judged.track.value[rows]) if judged.score is None else judged.score[rows]

    def _beyond(self, values: FloatArray) -> FloatArray:
        bounds = self.watch.rule.bounds_of(self.watch.arrivals.devices[self._device])
        return badness(bounds.comparison, values, bounds.low, bounds.high)

    def _carried_worst(self, value: float | None) -> _Worst | None:
        """Return the worst value that the columns hold."""
        columns = self.watch.state.columns
        if self.latched.judged.score is None:
            return None if value is None else (float(self._beyond(np.array([value]))[0]), value)
        score = _or_none(columns["worst_score"][self.slot])
        return None if score is None else (score, float("nan") if value is None else value)

    def _worst_so_far(self) -> _Worst | None:
        """Return the worst value of the incident, with the present spell."""
        episode = self.episode
        if episode is None or (episode.worst is None and episode.worst_score is None):
            return self.worst
        if self.latched.judged.score is None:
            assert episode.worst is not None, "a value is the worst by its bounds"
            earlier = (float(self._beyond(np.array([episode.worst]))[0]), episode.worst)
        else:
            score = episode.worst_score
            earlier = (-np.inf if score is None else score, float("nan") if episode.worst is None else episode.worst)
        return earlier if self.worst is None else _worse(earlier, self.worst)

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
            self._tell("opened", now_us, row)

    def _update(self, row: int, end: int) -> None:
        """Tell each time that `update_every` has passed at one of the rows."""
        assert self.episode is not None, "an open series has an incident"
        times, every_us = self.latched.judged.track.time_us, self.policy.update_every_us
        while row < end and times[end - 1] - self.episode.told_us >= every_us:
            row += int(np.searchsorted(times[row:end], self.episode.told_us + every_us))
            self._count(row + 1)
            self._tell("updated", int(times[row]), row)
            row += 1

    def _cease(self, row: int) -> None:
        """Take what was counted into the incident, which closes at a row if it does not flap."""
        episode = self.episode
        assert episode is not None, "an open series has an incident"
        episode.readings += self.readings
        self._settle_worst(episode)
        episode.breached_us = max(episode.breached_us, self.breached_us)
        self.readings, self.worst, self.breached_us = 0, None, NONE_US
        if not episode.flapping:
            self._close(row)

    def _settle_worst(self, episode: Episode) -> None:
        worst = self._worst_so_far()
        if worst is not None:
            episode.worst = _or_none(worst[1])
            episode.worst_score = None if self.latched.judged.score is None else worst[0]

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
        self._tell("closed", now_us, row, reason="clear")
        self.episode.flapping = False

    def _fall_silent(self, silences: Sequence[int]) -> None:
        if self.episode is None or self.episode.closed_us is not None or self.episode.flapping:
            return
        for moment in silences:
            self._tell("updated", moment, None, stale=True)

    def _tell(
        self, state: Told, now_us: int, row: int | None, *, reason: str | None = None, stale: bool = False
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
        worst, judged = self._worst_so_far(), self.latched.judged
        scored = row is not None and judged.score is not None
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
                value=None if row is None else _or_none(judged.track.value[row]),
                worst=None if worst is None else _or_none(worst[1]),
                threshold=threshold,
                readings=0 if is_silence else episode.readings + self.readings,
                stale=stale or (not is_silence and self.silent.is_silent(rule.metric, device, now_us)),
                flapping=episode.flapping,
                score=_at(judged.score, row) if scored else None,
                expected=_at(judged.expected, row) if scored else None,
                spread=_at(judged.spread, row) if scored else None,
                breaches=row is not None and bool(judged.breach[row]),
            )
        )


def _worse(before: _Worst | None, now: _Worst) -> _Worst:
    """Return the worse one, the earlier one of two that are as bad."""
    return now if before is None or now[0] > before[0] else before


def _at(values: FloatArray | None, row: int | None) -> float | None:
    return None if values is None or row is None else _or_none(values[row])


def _or_none(value: float) -> float | None:
    return None if value != value else float(value)
