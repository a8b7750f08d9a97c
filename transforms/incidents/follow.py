"""Follow the incidents of one rule: what opens, goes on and closes, told in as few transitions as the policy asks for.

The latch says when a condition holds (its spells). An incident is told once for several spells if the series
opens again soon, or flaps. Only series with something to tell are looked at one by one.
"""

from copy import copy

import numpy as np

from telemetry.rules.conditions import Silence
from telemetry.rules.incident_policy import IncidentPolicy
from transforms.incidents.incident_state import Episode
from transforms.incidents.latch import Latched
from transforms.incidents.series_walk import SeriesWalk
from transforms.incidents.silent_times import SilentTimes
from transforms.incidents.transitions import Transition
from transforms.incidents.watch import Watch


def follow(
    watch: Watch, latched: Latched, policy: IncidentPolicy, silent: SilentTimes, rule: int
) -> tuple[list[Transition], dict[int, Episode]]:
    """Return the transitions of one rule, and its incidents afterwards.

    Args:
        watch: the rule and its state before the rows.
        latched: when its condition holds.
        policy: how incidents open again, are updated and flap.
        silent: when devices were silent.
        rule: position of the rule in its file.
    """
    state, track, spells = watch.state, latched.judged.track, latched.spells
    begun = {} if isinstance(watch.rule.condition, Silence) else silent.beginnings(watch.rule.metric)
    track_slots = track.slots
    told = spells.opens | spells.closes
    quiet = np.flatnonzero(~told)
    if len(quiet):
        slots = track_slots[spells.series[quiet]].tolist()
        told_us = np.array([state.episodes[slot].told_us for slot in slots], np.int64)
        told[quiet] = track.time_us[spells.end[quiet] - 1] - told_us >= policy.update_every_us
    slot_of = track_slots[spells.series]
    wanted = set(slot_of[told].tolist())
    wanted.update(slot for slot, episode in state.episodes.items() if episode.flapping)
    if begun:
        slots = watch.slots_of(np.array(list(begun), np.intp))
        begun = {slot: times for slot, times in zip(slots.tolist(), begun.values(), strict=True) if slot >= 0}
        opened = set(slot_of.tolist()) | state.episodes.keys()
        wanted.update(slot for slot in begun if slot in opened)
    if not wanted:
        return [], state.episodes
    ordered = np.array(sorted(wanted), np.intp)
    first, end = np.searchsorted(slot_of, ordered), np.searchsorted(slot_of, ordered, side="right")
    series = np.searchsorted(track_slots, ordered)
    out: list[Transition] = []
    episodes = dict(state.episodes)
    ranges = zip(ordered.tolist(), series.tolist(), first.tolist(), end.tolist(), strict=True)
    for slot, number, begin, stop in ranges:
        found = number if number < len(track.starts) and track_slots[number] == slot else None
        one = SeriesWalk(watch, latched, policy, silent, rule, slot, found, copy(episodes.get(slot)), out)
        one.walk(range(begin, stop), begun.get(slot, ()))
        if one.episode is not None:
            episodes[slot] = one.episode
    return out, episodes
