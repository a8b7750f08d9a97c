"""Find incidents one reading at a time in plain Python. Shares no code with the evaluation, only the types of rules."""

import fnmatch
import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from telemetry.rules.bounds import Bounds
from telemetry.rules.conditions import Combination, Rate, Silence, Stuck, Threshold, WindowStatistic
from telemetry.rules.incident_policy import IncidentPolicy
from telemetry.rules.rule import Rule
from telemetry.rules.rule_set import RuleSet
from telemetry.rules.unusual import LearnedStuck, Unusual

MINUTE = 60_000_000


@dataclass(frozen=True)
class Sample:
    """One reading: a device, an event time in microseconds, and the values it carries."""

    device: str
    time: int
    values: dict[str, float]


@dataclass
class Look:
    """The answer of a condition at one time."""

    time: int
    value: float | None
    says: str  # breach, clear or between
    moved: bool = False
    onset: int | None = None


def says(bounds: Bounds, value: float) -> str:
    def beyond(low: float, high: float | None) -> bool:
        match bounds.comparison:
            case "above":
                return value > low
            case "below":
                return value < low
        assert high is not None
        within = low <= value <= high
        return within if bounds.comparison == "inside" else not within

    if beyond(bounds.low, bounds.high):
        return "breach"
    low = bounds.low if bounds.clear_low is None else bounds.clear_low
    high = bounds.high if bounds.clear_high is None else bounds.clear_high
    return "between" if beyond(low, high) else "clear"


def how_bad(bounds: Bounds, value: float) -> float:
    low, high = bounds.low, bounds.high
    if bounds.comparison == "above":
        return value
    if bounds.comparison == "below":
        return -value
    assert high is not None
    return max(low - value, value - high) if bounds.comparison == "outside" else min(value - low, high - value)


def applies(rule: Rule, device: str) -> bool:
    def among(globs: Iterable[str]) -> bool:
        return any(fnmatch.fnmatchcase(device, glob) for glob in globs)

    return among(rule.devices) and not among(rule.except_)


def readings_of(samples: list[Sample], device: str, metric: str) -> list[tuple[int, float]]:
    """Return times and values of a metric, or times of all readings for ""."""
    found: dict[int, float] = {}
    for sample in samples:
        if sample.device == device and metric == "":
            found.setdefault(sample.time, math.nan)
        elif sample.device == device and not math.isnan(sample.values.get(metric, math.nan)):
            found.setdefault(sample.time, sample.values[metric])
    return sorted(found.items())


def gap_of(rules: RuleSet, rule: Rule, device: str) -> int | None:
    if rule.max_gap_us is not None:
        return rule.max_gap_us
    limits = []
    for other in rules.rules:
        concerned = other.metric in ("", rule.metric) and applies(other, device)
        if isinstance(other.condition, Silence) and other.condition.for_us is not None and concerned:
            limits.append(other.condition.for_us)
    return min(limits, default=None)


