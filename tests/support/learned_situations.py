"""Rules that learn and readings each five minutes, for tests of situations."""

import math
from collections.abc import Sequence
from random import Random
from typing import Any

from telemetry.rules.parse import parse_rules
from telemetry.rules.rule_set import RuleSet
from tests.support.incident_oracle import Sample
from tests.support.incidents import at, evaluate, seconds

HOUR_S = 3600.0
DAY_S = 24 * HOUR_S
DAY_LONG = 288
"""Readings of a day."""
KINDS = {
    "jump": "metric: temp, unusual: {kind: jump}",
    "level": "metric: temp, unusual: {kind: level}",
    "hourly": "metric: temp, unusual: {kind: level, season: hour}",
    "drift": "metric: temp, unusual: {kind: drift}",
    "novel": "metric: temp, unusual: {kind: novel}",
    "together": "unusual: {kind: together, metrics: [temp, humidity]}",
    "stuck": "metric: temp, stuck: learned",
}
"""A rule of each kind as it is without further fields."""


def rules_of(*names: str, incidents: str = "{reopen: 1m, update_every: 2d}", **rules: str) -> RuleSet:
    """Return rules of `KINDS` and others, by their ids."""
    lines = [f"- {{id: {name}, {fields}}}" for name, fields in [*((one, KINDS[one]) for one in names), *rules.items()]]
    return parse_rules("\n".join(["version: 2", f"incidents: {incidents}", "rules:", *lines]))


def noise(days: float, about: float = 20.0, deviation: float = 0.3, seed: int = 1) -> list[float]:
    random = Random(seed)
    return [random.gauss(about, deviation) for _ in range(round(days * DAY_LONG))]


def five_minutely(values: Sequence[float], device: str = "a", begin: float = 0.0) -> list[Sample]:
    """Return readings of temp, with humidity that is nothing but noise; `begin` in seconds."""
    random = Random(7)
    return [
        Sample(device, at(begin + 300 * number), {"temp": value, "humidity": random.gauss(50.0, 1.0)})
        for number, value in enumerate(values)
    ]


def told_of(rules: RuleSet, samples: Sequence[Sample]) -> list[dict[str, Any]]:
    """Return the transitions up to the last reading."""
    return evaluate(rules, samples, [max(one.time for one in samples) + 1])


def openings(told: Sequence[dict[str, Any]]) -> list[tuple[str, float]]:
    """Return rule and time in hours of each opening, to two digits."""
    return [(one["rule_id"], hours(one["event_time"])) for one in told if one["state"] == "opened"]


def hours(time_us: int) -> float:
    second = seconds(time_us)
    return math.nan if second is None else round(second / HOUR_S, 2)
