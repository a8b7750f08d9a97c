"""Survey: all that `explore` accumulates while pieces of CSV go by. Memory grows with devices and metrics only."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import compress, count, islice
from operator import eq
from typing import Final

import numpy as np
from numpy.typing import NDArray

from publisher.csvfiles import CsvTable, Odd, Piece
from publisher.explore.report import (
    DeviceEntry,
    GapEntry,
    MetricEntry,
    Report,
    RowCounts,
    RuleEntry,
    TimeSpan,
)
from publisher.explore.timelines import Gap, Timelines
from publisher.explore.values import Floats, MetricStats, read_values
from publisher.lines import NO_TIME, LineWriter, read_times, within
from telemetry.model.messages import MAX_LINE_BYTES
from telemetry.model.metrics import DEFAULT_METRICS, READING_UNITS
from telemetry.rules.threshold_rules import Rule, RuleSet
from telemetry.text.timestamps import format_time

_LEAST_ROWS: Final = 2_000  # that NumPy is called for, where odd lines cut the rows into small pieces
_MOST_ESCAPED: Final = 12  # bytes of JSON that one character of a cell can become (two \uXXXX)

Flags = NDArray[np.bool_]


def select_pieces(pieces: Iterable[Piece], start_us: int | None, end_us: int | None) -> Iterator[Piece]:
    """Keep what a replay of [start, end) publishes: a line without a time belongs where the one before it belongs."""
    if start_us is None and end_us is None:
        yield from pieces
        return
    inside = True
    for piece in pieces:
        if isinstance(piece, Odd):
            if inside:
                yield piece
            continue
        ts = piece.columns.index("ts")
        keep = within(read_times([row[ts] for row in piece.rows]), start_us, end_us, inside)
        inside = bool(keep[-1])
        if keep.any():
            yield CsvTable(piece.columns, list(compress(piece.rows, keep.tolist())))


class Survey:
    """Accumulates pieces."""

    def __init__(self, rules: RuleSet, top: int) -> None:
        """Begin with nothing.

        Args:
            rules: what to flag; the job decodes the default metrics and those of the rules.
            top: how many gaps and devices to report.
        """
        self._rules = rules
        self._decoded = frozenset(DEFAULT_METRICS) | {rule.metric for rule in rules.rules}
        self._top = top
        self._waiting: CsvTable = CsvTable((), [])
        self._row_before: tuple[tuple[str, ...], list[str]] | None = None
        self._rows = self._odd_lines = self._repeated = 0
        self._without_time = self._without_device = self._unreadable = 0
        self._together = Timelines(top)
        self._by_device = Timelines(top)
        self._codes: defaultdict[str, int] = defaultdict(count().__next__)
        self._metrics: defaultdict[str, MetricStats] = defaultdict(MetricStats)
        self._flagged = 0
        self._flagged_by = {rule.id: np.zeros(0, np.int64) for rule in rules.rules}  # by device
        self._watched = {rule.id: np.zeros(0, np.bool_) for rule in rules.rules}  # the same

    def add(self, piece: Piece) -> None:
        """Take a piece of an input, in order."""
        if isinstance(piece, Odd):
            self._odd_lines += len(piece.lines)
            return
        if piece.columns != self._waiting.columns:
            self._take_waiting()
            self._waiting = CsvTable(piece.columns, [])
        self._waiting.rows.extend(piece.rows)
        if len(self._waiting.rows) >= _LEAST_ROWS:
            self._take_waiting()

    def report(self, inputs: Sequence[str]) -> Report:
        """Return what was found in all pieces."""
        self._take_waiting()
        readings = int(self._together.readings.sum())
        names = list(self._codes)
        return Report(
            inputs=list(inputs),
            counts=RowCounts(
                self._rows,
                readings,
                self._without_time,
                self._without_device,
                self._unreadable,
                self._odd_lines,
                self._repeated,
            ),
            time=self._time_span(names),
            device_count=len(names),
            devices=self._devices(names, readings),
            metrics=[_metric_entry(name, stats, readings) for name, stats in self._metrics.items()],
            rules_version=self._rules.version,
            rules=[_rule_entry(rule, self._flagged_by[rule.id], readings) for rule in self._rules.rules],
            flagged=self._flagged,
        )

    def _take_waiting(self) -> None:
        rows, self._waiting = self._waiting.rows, CsvTable(self._waiting.columns, [])
        if not rows:
            return
        names = self._waiting.columns
        if self._row_before == (names, rows[0]):
            self._repeated += 1
        self._repeated += sum(map(eq, rows, rows[1:]))
        self._row_before = names, rows[-1]
        self._rows += len(rows)
        columns: dict[str, tuple[str, ...]] = dict(zip(names, zip(*rows, strict=True), strict=True))
        times, devices = read_times(columns["ts"]), columns["device"]
        values = {name: read_values(name, cells) for name, cells in columns.items() if name not in ("ts", "device")}
        timed = times != NO_TIME
        named = np.fromiter(map(bool, devices), np.bool_, len(devices))
        readings = timed & named & ~_too_long(names, rows, columns)
        for name in self._decoded.intersection(values):
            readings &= ~np.isinf(values[name])
        self._without_time += int(np.count_nonzero(~timed))
        self._without_device += int(np.count_nonzero(timed & ~named))
        self._unreadable += int(np.count_nonzero(timed & named & ~readings))
        for name, numbers in values.items():
            self._metrics[name].add(numbers, readings)
        if not readings.all():
            times, devices = times[readings], tuple(compress(devices, readings.tolist()))
            values = {name: numbers[readings] for name, numbers in values.items()}
        codes = np.fromiter(map(self._codes.__getitem__, devices), np.intp, len(devices))
        self._together.add(np.zeros(len(times), np.intp), times)
        self._by_device.add(codes, times)
        self._apply_rules(codes, values)

    def _apply_rules(self, codes: NDArray[np.intp], values: dict[str, Floats]) -> None:
        flagged = np.zeros(len(codes), np.bool_)
        for rule in self._rules.rules:
            if rule.metric in values:
                breaches = rule.breaches(values[rule.metric])
                if not rule.matches_all:
                    breaches &= self._watch(rule)[codes]
                if breaches.any():
                    by_device = np.bincount(codes[breaches], minlength=len(self._codes))
                    by_device[: len(self._flagged_by[rule.id])] += self._flagged_by[rule.id]
                    self._flagged_by[rule.id] = by_device
                    flagged |= breaches
        self._flagged += int(np.count_nonzero(flagged))

    def _watch(self, rule: Rule) -> Flags:
        """Return which devices a rule looks at, by code; a name is matched when it is new."""
        known = self._watched[rule.id]
        if len(known) < len(self._codes):
            new = [rule.matches(name) for name in islice(self._codes, len(known), None)]
            self._watched[rule.id] = known = np.concatenate([known, np.array(new, np.bool_)])
        return known

    def _time_span(self, names: Sequence[str]) -> TimeSpan:
        line = self._together
        first, last = (int(line.first_us[0]), int(line.last_us[0])) if len(line) else (None, None)
        return TimeSpan(
            first_time=None if first is None else format_time(first),
            last_time=None if last is None else format_time(last),
            seconds=0.0 if first is None or last is None else (last - first) / 1e6,
            out_of_order=int(line.steps_back.sum()),
            furthest_back_seconds=line.furthest_back_us / 1e6,
            gaps=[_gap_entry(gap, None) for gap in line.gaps],
            device_gaps=[_gap_entry(gap, names[gap.timeline]) for gap in self._by_device.gaps],
        )

    def _devices(self, names: Sequence[str], readings: int) -> list[DeviceEntry]:
        lines = self._by_device
        most = np.argsort(-lines.readings, kind="stable")[: self._top].tolist()
        return [
            DeviceEntry(
                device=names[code],
                readings=int(lines.readings[code]),
                share=int(lines.readings[code]) / readings,
                usual_interval_seconds=None if (usual := lines.usual_us(code)) is None else round(usual) / 1e6,
                longest_gap_seconds=int(lines.longest_us[code]) / 1e6,
                out_of_order=int(lines.steps_back[code]),
                first_time=format_time(int(lines.first_us[code])),
                last_time=format_time(int(lines.last_us[code])),
            )
            for code in most
        ]


def _too_long(names: tuple[str, ...], rows: list[list[str]], columns: dict[str, tuple[str, ...]]) -> Flags:
    """Return which rows make a line of JSON that the job does not look at."""
    longest = sum(len(name) + max(map(len, cells)) + 2 for name, cells in columns.items())
    if longest * _MOST_ESCAPED <= MAX_LINE_BYTES:
        return np.zeros(len(rows), np.bool_)
    texts = LineWriter().write(CsvTable(names, rows)).texts
    return np.array([len(text.encode()) > MAX_LINE_BYTES for text in texts], np.bool_)


def _gap_entry(gap: Gap, device: str | None) -> GapEntry:
    return GapEntry(gap.length_us / 1e6, format_time(gap.start_us), format_time(gap.start_us + gap.length_us), device)


def _metric_entry(name: str, stats: MetricStats, readings: int) -> MetricEntry:
    is_known = stats.count > 0
    return MetricEntry(
        metric=name,
        unit=READING_UNITS.get(name),
        values=stats.count,
        missing=readings - stats.count - stats.unread,
        not_numbers=stats.not_numbers,
        min=stats.min if is_known else None,
        mean=stats.mean if is_known else None,
        max=stats.max if is_known else None,
    )


def _rule_entry(rule: Rule, flagged: NDArray[np.int64], readings: int) -> RuleEntry:
    bound = f"{rule.threshold:g}" if rule.threshold_upper is None else f"[{rule.threshold:g}, {rule.threshold_upper:g}]"
    unit = READING_UNITS.get(rule.metric)
    total = int(flagged.sum())
    return RuleEntry(
        rule_id=rule.id,
        severity=rule.severity,
        condition=f"{rule.metric} {rule.comparison} {bound}" + (f" {unit}" if unit not in (None, "bool") else ""),
        readings=total,
        share=total / readings if readings else 0.0,
        devices=int(np.count_nonzero(flagged)),
    )