@dataclass
class Job:
    rules: RuleSet
    samples: list[Sample]
    watermark: int
    roster: tuple[str, ...] = ()
    silences: dict[str, list[tuple[str, int, int | None]]] = field(default_factory=lambda: defaultdict(list))

    def run(self) -> list[dict[str, Any]]:
        devices = sorted({sample.device for sample in self.samples} | set(self.roster))
        for rule in self.rules.rules:
            if isinstance(rule.condition, Silence):
                for device in devices:
                    if applies(rule, device):
                        spans = [(rule.metric, a, c) for a, _, c in self.silent(rule, rule.condition, device)]
                        self.silences[device] += spans
        told = []
        for number, rule in enumerate(self.rules.rules):
            for device in devices:
                if applies(rule, device):
                    told += [{**one, "rule": number} for one in self.incidents(rule, device)]
        told.sort(key=lambda one: (one["event_time"], one["device"], one["rule"], one["sequence"]))
        self.mark_first(told)
        return told

    def mark_first(self, told: list[dict[str, Any]]) -> None:
        latest: dict[str, int] = {}
        of_incident: dict[tuple[Any, ...], bool] = {}
        for one in told:
            key = (one["rule"], one["device"], one["opened_at"])
            if one["state"] == "opened":
                before = latest.get(one["device"])
                of_incident[key] = before is None or one["event_time"] - before > MINUTE
                if of_incident[key]:
                    latest[one["device"]] = one["event_time"]
            one["first"] = of_incident[key]

    def silent(self, rule: Rule, silence: Silence, device: str) -> list[tuple[int, int, int | None]]:
        """Return when silence began to be told, the time of the last reading before it, and when it ended."""
        times = [time for time, _ in readings_of(self.samples, device, rule.metric)]
        start = min((sample.time for sample in self.samples), default=None)
        found: list[tuple[int, int, int | None]] = []
        if device in self.roster and start is not None:
            due = start + silence.grace_us
            if not times and due < self.watermark:
                found.append((due, start, None))
            elif times and due < times[0]:
                found.append((due, start, times[0]))
        mean, number = 0.0, 0
        for index, time in enumerate(times):
            if index:
                elapsed = float(time - times[index - 1])
                if number == 0:
                    mean = elapsed
                else:
                    mean += (1 - 0.5 ** (1 / 20)) * (min(elapsed, 4 * mean) - mean)
                number += 1
            if silence.intervals is None:
                assert silence.for_us is not None
                limit = silence.for_us
            elif number >= 10:
                limit = int(silence.intervals * mean)
            else:
                continue
            follower = times[index + 1] if index + 1 < len(times) else None
            if time + limit < (self.watermark if follower is None else follower):
                found.append((time + limit, time, follower))
        return found

    def looks(self, rule: Rule, device: str) -> list[Look]:
        condition, gap = rule.condition, gap_of(self.rules, rule, device)
        readings = readings_of(self.samples, device, rule.metric)
        if isinstance(condition, Silence):
            looks = [Look(time, None, "clear") for time, _ in readings]
            looks += [Look(at, None, "breach", onset=last) for at, last, _ in self.silent(rule, condition, device)]
            return sorted(looks, key=lambda look: look.time)
        if isinstance(condition, Combination):
            return self.combined(condition, device)
        if isinstance(condition, Stuck):
            return stuck(condition, readings, gap)
        assert not isinstance(condition, Unusual | LearnedStuck), "conditions that learn have an oracle of their own"
        bounds = rule.overrides.get(device, condition.bounds)
        if isinstance(condition, Threshold):
            values = readings
        elif isinstance(condition, Rate):
            values = rates(condition, readings, gap)
        else:
            values = self.windows(condition, readings)
        return [Look(time, value, says(bounds, value)) for time, value in values]

    def windows(self, condition: WindowStatistic, readings: list[tuple[int, float]]) -> list[tuple[int, float]]:
        windows: dict[int, list[float]] = defaultdict(list)
        for time, value in readings:
            windows[time // condition.length_us].append(value)
        return [
            ((number + 1) * condition.length_us, statistic(condition, values))
            for number, values in sorted(windows.items())
            if (number + 1) * condition.length_us < self.watermark and len(values) >= condition.min_readings
        ]

    def combined(self, condition: Combination, device: str) -> list[Look]:
        series = [dict(readings_of(self.samples, device, part.metric)) for part in condition.parts]
        latest: list[tuple[int, str] | None] = [None] * len(series)
        looks = []
        for time in sorted({time for one in series for time in one}):
            words = []
            for number, part in enumerate(condition.parts):
                if time in series[number]:
                    latest[number] = (time, says(part.bounds, series[number][time]))
                known = latest[number]
                words.append(known[1] if known is not None and time - known[0] <= condition.within_us else "unknown")
            yes, no = {"all": (all, any), "any": (any, all), "not": (all, any)}[condition.how]
            bad, good = ("clear", "breach") if condition.how == "not" else ("breach", "clear")
            if yes(word == bad for word in words):
                looks.append(Look(time, None, "breach"))
            elif no(word == good for word in words):
                looks.append(Look(time, None, "clear"))
            elif "unknown" not in words:
                looks.append(Look(time, None, "between"))
        return looks

    def is_silent(self, rule: Rule, device: str, time: int) -> bool:
        return any(
            metric in ("", rule.metric) and begun < time and (ended is None or ended > time)
            for metric, begun, ended in self.silences[device]
        )

    def falls_silent(self, rule: Rule, device: str) -> list[int]:
        spans = [(begun, ended) for metric, begun, ended in self.silences[device] if metric in ("", rule.metric)]
        return sorted(
            {
                begun
                for begun, _ in spans
                if not any(other < begun and (ended is None or ended >= begun) for other, ended in spans)
            }
        )

    def incidents(self, rule: Rule, device: str) -> list[dict[str, Any]]:
        length = rule.condition.length_us if isinstance(rule.condition, WindowStatistic) else 0
        gap = gap_of(self.rules, rule, device)
        own = isinstance(rule.condition, Stuck | Silence)
        teller = Teller(self, rule, device, self.rules.incidents)
        series = Series(
            teller,
            for_us=max(rule.condition.for_us, 1) if isinstance(rule.condition, Stuck) else 0 if own else rule.for_us,
            keep_us=0 if own else rule.keep_us,
            gap=None if gap is None or isinstance(rule.condition, Silence) else gap + length,
        )
        events: list[tuple[int, int, Look | None]] = [(look.time, 0, look) for look in self.looks(rule, device)]
        if not isinstance(rule.condition, Silence):
            events += [(time, 1, None) for time in self.falls_silent(rule, device)]
        for time, _, look in sorted(events, key=lambda event: event[:2]):
            if look is None:
                series.fall_silent(time)
            else:
                series.see(look)
        return teller.told


def rates(condition: Rate, readings: list[tuple[int, float]], gap: int | None) -> list[tuple[int, float]]:
    found = []
    for index, (time, value) in enumerate(readings):
        for earlier in range(index - 1, -1, -1):
            if gap is not None and readings[earlier + 1][0] - readings[earlier][0] > gap:
                break
            elapsed = time - readings[earlier][0]
            if elapsed >= (condition.over_us or 0):
                found.append((time, (value - readings[earlier][1]) / (elapsed / condition.per_us)))
                break
    return found


def stuck(condition: Stuck, readings: list[tuple[int, float]], gap: int | None) -> list[Look]:
    looks = []
    anchor, last = None, 0
    for time, value in readings:
        moved = anchor is not None and abs(value - anchor) > condition.within
        if anchor is None or moved or (gap is not None and time - last > gap):
            anchor = value
        last = time
        looks.append(Look(time, value, "breach", moved=moved))
    return looks


def statistic(condition: WindowStatistic, values: list[float]) -> float:
    match condition.statistic:
        case "mean":
            return math.fsum(values) / len(values)
        case "min":
            return min(values)
        case "max":
            return max(values)
        case "range":
            return max(values) - min(values)
        case "count":
            return float(len(values))
        case "first":
            return values[0]
        case "last":
            return values[-1]
        case "stddev":
            mean = math.fsum(values) / len(values)
            return math.sqrt(math.fsum((value - mean) ** 2 for value in values) / len(values))
    assert condition.quantile is not None
    ordered = sorted(values)
    place = condition.quantile * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


@dataclass
class Case:
    """An incident while it is followed."""

    opened: int
    sequence: int = 0
    told: int = 0
    closed: int | None = None
    flapping: bool = False
    candidate: int = 0
    values: list[float | None] = field(default_factory=list)
    last: int = 0


@dataclass
class Teller:
    """Writes what happens to the incidents of one rule and device."""

    job: Job
    rule: Rule
    device: str
    policy: IncidentPolicy
    told: list[dict[str, Any]] = field(default_factory=list)
    case: Case | None = None
    openings: list[int] = field(default_factory=list)

    def tell(self, state: str, time: int, value: float | None, values: list[float | None], **more: Any) -> None:
        case, rule = self.case, self.rule
        assert case is not None
        case.sequence += 1
        case.told = time
        silence = isinstance(rule.condition, Silence)
        bounds = rule.overrides.get(self.device, getattr(rule.condition, "bounds", None))
        worst = max((v for v in values if v is not None), key=lambda v: how_bad(bounds, v)) if bounds else None
        stale = not silence and self.job.is_silent(rule, self.device, time)
        self.told.append(
            {
                "device": self.device,
                "rule_id": rule.id,
                "state": state,
                "sequence": case.sequence,
                "event_time": time,
                "opened_at": case.opened,
                "last_at": case.opened if silence else case.last,
                "closed_at": time if state == "closed" else None,
                "reason": "clear" if state == "closed" else None,
                "value": value,
                "worst": worst,
                "threshold": bounds.low if bounds else None,
                "threshold_upper": bounds.high if bounds else None,
                "readings": 0 if silence else len(values),
                "stale": stale,
                "flapping": case.flapping,
            }
            | more
        )


@dataclass
class Series:
    """One series of one rule."""

    teller: Teller
    for_us: int
    keep_us: int
    gap: int | None
    run: list[float | None] = field(default_factory=list)
    run_start: int | None = None
    run_last: int = 0
    clear_start: int | None = None
    holds: bool = False
    values: list[float | None] = field(default_factory=list)

    def see(self, look: Look) -> None:
        if look.moved:
            self.run_start = None
            if self.holds:
                self.cease(look)
        candidate = closing = False
        if look.says == "breach":
            if self.run_start is None or (self.gap is not None and look.time - self.run_last > self.gap):
                self.run_start, self.run = look.time, []
            self.run.append(look.value)
            self.run_last = look.time
            self.clear_start = None
            candidate = look.time - self.run_start >= self.for_us
        else:
            self.run_start = None
            self.clear_start = (self.clear_start or look.time) if look.says == "clear" else None
            closing = self.clear_start is not None and look.time - self.clear_start >= self.keep_us
        if self.holds and look.says == "breach":
            self.values.append(look.value)
            assert self.teller.case is not None
            self.teller.case.last = look.time
        opens = candidate and not self.holds
        if opens:
            self.hold(look)
        case = self.teller.case
        if candidate and case is not None:
            case.candidate = look.time
        if self.holds and closing:
            self.cease(look)
        case = self.teller.case
        if case is None or case.closed is not None:
            return
        if case.flapping:
            flapping = self.teller.policy.flapping
            assert flapping is not None
            clears = look.says == "clear" or look.moved
            if not self.holds and clears and look.time - case.candidate >= flapping.calm_us:
                self.close(look)
        elif not opens and look.time - case.told >= self.teller.policy.update_every_us:
            self.teller.tell("updated", look.time, look.value, case.values + self.values)

    def fall_silent(self, time: int) -> None:
        case = self.teller.case
        if case is not None and case.closed is None and not case.flapping:
            self.teller.tell("updated", time, None, case.values + self.values, stale=True)

    def hold(self, look: Look) -> None:
        teller, policy = self.teller, self.teller.policy
        self.holds, self.values = True, list(self.run)
        case = teller.case
        goes_on = case is not None and case.closed is None
        if case is None or (case.closed is not None and look.time - case.closed > policy.reopen_us):
            assert self.run_start is not None
            case = teller.case = Case(self.run_start if look.onset is None else look.onset)
        case.closed, case.last = None, look.time
        teller.openings.append(look.time)
        flapping = policy.flapping
        if flapping is not None:
            recent = [time for time in teller.openings if look.time - time <= flapping.within_us]
            case.flapping = case.flapping or len(recent) >= flapping.opens
        if not goes_on:
            teller.tell("opened", look.time, look.value, case.values + self.values)

    def cease(self, look: Look) -> None:
        case = self.teller.case
        assert case is not None
        self.holds = False
        case.values += self.values
        self.values = []
        if not case.flapping:
            self.close(look)

    def close(self, look: Look) -> None:
        case = self.teller.case
        assert case is not None
        self.teller.tell("closed", look.time, look.value, case.values)
        case.closed, case.flapping = look.time, False
