"""Compute the incidents of a stream with the rules of the torture, one reading at a time, without code of the job."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

RULES: Final = Path(__file__).with_name("rules.yaml")
"""File of the rules; the numbers below are those in it."""
_UPDATE_US: Final = 60_000_000
_WINDOW_US: Final = 60_000_000


class ExpectedTransition(NamedTuple):
    """One transition of an incident; its fields are those of the record. Times are microseconds UTC."""

    rule_id: str
    device: str
    opened_at: int
    sequence: int
    state: str
    event_time: int
    readings: int
    worst: float


class _Bounds(NamedTuple):
    """Bound of a rule, the value that clears it, and how long each has to last, microseconds."""

    above: float
    clear: float
    for_us: int
    keep_us: int


_HIGH: Final = _Bounds(30.0, 29.0, 5_000_000, 15_000_000)
_PEAK: Final = _Bounds(22.0, 21.5, 120_000_000, 0)


def expected_incidents(lines: Iterable[bytes]) -> list[ExpectedTransition]:
    """Return the transitions of readings, given as lines of JSON in any order, of each device one after the other."""
    by_device: dict[str, list[tuple[int, float]]] = defaultdict(list)
    for line in lines:
        reading = json.loads(line)
        by_device[reading["device"]].append((round(reading["ts"] * 1e6), reading["temp"]))
    found: list[ExpectedTransition] = []
    for device, readings in by_device.items():
        readings.sort()
        found += _incidents_of("temp-high", device, readings, _HIGH)
        found += _incidents_of("temp-peak", device, _peaks(readings), _PEAK)
    return found


def _peaks(readings: Iterable[tuple[int, float]]) -> list[tuple[int, float]]:
    """Return the end and the largest value of each window."""
    windows: dict[int, float] = {}
    for time_us, value in readings:
        end_us = (time_us // _WINDOW_US + 1) * _WINDOW_US
        windows[end_us] = max(value, windows.get(end_us, value))
    return sorted(windows.items())


def _incidents_of(
    rule_id: str, device: str, values: Iterable[tuple[int, float]], bounds: _Bounds
) -> Iterator[ExpectedTransition]:
    run: list[tuple[int, float]] = []  # the breaching values since the last other one
    clear_us: int | None = None
    opened_us: int | None = None  # None while no incident is open
    seen: list[float] = []
    sequence = told_us = 0
    for time_us, value in values:
        run = [*run, (time_us, value)] if value > bounds.above else []
        clear_us = (clear_us or time_us) if value <= bounds.clear else None
        if opened_us is None:
            if not run or time_us - run[0][0] < bounds.for_us:
                continue
            opened_us, seen, sequence, told_us = run[0][0], [worst for _, worst in run], 1, time_us
            yield ExpectedTransition(rule_id, device, opened_us, sequence, "opened", time_us, len(seen), max(seen))
            continue
        if run:
            seen.append(value)
        is_over = clear_us is not None and time_us - clear_us >= bounds.keep_us
        if is_over or time_us - told_us >= _UPDATE_US:
            sequence, told_us = sequence + 1, time_us
            state = "closed" if is_over else "updated"
            yield ExpectedTransition(rule_id, device, opened_us, sequence, state, time_us, len(seen), max(seen))
        opened_us = None if is_over else opened_us
