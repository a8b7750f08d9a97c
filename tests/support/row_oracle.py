"""Compute what a job must write, one row at a time in plain Python. Shares no code with the job."""

import hashlib
import json
import math
import struct
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import pandas as pd

METRICS: Final = ("temp", "humidity")
GLOBS: Final = {
    "*": ("a1", "a2", "A1", "b", "[b]"),
    "a*": ("a1", "a2"),
    "?1": ("a1", "A1"),
    "[ab]*": ("a1", "a2", "b"),
    "[[]b]": ("[b]",),
    "b": ("b",),
    "c*": (),
}
"""Devices that each glob matches."""
DEVICES: Final = GLOBS["*"]
MICROS: Final = 1_000_000


@dataclass(frozen=True)
class Rule:
    """One rule of a rules file; a range has two bounds."""

    id: str
    metric: str
    comparison: str
    bounds: tuple[float, ...]
    severity: str
    devices: tuple[str, ...]

    def document(self) -> dict[str, Any]:
        """Return the entry of the rules file."""
        bound: Any = list(self.bounds) if len(self.bounds) == 2 else self.bounds[0]
        rest = {"metric": self.metric, "severity": self.severity, "devices": list(self.devices)}
        return {"id": self.id, **rest, self.comparison: bound}

    def is_breached(self, device: str, value: float | None) -> bool:
        """Return whether a value of the rule's metric breaches it."""
        if value is None or not any(device in GLOBS[glob] for glob in self.devices):
            return False
        low, high = self.bounds[0], self.bounds[-1]
        answers = {
            "above": value > low,
            "below": value < low,
            "outside": not low <= value <= high,
            "inside": low <= value <= high,
        }
        return answers[self.comparison]


@dataclass(frozen=True)
class Row:
    """One line of a message: a reading, or a line that cannot be read for some reason."""

    ts_us: int = 0
    device: str = ""
    values: tuple[float | None, ...] = ()
    bad: bytes = b""
    reason: str = ""

    @property
    def line(self) -> bytes:
        """The line as it is sent; a missing value is null."""
        if self.reason:
            return self.bad
        reading = {"ts": self.ts_us / MICROS, "device": self.device, **dict(zip(METRICS, self.values, strict=True))}
        return json.dumps(reading).encode()


@dataclass(frozen=True)
class Windows:
    """Length, slide and allowed lateness, in seconds."""

    size: int
    slide: int
    lateness: int

    def starts(self, ts_us: int) -> Iterator[int]:
        """Yield the starts of the windows that hold a time, all in microseconds."""
        slide = self.slide * MICROS
        start = ts_us // slide * slide
        while start > ts_us - self.size * MICROS:
            yield start
            start -= slide

    def end(self, start_us: int) -> int:
        """Return the exclusive end of a window in microseconds."""
        return start_us + self.size * MICROS

    def has_closed(self, start_us: int, watermark_us: int) -> bool:
        """Return whether a window takes no more readings."""
        return self.end(start_us) + self.lateness * MICROS <= watermark_us


@dataclass(frozen=True)
class Arrival:
    """A message, and the watermark when it arrives, in microseconds."""

    message_id: str
    rows: tuple[Row, ...]
    watermark_us: int = 0
    end: bytes = b""

    @property
    def payload(self) -> bytes:
        """The message as it is sent: lines, and what follows the last one."""
        return b"\n".join(row.line for row in self.rows) + self.end


@dataclass
class Expected:
    """Expected output of a job: records as dictionaries, and the totals of its ledger by item and detail."""

    anomalies: list[dict[str, Any]] = field(default_factory=list)
    values: dict[tuple[str, str, int], list[tuple[int, float, int]]] = field(default_factory=dict)
    dead_letters: list[tuple[str, str, int | None, bytes]] = field(default_factory=list)
    totals: Counter[tuple[str, str]] = field(default_factory=Counter)

    def aggregates(self, windows: Windows) -> pd.DataFrame:
        """Return the final aggregates, one row per device, metric and window."""
        return pd.DataFrame([aggregate_of(*key, values, windows) for key, values in self.values.items()])


