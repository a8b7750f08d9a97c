"""Accumulate the statistics of `explore` chunk by chunk. Memory grows only with the number of devices and metrics."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import compress, count, islice
from operator import eq
from typing import Final

import numpy as np
from numpy.typing import NDArray

from publisher.csv_input import CsvChunk, CsvTable, UnparsedLines
from publisher.explore.report import Report, RowCounts
from publisher.explore.report_entries import device_entries, metric_entry, rule_entry, time_span
from publisher.explore.timelines import Timelines
from publisher.explore.values import MetricStats, read_values
from publisher.json_lines import NO_TIME, LineFormatter, mask_time_range, read_times
from telemetry.arrays import BoolArray, FloatArray
from telemetry.feed.default_feed import DEFAULT_CATALOG, DEFAULT_METRICS
from telemetry.model.messages import MAX_LINE_BYTES
from telemetry.model.metric_info import MetricCatalog
from telemetry.rules.rule import Rule
from telemetry.rules.rule_set import RuleSet

_LEAST_ROWS: Final = 2_000  # collected before NumPy is called, because unparsed lines split the rows into small chunks
_MOST_ESCAPED: Final = 12  # most bytes of JSON for one character of a cell (two \uXXXX)


def select_chunks(chunks: Iterable[CsvChunk], start_us: int | None, end_us: int | None) -> Iterator[CsvChunk]:
    """Yield the lines that a replay of [start, end) publishes; a line without a time is treated like the previous one.

    Args:
        chunks: all lines, in order.
        start_us: start of the range, microseconds UTC; None for no start.
        end_us: end of the range, microseconds UTC; None for no end.
    """
    if start_us is None and end_us is None:
        yield from chunks
        return
    inside = True
    for chunk in chunks:
        if isinstance(chunk, UnparsedLines):
            if inside:
                yield chunk
            continue
        ts = chunk.columns.index("ts")
        keep = mask_time_range(read_times([row[ts] for row in chunk.rows]), start_us, end_us, inside)
        inside = bool(keep[-1])
        if keep.any():
            yield CsvTable(chunk.columns, list(compress(chunk.rows, keep.tolist())))


class Survey:
    """Statistics of chunks of CSV."""

    def __init__(self, rules: RuleSet, top: int, catalog: MetricCatalog = DEFAULT_CATALOG) -> None:
        """Start empty.

        Args:
            rules: those on single readings flag them; the job decodes the default metrics and those of all rules.
            top: most gaps and devices to report.
            catalog: units of the metrics, and which of them are booleans.
        """
        self._catalog = catalog
        self._rules = rules
        self._decoded = frozenset(DEFAULT_METRICS) | set(rules.metrics)
        self._top = top
        self._pending: CsvTable = CsvTable((), [])
        self._row_before: tuple[tuple[str, ...], list[str]] | None = None
        self._rows = self._odd_lines = self._repeated = 0
        self._without_time = self._without_device = self._unreadable = 0
        self._together = Timelines(top)
        self._by_device = Timelines(top)
        self._codes: defaultdict[str, int] = defaultdict(count().__next__)
        self._metrics: defaultdict[str, MetricStats] = defaultdict(MetricStats)
        self._flagged = 0
        # Number of flagged readings by rule and device, and a mask of the devices each rule applies to.
        self._flagged_by = {rule.id: np.zeros(0, np.int64) for rule in rules.thresholds}
        self._rule_devices = {rule.id: np.zeros(0, np.bool_) for rule in rules.thresholds}

    def add(self, chunk: CsvChunk) -> None:
        """Add the next chunk of an input."""
        if isinstance(chunk, UnparsedLines):
            self._odd_lines += len(chunk.lines)
            return
        if chunk.columns != self._pending.columns:
            self._add_pending()
            self._pending = CsvTable(chunk.columns, [])
        self._pending.rows.extend(chunk.rows)
        if len(self._pending.rows) >= _LEAST_ROWS:
            self._add_pending()

    def report(self, inputs: Sequence[str]) -> Report:
        """Return the report of all chunks."""
        self._add_pending()
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
            time=time_span(self._together, self._by_device, names),
            device_count=len(names),
            devices=device_entries(self._by_device, names, readings, self._top),
            metrics=[
                metric_entry(name, stats, readings, self._catalog.unit(name)) for name, stats in self._metrics.items()
            ],
            rules_version=self._rules.version,
            rules=[
                rule_entry(rule, self._flagged_by[rule.id], readings, self._catalog) for rule in self._rules.thresholds
            ],
            flagged=self._flagged,
        )

    def _add_pending(self) -> None:
        rows, self._pending = self._pending.rows, CsvTable(self._pending.columns, [])
        if not rows:
            return
        names = self._pending.columns
        if self._row_before == (names, rows[0]):
            self._repeated += 1
        self._repeated += sum(map(eq, rows, rows[1:]))
        self._row_before = names, rows[-1]
        self._rows += len(rows)
        columns: dict[str, tuple[str, ...]] = dict(zip(names, zip(*rows, strict=True), strict=True))
        times, devices = read_times(columns["ts"]), [cell.strip() for cell in columns["device"]]
        values = {
            name: read_values(cells, boolean=self._catalog.is_boolean(name))
            for name, cells in columns.items()
            if name not in ("ts", "device")
        }
        timed = times != NO_TIME
        named = np.fromiter(map(bool, devices), np.bool_, len(devices))
        readings = timed & named & ~_too_long(names, rows, columns)
        self._without_time += int(np.count_nonzero(~timed))
        self._without_device += int(np.count_nonzero(timed & ~named))
        self._unreadable += int(np.count_nonzero(timed & named & ~readings))
        for name, numbers in values.items():
            self._metrics[name].add(numbers, readings)
        values = {name: np.where(np.isinf(numbers), np.nan, numbers) for name, numbers in values.items()}
        if not readings.all():
            times, devices = times[readings], list(compress(devices, readings.tolist()))
            values = {name: numbers[readings] for name, numbers in values.items()}
        codes = np.fromiter(map(self._codes.__getitem__, devices), np.intp, len(devices))
        self._together.add(np.zeros(len(times), np.intp), times)
        self._by_device.add(codes, times)
        self._apply_rules(codes, values)

    def _apply_rules(self, codes: NDArray[np.intp], values: dict[str, FloatArray]) -> None:
        flagged = np.zeros(len(codes), np.bool_)
        for rule in self._rules.thresholds:
            if rule.metric in values:
                breaches = self._breaching(rule, codes, values[rule.metric])
                if not rule.matches_all:
                    breaches &= self._applies_to(rule)[codes]
                if breaches.any():
                    by_device = np.bincount(codes[breaches], minlength=len(self._codes))
                    by_device[: len(self._flagged_by[rule.id])] += self._flagged_by[rule.id]
                    self._flagged_by[rule.id] = by_device
                    flagged |= breaches
        self._flagged += int(np.count_nonzero(flagged))

    def _breaching(self, rule: Rule, codes: NDArray[np.intp], values: FloatArray) -> BoolArray:
        """Return a mask of the values that breach a rule on whatever device, by the bounds of each device."""
        if not rule.overrides:
            return rule.breaches(values)
        present, place = np.unique(codes, return_inverse=True)
        names = list(self._codes)
        return rule.bounds_for([names[code] for code in present.tolist()]).breaches(values, place)

    def _applies_to(self, rule: Rule) -> BoolArray:
        """Return a mask of the devices that a rule applies to, by code; only new names are matched."""
        known = self._rule_devices[rule.id]
        if len(known) < len(self._codes):
            new = [rule.matches(name) for name in islice(self._codes, len(known), None)]
            self._rule_devices[rule.id] = known = np.concatenate([known, np.array(new, np.bool_)])
        return known


def _too_long(names: tuple[str, ...], rows: list[list[str]], columns: dict[str, tuple[str, ...]]) -> BoolArray:
    """Return a mask of the rows whose line of JSON is too long for the job."""
    longest = sum(len(name) + max(map(len, cells)) + 2 for name, cells in columns.items())
    if longest * _MOST_ESCAPED <= MAX_LINE_BYTES:
        return np.zeros(len(rows), np.bool_)
    texts = LineFormatter().format(CsvTable(names, rows)).texts
    return np.array([len(text.encode()) > MAX_LINE_BYTES for text in texts], np.bool_)
