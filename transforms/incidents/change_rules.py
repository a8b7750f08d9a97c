"""Put other rules into force: what they keep of what the rules before them remembered."""

from collections.abc import Collection, Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa

from telemetry.rules.conditions import Silence
from telemetry.rules.rule import Rule
from telemetry.rules.rule_set import RuleSet
from telemetry.rules.unusual import LearnedStuck, Unusual
from transforms.baselines.fields import learned_fields, lesson_of
from transforms.incidents.devices import members_of, with_devices
from transforms.incidents.incident_state import (
    Episode,
    IncidentState,
    KeptValues,
    RuleState,
    StateColumns,
    fresh_columns,
    version_of,
)
from transforms.incidents.transitions import RuleLabel, Transition, condition_name, put_in_order, to_records
from transforms.series.track import NONE_US, RowArray


def with_rules(
    rules: RuleSet, state: IncidentState | None = None, expected: Sequence[str] = ()
) -> tuple[IncidentState, pa.RecordBatch | None]:
    """Return the state with which some rules come into force at its watermark.

    A rule that has not changed goes on. One that has changed forgets what was pending, and keeps its open incidents; a
    rule on silence also keeps when it last heard of each device, and one that learns what it learned, if it still
    learns the same. An open incident whose rule is gone, judges another metric, no longer applies to the device or is
    shelved for it is closed. A rule that is shelved for some devices forgets them, and no others.

    Args:
        rules: the rules to come.
        state: of the rules before them; None at the beginning.
        expected: the devices of the roster that belong to this state.

    Returns:
        The state, and the transitions of incidents that are closed, for the reason ``rule-changed`` or ``shelved``;
        None if there are none.
    """
    state = IncidentState() if state is None else state
    closed: list[Transition] = []
    labels: list[RuleLabel] = []
    new = {rule.id: rule for rule in rules.rules}
    after: dict[str, RuleState] = {}
    for rule in rules.rules:
        before = state.rules.get(rule.id)
        if before is None or before.version != version_of(rule):
            after[rule.id] = _begin(rule, state, before)
        elif before.shelved != rule.shelved:
            after[rule.id] = _go_on(rule, state, before)
        else:
            after[rule.id] = before
    for name, old in state.rules.items():
        goes_on = name in new and new[name].metric == old.metric
        kept = set(after[name].members.tolist()) if goes_on else set()
        gone = [slot for slot in old.episodes if int(old.members[slot]) not in kept]
        for slot in gone:
            if _is_open(old, slot):
                is_shelved = goes_on and new[name].is_shelved(state.devices[old.members[slot]])
                reason = "shelved" if is_shelved else "rule-changed"
                closed.append(_closing(old, slot, len(labels), state.watermark_us, reason))
        labels.append(RuleLabel(name, old.severity, old.condition, old.metric))
    state = replace(state, rules=after)
    state = with_devices(rules.rules, state, [name for name in dict.fromkeys(expected) if name not in state.codes])
    is_expected = np.zeros(len(state.devices), np.bool_)
    is_expected[[state.codes[name] for name in expected]] = True
    told = put_in_order(closed, state.devices, state.first_us)
    return replace(state, expected=is_expected), to_records(told, state.devices, labels, rules.version)


def _is_open(state: RuleState, slot: int) -> bool:
    return state.episodes[slot].closed_us is None


def _begin(rule: Rule, state: IncidentState, before: RuleState | None) -> RuleState:
    """Return what a new or changed rule remembers at the beginning."""
    members = members_of(rule, state.devices)
    columns = fresh_columns(rule.condition, len(members))
    episodes: dict[int, Episode] = {}
    same_series = before is not None and before.metric == rule.metric
    if before is not None and same_series:
        _, slots, old_slots = np.intersect1d(members, before.members, assume_unique=True, return_indices=True)
        columns["open"][slots] = before.columns["open"][old_slots]
        new_slot = dict(zip(old_slots.tolist(), slots.tolist(), strict=True))
        episodes = {
            new_slot[slot]: _settled(before, slot, episode)
            for slot, episode in before.episodes.items()
            if slot in new_slot
        }
        if isinstance(rule.condition, Silence):
            for name in ("seen_us", "interval_us", "intervals"):
                if name in before.columns and name in columns:
                    columns[name][slots] = before.columns[name][old_slots]
    kept = KeptValues()
    if isinstance(rule.condition, Silence) and not rule.metric:
        columns["seen_us"] = state.seen_us[members]
    lesson, condition = "", rule.condition
    if isinstance(condition, Unusual | LearnedStuck):
        lesson = lesson_of(condition)
        if before is not None and same_series and before.lesson == lesson:
            kept = _carry(columns, before, learned_fields(condition), slots, old_slots)
    return RuleState(
        version=version_of(rule),
        metric=rule.metric,
        severity=rule.severity,
        condition=condition_name(rule),
        since_us=state.watermark_us,
        members=members,
        columns=columns,
        kept=kept,
        episodes=episodes,
        shelved=rule.shelved,
        lesson=lesson,
    )


