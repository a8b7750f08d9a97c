"""Tell the silence of a whole source as one incident, not as one of each device.

The devices of a roster that fall silent are held back for a minute. If more than half of those that a rule applies to
fall silent in that time, the source is silent: one incident opens, without a device, and theirs are not told. It closes
when no more than half of them are silent; those that still are get another minute, after which each is told.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Final

import msgspec

from telemetry.model.records import Incident
from transforms.incidents.incident_id import incident_id

TOGETHER_US: Final = 60_000_000
"""Time in which devices fall silent together, microseconds."""
_FEWEST: Final = 2  # one device is no source


class Held(msgspec.Struct, array_like=True):
    """A device that is silent and was not told.

    Attributes:
        opening: its incident.
        since_us: when it began to be held back, microseconds UTC.
        told_with_source: whether an incident of the source has told of it.
    """

    opening: Incident
    since_us: int
    told_with_source: bool = False


class SourceState(msgspec.Struct, array_like=True):
    """The silence of the devices of a roster, for one rule.

    Attributes:
        held: silent devices that may still be told, by name.
        source: the open incident of the source, with its latest transition; None if there is none.
        covered: silent devices that this incident stands for, by name.
    """

    held: dict[str, Held] = {}
    source: Incident | None = None
    covered: dict[str, Incident] = {}


def advance_source(
    states: Mapping[str, SourceState],
    transitions: Iterable[Incident],
    members: Mapping[str, int],
    watermark_us: int,
) -> tuple[dict[str, SourceState], list[Incident]]:
    """Hold back the transitions of rules on silence, and return those that are to be told.

    Args:
        states: of each rule, by its id; they are not changed.
        transitions: all those of the roster's devices before the watermark that were not given yet, by time.
        members: number of devices of the roster that each rule applies to.
        watermark_us: no transition before it comes any more, microseconds UTC; at the end of all time nothing is held
            back.

    Returns:
        The states afterwards, and the transitions to tell, by time, device and sequence.
    """
    by_rule: dict[str, list[Incident]] = {name: [] for name in states}
    for one in transitions:
        by_rule.setdefault(one.rule_id, []).append(one)
    after: dict[str, SourceState] = {}
    told: list[Incident] = []
    for name, found in by_rule.items():
        watch = _SourceWatch(states.get(name, SourceState()), members.get(name, 0))
        for moment_us, together in groupby(found, lambda one: one.event_time):
            watch.release(moment_us)
            watch.take(list(together), moment_us)
        watch.release(watermark_us)
        told += watch.told
        if watch.state != SourceState():
            after[name] = watch.state
    told.sort(key=lambda one: (one.event_time, one.device, one.rule_id, one.sequence))
    return after, told


def next_release_us(states: Mapping[str, SourceState]) -> int | None:
    """Return the earliest time behind which a device is told; None if none is held back."""
    times = [held.since_us + TOGETHER_US for state in states.values() for held in state.held.values()]
    return min(times, default=None)


class _SourceWatch:
    """One rule while transitions of its devices are given, moment by moment."""

    def __init__(self, state: SourceState, members: int) -> None:
        self.state = SourceState(dict(state.held), state.source, dict(state.covered))
        self.told: list[Incident] = []
        self._members = members

    def release(self, before_us: int) -> None:
        """Tell of the devices that were held back long enough before a time."""
        for name, held in list(self.state.held.items()):
            if held.since_us + TOGETHER_US < before_us:
                del self.state.held[name]
                self.told.append(msgspec.structs.replace(held.opening, event_time=held.since_us))

    def take(self, together: Sequence[Incident], moment_us: int) -> None:
        """Take the transitions of one moment; those that end a silence come first."""
        for one in together:
            if one.state != "opened":
                self._go_on(one)
        if self.state.source is not None and not self._is_most(len(self.state.covered)):
            self._close(together, moment_us)
        for one in together:
            if one.state == "opened":
                self._fall_silent(one)
        if self.state.source is None and self._is_most(len(self.state.held)):
            self._open(moment_us)

    def _is_most(self, number: int) -> bool:
        return number >= _FEWEST and 2 * number > self._members

    def _fall_silent(self, one: Incident) -> None:
        if self.state.source is None:
            self.state.held[one.device] = Held(one, one.event_time)
        else:
            self.state.covered[one.device] = one

    def _go_on(self, one: Incident) -> None:
        covered, held = self.state.covered, self.state.held
        if one.device in covered:
            if one.state == "closed":
                del covered[one.device]
        elif one.device in held:
            if one.state == "closed":
                before = held.pop(one.device)
                if not before.told_with_source:
                    self.told += [before.opening, one]
        else:
            self.told.append(one)

    def _open(self, moment_us: int) -> None:
        """Open an incident of the source, which began with the last reading of the devices that are silent."""
        state = self.state
        state.covered = {name: held.opening for name, held in state.held.items()}
        state.held = {}
        last = max(state.covered.values(), key=lambda one: (one.opened_at, one.device))
        state.source = msgspec.structs.replace(
            last,
            incident_id=incident_id(last.rule_id, "", last.metric, last.opened_at),
            sequence=1,
            device="",
            event_time=moment_us,
            last_at=last.opened_at,
            readings=len(state.covered),
            first=True,
        )
        self.told.append(state.source)

    def _close(self, together: Sequence[Incident], moment_us: int) -> None:
        state = self.state
        assert state.source is not None, "the caller has looked"
        reason = next((one.reason for one in together if one.state == "closed"), "clear")
        closing = msgspec.structs.replace(
            state.source,
            sequence=state.source.sequence + 1,
            state="closed",
            event_time=moment_us,
            closed_at=moment_us,
            reason=reason,
        )
        self.told.append(closing)
        state.held = {name: Held(one, moment_us, told_with_source=True) for name, one in state.covered.items()}
        state.source, state.covered = None, {}
