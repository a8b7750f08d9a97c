"""Evaluate the scenes of the guide to rules, `docs/rules.md`: readings, bounds and incidents as pictures show them.

A scene is the first test of a file in `docs/rules/conditions`. The rules are evaluated as the job evaluates them.
"""

import dataclasses
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import numpy as np

from telemetry.model.record_batches import to_records
from telemetry.model.records import Incident
from telemetry.rules.bounds import Bounds
from telemetry.rules.conditions import Combination, Rate, Threshold, WindowStatistic
from telemetry.rules.rule import Rule
from telemetry.rules.rule_set import RuleSet
from telemetry.rules.unusual import Unusual
from telemetry.text.durations import format_duration
from tests.support.sources import ROOT
from transforms.incidents.advance import advance
from transforms.incidents.change_rules import with_rules
from transforms.incidents.devices import admit
from transforms.incidents.judge import judge
from transforms.incidents.learned_trace import LearnedTrace, LearnedTracer, learns
from transforms.incidents.rule_tests.parse import load_rule_tests
from transforms.incidents.rule_tests.rule_test import RuleTest
from transforms.incidents.time_slices import TimeSlice
from transforms.incidents.watch import Arrivals, Watch
from transforms.incidents.watched_rows import by_device

FOLDER: Final = ROOT / "docs" / "rules" / "conditions"


@dataclass(frozen=True, slots=True)
class DrawnBound:
    """A line of a panel.

    Attributes:
        value: where it lies.
        kind: whether a breach begins or ends there.
    """

    value: float
    kind: Literal["bound", "clear"]


@dataclass(frozen=True, slots=True)
class ScenePanel:
    """Values over time.

    Attributes:
        label: of the values.
        times_us: offsets from the start of the scene, microseconds.
        values: as many; none where only the presence of readings is judged.
        breaches: whether each value is beyond a bound of the panel.
        bounds: lines.
        spans_us: length of time that a value stands for, up to its own time; 0 for single readings.
    """

    label: str
    times_us: tuple[int, ...]
    values: tuple[float, ...]
    breaches: tuple[bool, ...]
    bounds: tuple[DrawnBound, ...]
    spans_us: int = 0


@dataclass(frozen=True, slots=True)
class LearnedPanel(ScenePanel):
    """Values over time, and what a rule had learned before each.

    Attributes:
        expected: usual value; None where nothing is known.
        spread: standard deviation of usual values, likewise.
    """

    expected: tuple[float | None, ...] = ()
    spread: tuple[float | None, ...] = ()


