"""Admit devices to the state of rules."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from telemetry.arrays import CodeArray
from telemetry.rules.rule import Rule
from telemetry.rules.rule_set import RuleSet
from transforms.incidents.incident_state import IncidentState, RuleState, fresh_columns
from transforms.incidents.watched_rows import WatchedRows
from transforms.series.track import NONE_US


def admit(rules: RuleSet, state: IncidentState, rows: WatchedRows) -> tuple[IncidentState, CodeArray]:
    """Return the state with the devices of some readings, and the index of each of their devices in it.

    A device without readings among them is not admitted; its index is of no meaning.
    """
    if not len(rows):
        return state, np.zeros(len(rows.devices), np.int32)
    if rows.devices == state.devices:  # as when the same devices send again and again
        code_of = np.arange(len(rows.devices), dtype=np.int32)
    else:
        numbers = np.flatnonzero(np.bincount(rows.device, minlength=len(rows.devices)))
        names = [rows.devices[number] for number in numbers.tolist()]
        state = with_devices(rules.rules, state, [name for name in names if name not in state.codes])
        code_of = np.zeros(len(rows.devices), np.int32)
        code_of[numbers] = [state.codes[name] for name in names]
    seen_us = state.seen_us.copy()
    np.maximum.at(seen_us, code_of[rows.device], rows.event_us)
    start_us = int(rows.event_us.min()) if state.start_us == NONE_US else state.start_us
    return replace(state, seen_us=seen_us, start_us=start_us), code_of


def with_devices(rules: Sequence[Rule], state: IncidentState, names: Sequence[str]) -> IncidentState:
    """Return the state with some devices that it does not have yet, and their series of each rule."""
    if not names:
        return state
    number, known = len(names), len(state.devices)
    codes = state.codes | {name: known + offset for offset, name in enumerate(names)}
    grown = {
        rule.id: _with_members(state.rules[rule.id], rule, members_of(rule, names) + np.int32(known)) for rule in rules
    }
    return replace(
        state,
        devices=(*state.devices, *names),
        expected=np.append(state.expected, np.zeros(number, np.bool_)),
        seen_us=np.append(state.seen_us, np.full(number, NONE_US)),
        first_us=np.append(state.first_us, np.full(number, NONE_US)),
        rules=grown,
        codes=codes,
    )


def members_of(rule: Rule, names: Sequence[str]) -> CodeArray:
    """Return the indices of the devices that a rule applies to, ascending."""
    if rule.matches_all:
        return np.arange(len(names), dtype=np.int32)
    return np.array([number for number, name in enumerate(names) if rule.matches(name)], np.int32)


def _with_members(state: RuleState, rule: Rule, members: CodeArray) -> RuleState:
    if not len(members):
        return state
    fresh = fresh_columns(rule.condition, len(members))
    columns = {name: np.concatenate([column, fresh[name]]) for name, column in state.columns.items()}
    return replace(state, members=np.append(state.members, members), columns=columns)
