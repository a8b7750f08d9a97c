"""Measure the speed and the state of rules that learn: ``python -m benchmarks.learned_speed``.

The whole stack judges two shapes of simulated telemetry in one process: few devices with five metrics that send every
five seconds, and very many devices with one metric that send every hour. The first readings only warm it up.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from telemetry.rules.parse import parse_rules
from telemetry.rules.rule_set import RuleSet
from transforms.incidents.advance import advance
from transforms.incidents.change_rules import with_rules
from transforms.incidents.state_bytes import encode_incident_state
from transforms.incidents.watched_rows import WatchedRows

_KINDS: Final = (
    "unusual: {kind: jump}",
    "unusual: {kind: level, season: hour}",
    "unusual: {kind: drift}",
    "unusual: {kind: novel}",
    "stuck: learned",
    "silence: {intervals: 10}",
)
_START_S: Final = 1_600_000_000
_DAY_S: Final = 86_400


@dataclass(frozen=True, slots=True)
class LearnedShape:
    """Telemetry that is judged.

    Attributes:
        name: for the table.
        devices: how many.
        metrics: of each device.
        readings: of each device.
        interval_s: seconds between two of them.
        warm: readings of all devices that only warm up.
        batches: how many readings are judged at a time.
    """

    name: str
    devices: int
    metrics: tuple[str, ...]
    readings: int
    interval_s: int
    warm: int
    batches: tuple[int, ...]


SHAPES: Final = (
    LearnedShape("dense", 3, ("temp", "humidity", "co", "lpg", "smoke"), 3 * 17_280, 5, 50_000, (5_000, 50_000)),
    LearnedShape("sparse", 100_000, ("temp",), 30, 3_600, 2_000_000, (100_000, 1_000_000)),
)


def stack_of(metrics: Sequence[str]) -> RuleSet:
    """Return a rule of every kind that learns for each metric, and one for all of them together."""
    rules = [f"{{id: {metric}-{number}, metric: {metric}, {kind}}}" for metric in metrics
             for number, kind in enumerate(_KINDS)]  # fmt: skip
    if len(metrics) > 1:
        rules.append(f"{{id: together, unusual: {{kind: together, metrics: [{', '.join(metrics)}]}}}}")
    return parse_rules("version: 2\nrules:\n" + "".join(f"- {rule}\n" for rule in rules))


def telemetry_of(shape: LearnedShape) -> WatchedRows:
    """Return readings with a daily course and noise, in the order of their times."""
    random = np.random.default_rng(1)
    seconds = _START_S + (np.arange(shape.readings)[:, None] + random.random((1, shape.devices))) * shape.interval_s
    event_us = (seconds * 1e6).astype(np.int64).ravel()
    device = np.tile(np.arange(shape.devices, dtype=np.int32), shape.readings)
    wave = 20.0 + 3.0 * np.sin(event_us / 1e6 / _DAY_S * 2.0 * np.pi)
    values = np.round(wave + random.normal(0.0, 0.3, (len(shape.metrics), len(event_us))), 2)
    rows = WatchedRows(shape.metrics, tuple(f"d{n}" for n in range(shape.devices)), device, event_us, values)
    return rows.select(np.argsort(event_us, kind="stable"))


def measure(shape: LearnedShape, batch: int) -> tuple[float, float]:
    """Return readings times metrics judged in a CPU second, and stored bytes of state for each device and metric."""
    rules, rows = stack_of(shape.metrics), telemetry_of(shape)
    state, _ = with_rules(rules)
    judged, began = 0, 0.0
    for start in range(0, len(rows), batch):
        if start >= shape.warm and not judged:
            began = time.process_time()
        part = rows.part(start, min(start + batch, len(rows)))
        state, _ = advance(rules, state, part, int(part.event_us.max()) + 1)
        judged += len(part) if start >= shape.warm else 0
    elapsed = time.process_time() - began
    series = shape.devices * len(shape.metrics)
    return judged * len(shape.metrics) / elapsed, len(encode_incident_state(state)) / series


def main(args: Sequence[str] | None = None) -> int:
    """Print a table in Markdown, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.parse_args(args)
    print("| devices x metrics | readings at a time | readings · metrics / CPU second | state stored, bytes a series |")
    print("|---|--:|--:|--:|")
    for shape in SHAPES:
        for batch in shape.batches:
            speed, size = measure(shape, batch)
            shown = f"{shape.devices:,} x {len(shape.metrics)}, {shape.name}"
            print(f"| {shown} | {batch:,} | {speed:,.0f} | {size:.0f} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