@dataclass(frozen=True, slots=True)
class SceneBar:
    """A period in which an incident was open; times are offsets from the start of the scene, microseconds.

    Attributes:
        begun_us: where the breach began.
        opened_us: when the incident opened, or opened again.
        ended_us: when it closed, or the end of the scene.
        closed: whether it closed.
        reopened: whether it is the continuation of the bar before it.
        flapping: whether it flapped in the end.
        first: whether it was the first of its device.
        updated_us: when it was updated.
    """

    begun_us: int
    opened_us: int
    ended_us: int
    closed: bool
    reopened: bool
    flapping: bool
    first: bool
    updated_us: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class SceneRow:
    """Incidents of one rule and device."""

    rule_id: str
    device: str
    severity: str
    bars: tuple[SceneBar, ...]


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything that one picture shows.

    Attributes:
        name: of its files, without suffix.
        interval_us: time between two readings, microseconds.
        until_us: its end, microseconds after its start.
        panels: from top to bottom.
        rows: incidents below them.
    """

    name: str
    interval_us: int
    until_us: int
    panels: tuple[ScenePanel, ...]
    rows: tuple[SceneRow, ...]

    @property
    def digest(self) -> str:
        """A hash of all of it."""
        return hashlib.sha256(json.dumps(dataclasses.asdict(self)).encode()).hexdigest()


def scene_names() -> list[str]:
    """Return the names of all scenes."""
    return sorted(path.name.removesuffix(".test.yaml") for path in FOLDER.glob("*.test.yaml"))


def load_scene(path: Path) -> Scene:
    """Evaluate the first test of a file of tests."""
    file = load_rule_tests(str(path))
    rules, test = file.rules, file.tests[0]
    times = np.unique(test.rows.event_us)
    return Scene(
        path.name.removesuffix(".test.yaml"),
        int(np.diff(times).min()),
        test.until_us - test.start_us,
        tuple(_panels(rules, test)),
        tuple(_rows(rules, test)),
    )


def _panels(rules: RuleSet, test: RuleTest) -> Iterator[ScenePanel]:
    """Yield the readings of each device and metric, and below them what is judged instead of them."""
    rows = test.rows
    traces = _traces(rules, test)
    banded = {(one.device, one.rule.metric) for one in traces if _has_band(one)}
    for number, device in enumerate(rows.devices):
        if not rules.metrics:
            times_us = rows.event_us[rows.device == number] - test.start_us
            yield ScenePanel(f"readings of {device}", tuple(times_us.tolist()), (), (), ())
        for metric, values in zip(rows.metrics, rows.values, strict=True):
            mine = (rows.device == number) & ~np.isnan(values)
            if mine.any() and (device, metric) not in banded:
                bounds = _bounds(rules, device, metric)
                unusual = _breaches(traces, device, metric)
                name = f"{metric} of {device}" if len(rows.devices) > 1 else metric
                panel = _panel(name, rows.event_us[mine] - test.start_us, values[mine], bounds)
                breaches = (
                    is_so or test.start_us + time_us in unusual
                    for time_us, is_so in zip(panel.times_us, panel.breaches, strict=True)
                )
                yield dataclasses.replace(panel, breaches=tuple(breaches))
    for rule in rules.rules:
        if isinstance(rule.condition, Rate | WindowStatistic):
            yield _judged(rules, rule, test)
    for trace in traces:
        yield from _learned(trace, test)


def _traces(rules: RuleSet, test: RuleTest) -> list[LearnedTrace]:
    if not any(map(learns, rules.rules)):
        return []
    return list(LearnedTracer(rules).trace(TimeSlice(test.rows, test.until_us + 1)))


def _has_band(trace: LearnedTrace) -> bool:
    """Return whether a rule expects a value of each reading, as one on novel values does not."""
    condition = trace.rule.condition
    return isinstance(condition, Unusual) and condition.kind in ("jump", "level", "drift")


def _breaches(traces: list[LearnedTrace], device: str, metric: str) -> set[int]:
    """Return the times at which readings of a device's metric are unusual."""
    mine = [one for one in traces if one.device == device and metric in (one.rule.metric, *_metrics(one.rule))]
    return {int(time_us) for one in mine for time_us in one.time_us[one.score > _limits(one.rule)[0]]}


def _metrics(rule: Rule) -> tuple[str, ...]:
    return rule.condition.metrics if isinstance(rule.condition, Unusual) else ()


def _limits(rule: Rule) -> tuple[float, float | None]:
    """Return the scores at which a breach begins, and ends; None where it ends otherwise."""
    condition = rule.condition
    return (condition.sensitivity, condition.clear) if isinstance(condition, Unusual) else (1.0, None)


def _learned(trace: LearnedTrace, test: RuleTest) -> Iterator[ScenePanel]:
    """Yield the values with the band that was learned, if there is one, and below them their scores."""
    limit, clear = _limits(trace.rule)
    times_us = trace.time_us - test.start_us
    rated = ~np.isnan(trace.score)
    breaches = trace.score > limit
    if _has_band(trace):
        yield LearnedPanel(
            trace.rule.id,
            tuple(times_us.tolist()),
            tuple(np.round(trace.value, 9).tolist()),
            tuple(breaches.tolist()),
            (),
            expected=_known(np.where(np.isnan(trace.spread), np.nan, trace.expected)),
            spread=_known(trace.spread),
        )
    lines = [DrawnBound(limit, "bound")]
    if clear is not None and clear != limit:
        lines.append(DrawnBound(clear, "clear"))
    scores = np.round(trace.score[rated], 6)
    yield ScenePanel(
        "score", tuple(times_us[rated].tolist()), tuple(scores.tolist()),
        tuple(breaches[rated].tolist()), tuple(lines),
    )  # fmt: skip


