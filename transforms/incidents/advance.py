"""Advance the incidents of a rule set: the one entry point of their evaluation.

Time is event time, and only the watermark moves it on: everything before the watermark is judged, be it a reading, the
deadline of a device that is silent, or the end of a window; nothing at it or after it is. Advancing in many small steps
therefore gives the same transitions as one large step, whatever the steps are.
"""

from dataclasses import replace

import numpy as np
import pyarrow as pa

from telemetry.arrays import IntArray
from telemetry.model.metric_info import NOT_DESCRIBED, MetricCatalog
from telemetry.rules.conditions import Silence
from telemetry.rules.rule import Rule
from telemetry.rules.rule_set import RuleSet
from transforms.incidents.devices import admit
from transforms.incidents.follow import follow
from transforms.incidents.incident_state import Episode, IncidentState, is_of, version_of
from transforms.incidents.judge import judge
from transforms.incidents.judge_learned import learn
from transforms.incidents.silent_times import SilentTimes
from transforms.incidents.transitions import Transition, label_of, put_in_order, to_records
from transforms.incidents.watch import Arrivals, Watch
from transforms.incidents.watched_rows import WatchedRows, by_device
from transforms.series.track import NONE_US


def advance(
    rules: RuleSet,
    state: IncidentState,
    rows: WatchedRows,
    watermark_us: int,
    catalog: MetricCatalog = NOT_DESCRIBED,
) -> tuple[IncidentState, pa.RecordBatch | None]:
    """Judge everything before a watermark that was not judged before.

    Args:
        rules: the rules that `state` is of, see `with_rules`.
        state: what they remember; it is not changed.
        rows: all readings before the watermark that were not given yet, in any order. Of readings of the same device,
            metric and time the first one counts. Those before the state's watermark are too late and are left out.
        watermark_us: no reading before it comes any more, microseconds UTC. One before the state's changes nothing.
        catalog: units of the metrics, for sentences.

    Returns:
        The state afterwards, and the transitions as `Incident` records without a job, by time, device, rule and
        sequence; None if there are none.

    Raises:
        ValueError: if the state is of other rules, or a reading is not before the watermark.
    """
    _check(rules, state)
    if len(rows) and int(rows.event_us.max()) >= watermark_us:
        raise ValueError(f"a reading at {int(rows.event_us.max())} is not before the watermark {watermark_us}")
    if watermark_us <= state.watermark_us:
        return state, None
    late = rows.event_us < state.watermark_us
    if late.any():
        rows = rows.select(~late)
    state, watches = watches_of(rules, state, rows, watermark_us)
    learned = learn(watches)
    judged = [judge(watch, learned.get(watch.rule.id)) for watch in watches]
    silent = SilentTimes(len(state.devices))
    for watch, (latched, _) in zip(watches, judged, strict=True):
        if isinstance(watch.rule.condition, Silence):
            was_open = np.flatnonzero(watch.state.columns["open"])
            silent.add(watch.rule.metric, watch.state.members, latched, was_open)
    told: list[Transition] = []
    after = {}
    for number, (watch, (latched, remembered)) in enumerate(zip(watches, judged, strict=True)):
        transitions, episodes = follow(watch, latched, rules.incidents, silent, number)
        told += transitions
        after[watch.rule.id] = replace(remembered, episodes=_remaining(rules, episodes, watermark_us))
    first_us = state.first_us.copy()
    told = put_in_order(told, state.devices, first_us)
    state = replace(state, watermark_us=watermark_us, first_us=first_us, rules=after)
    labels = [label_of(rule) for rule in rules.rules]
    return state, to_records(told, state.devices, labels, rules.version, catalog)


def watches_of(
    rules: RuleSet, state: IncidentState, rows: WatchedRows, watermark_us: int
) -> tuple[IncidentState, list[Watch]]:
    """Return the state with the devices of some readings, and what each rule judges of these readings."""
    state, code_of = admit(rules, state, rows)
    arrivals = Arrivals(by_device(rows, code_of), state.devices, state.expected, watermark_us, state.start_us)
    return state, [Watch(rule, state.rules[rule.id], arrivals, _gap_us(rules, rule, state)) for rule in rules.rules]


def _check(rules: RuleSet, state: IncidentState) -> None:
    if not is_of(state, rules):
        expected = {rule.id: (version_of(rule), rule.shelved) for rule in rules.rules}
        found = {name: (remembered.version, remembered.shelved) for name, remembered in state.rules.items()}
        changed = sorted({name for name, _ in expected.items() ^ found.items()})
        raise ValueError(f"the state is of other rules: {', '.join(changed)}")


def _gap_us(rules: RuleSet, rule: Rule, state: IncidentState) -> IntArray | None:
    """Return the longest time between two readings of one run for each series (A,); None without a limit.

    A rule that does not state it takes the shortest time after which a rule calls the device, or the metric, silent.
    """
    members = state.rules[rule.id].members
    if rule.max_gap_us is not None:
        return np.full(len(members), rule.max_gap_us)
    limits = [
        (other.condition.for_us, state.rules[other.id].members)
        for other in rules.rules
        if isinstance(other.condition, Silence) and other.metric in ("", rule.metric)
        if other.condition.for_us is not None
    ]
    if not limits or isinstance(rule.condition, Silence):
        return None
    gap_us = np.full(len(state.devices), -NONE_US)
    for limit_us, devices in limits:
        gap_us[devices] = np.minimum(gap_us[devices], limit_us)
    return gap_us[members]


def _remaining(rules: RuleSet, episodes: dict[int, Episode], watermark_us: int) -> dict[int, Episode]:
    """Return the incidents that can still matter: open ones, and those that can open again or count for flapping."""
    policy = rules.incidents
    reach_us = policy.reopen_us
    if policy.flapping is not None:
        reach_us = max(reach_us, policy.flapping.within_us)
    if not any(one.closed_us is not None and one.closed_us < watermark_us - reach_us for one in episodes.values()):
        return episodes
    return {
        slot: one for slot, one in episodes.items() if one.closed_us is None or one.closed_us >= watermark_us - reach_us
    }