def _carry(
    columns: StateColumns, before: RuleState, fields: Collection[str], slots: RowArray, old_slots: RowArray
) -> KeptValues:
    """Write what series had learned into the columns of a rule that learns the same; return the values they keep."""
    for name in fields:
        columns[name][slots] = before.columns[name][old_slots]
    return _moved(before.kept, len(before.members), slots, old_slots)


def _moved(kept: KeptValues, members: int, slots: RowArray, old_slots: RowArray) -> KeptValues:
    """Return the kept values of series that get other slots."""
    new_slot = np.full(members, -1)
    new_slot[old_slots] = slots
    found = kept.select(new_slot[kept.slot] >= 0)
    moved = KeptValues(new_slot[found.slot].astype(np.intp), found.time_us, found.value)
    return moved.select(np.argsort(moved.slot, kind="stable"))


def _go_on(rule: Rule, state: IncidentState, before: RuleState) -> RuleState:
    """Return what a rule remembers of the series that it goes on with; the others that it has begin anew."""
    members = members_of(rule, state.devices)
    _, slots, old_slots = np.intersect1d(members, before.members, assume_unique=True, return_indices=True)
    columns = fresh_columns(rule.condition, len(members))
    if isinstance(rule.condition, Silence) and not rule.metric:
        columns["seen_us"] = state.seen_us[members]
    for name, column in columns.items():
        column[slots] = before.columns[name][old_slots]
    new_slot = np.full(len(before.members), -1)
    new_slot[old_slots] = slots
    return replace(
        before,
        # Else the deadline of a device that comes back might lie in the past, where everything is judged.
        since_us=state.watermark_us if isinstance(rule.condition, Silence) else before.since_us,
        members=members,
        columns=columns,
        kept=_moved(before.kept, len(before.members), slots, old_slots),
        sketches={int(new_slot[slot]): sketch for slot, sketch in before.sketches.items() if new_slot[slot] >= 0},
        episodes={int(new_slot[slot]): one for slot, one in before.episodes.items() if new_slot[slot] >= 0},
        shelved=rule.shelved,
    )


def _settled(before: RuleState, slot: int, episode: Episode) -> Episode:
    """Return an incident with what its present opening counts, as the columns forget it."""
    columns = before.columns
    if not columns["open"][slot] or "readings" not in columns:
        return episode
    return Episode(
        opened_us=episode.opened_us,
        sequence=episode.sequence,
        told_us=episode.told_us,
        closed_us=episode.closed_us,
        first=episode.first,
        flapping=episode.flapping,
        readings=episode.readings + int(columns["readings"][slot]),
        worst=_worst(before, slot, episode),
        breached_us=max(episode.breached_us, int(columns["breached_us"][slot])),
        candidate_us=episode.candidate_us,
        openings_us=episode.openings_us,
        worst_score=_worst_score(before, slot, episode),
    )


def _worst_score(before: RuleState, slot: int, episode: Episode) -> float | None:
    """Return the highest score of an incident of a rule that learns; None for other rules."""
    score = float(before.columns["worst_score"][slot]) if "worst_score" in before.columns else float("nan")
    known = [one for one in (score, episode.worst_score) if one is not None and one == one]
    return max(known, default=None)


def _worst(before: RuleState, slot: int, episode: Episode) -> float | None:
    """Return the worst value of an incident; where two sides of a range are beyond it, that of the first opening."""
    worst = float(before.columns["worst"][slot]) if "worst" in before.columns else float("nan")
    if "worst_score" in before.columns:
        score = before.columns["worst_score"][slot]
        return worst if worst == worst and not score <= (episode.worst_score or 0.0) else episode.worst
    if before.condition == "stuck" or worst != worst:
        return episode.worst
    if episode.worst is None:
        return worst
    side = before.condition.split()[-1]
    return (
        max(worst, episode.worst)
        if side == "above"
        else min(worst, episode.worst)
        if side == "below"
        else episode.worst
    )


def _closing(state: RuleState, slot: int, rule: int, now_us: int, reason: str) -> Transition:
    episode = _settled(state, slot, state.episodes[slot])
    is_silence = state.condition == "silence"
    return Transition(
        event_us=now_us,
        device=int(state.members[slot]),
        rule=rule,
        episode=episode,
        state="closed",
        sequence=episode.sequence + 1,
        breached_us=episode.opened_us if is_silence or episode.breached_us == NONE_US else episode.breached_us,
        reason=reason,
        value=None,
        worst=episode.worst,
        threshold=(None, None),
        readings=0 if is_silence else episode.readings,
        stale=False,
        flapping=episode.flapping,
    )