def _known(values: np.ndarray) -> tuple[float | None, ...]:
    return tuple(None if value != value else round(value, 6) for value in values.tolist())


def _bounds(rules: RuleSet, device: str, metric: str) -> list[Bounds]:
    """Return the comparisons of single readings of a device's metric."""
    found = []
    for rule in rules.rules:
        if isinstance(rule.condition, Combination):
            found += [part.bounds for part in rule.condition.parts if part.metric == metric]
        elif isinstance(rule.condition, Threshold) and rule.metric == metric and rule.matches(device):
            found.append(rule.bounds_of(device))
    return found


def _panel(label: str, times_us: np.ndarray, values: np.ndarray, bounds: list[Bounds], spans_us: int = 0) -> ScenePanel:
    lines: dict[DrawnBound, None] = {}
    breaches = np.zeros(len(values), np.bool_)
    for one in bounds:
        breaches |= one.breaches(values)
        lines |= {DrawnBound(at, "bound"): None for at in (one.low, one.high) if at is not None}
        lines |= {DrawnBound(at, "clear"): None for at in (one.clear_low, one.clear_high) if at is not None}
    rounded = np.round(values, 9)
    return ScenePanel(
        label, tuple(times_us.tolist()), tuple(rounded.tolist()), tuple(breaches.tolist()), tuple(lines), spans_us
    )


def _judged(rules: RuleSet, rule: Rule, test: RuleTest) -> ScenePanel:
    """Return what the job judges for a rule of rates or windows, which have no limit of gaps but their own."""
    fresh, _ = with_rules(rules)
    state, code_of = admit(rules, fresh, test.rows)
    arrivals = Arrivals(by_device(test.rows, code_of), state.devices, state.expected, test.until_us + 1, test.start_us)
    of_rule = state.rules[rule.id]
    gap_us = None if rule.max_gap_us is None else np.full(len(of_rule.members), rule.max_gap_us)
    latched, _ = judge(Watch(rule, of_rule, arrivals, gap_us), None)
    track = latched.judged.track
    condition = rule.condition
    assert isinstance(condition, Rate | WindowStatistic), "others judge the readings"
    if isinstance(condition, Rate):
        spans_us, label = 0, f"{rule.id}: per {format_duration(condition.per_us)}"
    else:
        spans_us = condition.length_us
        label = rule.id if condition.quantile is None else f"{rule.id}: p{100 * condition.quantile:g}"
    return _panel(label, track.time_us - test.start_us, track.value, [condition.bounds], spans_us)


def _rows(rules: RuleSet, test: RuleTest) -> Iterator[SceneRow]:
    roster = rules.roster.devices if rules.roster is not None else ()
    state, _ = with_rules(rules, expected=roster)
    _, batch = advance(rules, state, test.rows, test.until_us + 1)
    transitions = [] if batch is None else to_records(Incident, batch)
    devices = list(dict.fromkeys((*test.rows.devices, *roster)))
    for rule in rules.rules:
        for device in filter(rule.matches, devices):
            mine = [one for one in transitions if (one.rule_id, one.device) == (rule.id, device)]
            if mine or len(devices) == 1:
                yield SceneRow(rule.id, device if len(devices) > 1 else "", rule.severity, tuple(_bars(mine, test)))


def _bars(transitions: list[Incident], test: RuleTest) -> Iterator[SceneBar]:
    start_us, seen = test.start_us, set[str]()
    for number, one in enumerate(transitions):
        if one.state != "opened":
            continue
        rest = []
        for later in transitions[number + 1 :]:
            if later.state == "opened":
                break
            rest.append(later)
        closing = rest[-1] if rest and rest[-1].state == "closed" else None
        reopened = one.incident_id in seen
        seen.add(one.incident_id)
        yield SceneBar(
            (one.event_time if reopened else one.opened_at) - start_us,
            one.event_time - start_us,
            (test.until_us if closing is None else closing.event_time) - start_us,
            closing is not None,
            reopened,
            any(later.flapping for later in (one, *rest)),
            one.first,
            tuple(later.event_time - start_us for later in rest if later.state == "updated"),
        )