def evaluate(arrivals: list[Arrival], rules: list[Rule], rules_version: str, windows: Windows) -> Expected:
    """Evaluate rules and windows on every row in the order of arrival."""
    expected = Expected()
    for arrival in arrivals:
        if all(row.reason and not row.bad.startswith(b"{") for row in arrival.rows):  # no line is an object
            _reject(expected, arrival, None, arrival.rows[0].reason)
            expected.totals["rows_rejected", arrival.rows[0].reason] += 1
            continue
        for number, row in enumerate(arrival.rows, start=1):
            if row.reason:
                _reject(expected, arrival, number, row.reason)
                expected.totals["rows_rejected", row.reason] += 1
                continue
            expected.totals["rows_decoded", ""] += 1
            for metric, value in zip(METRICS, row.values, strict=True):
                breached = [rule for rule in rules if rule.metric == metric and rule.is_breached(row.device, value)]
                for rule in breached:
                    assert value is not None
                    expected.anomalies.append(anomaly_of(rule, row, value, arrival.message_id, rules_version))
                    expected.totals["anomalies", rule.id] += 1
                if value is not None:
                    _aggregate(expected, arrival, row, metric, value, len(breached), windows)
            if any(windows.has_closed(start, arrival.watermark_us) for start in windows.starts(row.ts_us)):
                _reject(expected, arrival, number, "too_late")
    return expected


def _reject(expected: Expected, arrival: Arrival, number: int | None, reason: str) -> None:
    """Reject one line, or the message as a whole."""
    content = arrival.payload if number is None else arrival.rows[number - 1].line
    expected.dead_letters.append((reason, arrival.message_id, number, content))
    expected.totals["dead_letters", reason] += 1


def _aggregate(
    expected: Expected, arrival: Arrival, row: Row, metric: str, value: float, breaches: int, windows: Windows
) -> None:
    for start in windows.starts(row.ts_us):
        expected.totals["values", metric] += 1
        if windows.has_closed(start, arrival.watermark_us):
            expected.totals["values_missed", metric] += 1
        else:
            key = (row.device, metric, start)
            expected.values.setdefault(key, []).append((row.ts_us, value, breaches))


def anomaly_of(rule: Rule, row: Row, value: float, message_id: str, rules_version: str) -> dict[str, Any]:
    """Return the record of a reading that breaches a rule, times in microseconds."""
    identity = "\0".join((rule.id, row.device, rule.metric)).encode() + struct.pack("<qd", row.ts_us, value)
    return {
        "anomaly_id": hashlib.blake2b(identity, digest_size=16).hexdigest(),
        "rule_id": rule.id,
        "severity": rule.severity,
        "device": row.device,
        "metric": rule.metric,
        "value": value,
        "threshold": rule.bounds[0],
        "threshold_upper": rule.bounds[1] if len(rule.bounds) == 2 else None,
        "comparison": rule.comparison,
        "event_time": row.ts_us,
        "source_time": row.ts_us,
        "message_id": message_id,
        "rules_version": rules_version,
    }


def aggregate_of(
    device: str, metric: str, start: int, rows: list[tuple[int, float, int]], windows: Windows
) -> dict[str, Any]:
    """Return statistics of the (time, value, breaches) of one window; of equal times, the values count in order."""
    ordered = sorted(rows)
    values = [value for _, value, _ in ordered]
    mean = math.fsum(values) / len(values)
    return {
        "device": device,
        "metric": metric,
        "window_start": start,
        "window_end": windows.end(start),
        "count": len(values),
        "mean": mean,
        "stddev": math.sqrt(math.fsum((value - mean) ** 2 for value in values) / len(values)),
        "min": min(values),
        "max": max(values),
        "first": values[0],
        "last": values[-1],
        "anomaly_count": sum(breaches for _, _, breaches in ordered),
    }
