"""What the job concludes, as record batches: anomalies of a batch, aggregates of a table, dead letters of rows."""

import hashlib
import struct
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pyarrow as pa

from transforms.batch import Codes, Flags, ReadingBatch
from transforms.clock import format_time
from transforms.codec import read_back
from transforms.deadletters import Reason, RejectionError, dead_line
from transforms.moments import ANOMALIES, COUNT, AggregateTable
from transforms.records import Anomaly, DeadLetter, WindowAggregate
from transforms.rules import Rule, RuleSet
from transforms.tables import from_columns, from_records, readings_schema

Timing = Literal["early", "on_time", "late"]


@dataclass(slots=True)
class Detected:
    """What the rules say of a batch.

    Attributes:
        readings: the same rows, with their breaches.
        anomalies: one record a breach; None if there are none.
        by_rule: breaches of each rule that was breached.
    """

    readings: ReadingBatch
    anomalies: pa.RecordBatch | None
    by_rule: Counter[str]


def detect(batch: ReadingBatch, rules: RuleSet) -> Detected:
    """Evaluate stateless rules on a batch."""
    found: list[Anomaly] = []
    by_rule: Counter[str] = Counter()
    breaches = np.zeros(batch.values.shape, np.uint16)
    for rule in rules.rules:
        metric = batch.metrics.index(rule.metric)
        rows = np.flatnonzero(_breaching(batch, rule, metric))
        if len(rows):
            breaches[metric, rows] += 1
            by_rule[rule.id] = len(rows)
            found.extend(_anomaly(batch, rule, rules.version, metric, row) for row in rows.tolist())
    if not found:
        return Detected(batch, None, by_rule)
    return Detected(replace(batch, breaches=breaches), from_records(Anomaly, found), by_rule)


def _breaching(batch: ReadingBatch, rule: Rule, metric: int) -> Flags:
    hit = rule.breaches(batch.values[metric])
    if rule.watches_all or not hit.any():
        return hit
    watched = np.array([rule.matches(name) for name in batch.devices], np.bool_)
    return hit & watched[batch.device]


def _anomaly(batch: ReadingBatch, rule: Rule, version: str, metric: int, row: int) -> Anomaly:
    device = batch.devices[batch.device[row]]
    value = float(batch.values[metric, row])
    source_us = int(batch.source_us[row])
    return Anomaly(
        anomaly_id=anomaly_id(rule.id, device, source_us, rule.metric, value),
        rule_id=rule.id,
        severity=rule.severity,
        device=device,
        metric=rule.metric,
        value=value,
        threshold=rule.threshold,
        threshold_upper=rule.threshold_upper,
        comparison=rule.comparison,
        event_time=int(batch.event_us[row]),
        source_time=source_us,
        message_id=batch.messages[batch.message[row]].message_id,
        rules_version=version,
    )


def anomaly_id(rule_id: str, device: str, source_us: int, metric: str, value: float) -> str:
    """Return the id of an anomaly: a hash of the rule's id and the reading (its own ts, not the shifted time)."""
    key = "\0".join((rule_id, device, metric)).encode() + struct.pack("<qd", source_us, value)
    return hashlib.blake2b(key, digest_size=16).hexdigest()


def aggregates(table: AggregateTable, size_us: int, timing: Timing, pane_index: int) -> pa.RecordBatch:
    """Return one record for each group and metric that has readings, ordered by window, device and metric."""
    group, metric = np.nonzero(table.ints[COUNT].T)
    order = np.lexsort((metric, _rank(table.devices)[table.device[group]], table.window_us[group]))
    group, metric = group[order], metric[order]
    names = pa.array(table.devices, pa.string()).take(pa.array(table.device[group]))
    kinds = pa.array(table.metrics, pa.string()).take(pa.array(metric))
    count = table.ints[COUNT, metric, group]
    mean, m2, low, high, first, last = table.floats[:, metric, group]
    window_us = table.window_us[group]
    n = len(group)
    return from_columns(
        WindowAggregate,
        {
            "device": names,
            "metric": kinds,
            "window_start": window_us,
            "window_end": window_us + size_us,
            "count": count,
            "mean": mean,
            "stddev": np.sqrt(m2 / count),
            "min": low,
            "max": high,
            "first": first,
            "last": last,
            "anomaly_count": table.ints[ANOMALIES, metric, group],
            "timing": pa.repeat(pa.scalar(timing, pa.string()), n),
            "pane_index": np.full(n, pane_index, np.int64),
        },
    )


def _rank(names: Sequence[str]) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    rank = np.empty(len(names), np.intp)
    rank[sorted(range(len(names)), key=names.__getitem__)] = np.arange(len(names))
    return rank


def too_late(
    batch: ReadingBatch, rows: Flags, missed_us: Sequence[tuple[int, int]], watermark_us: int
) -> pa.RecordBatch:
    """Return dead letters for the rows whose windows had closed.

    Args:
        batch: the readings.
        rows: (N,) which of them came too late.
        missed_us: for each of those rows, start of the first and end of the last window that missed it.
        watermark_us: the source's watermark when they arrived.
    """
    letters = []
    late = np.flatnonzero(rows)
    contents = read_back(batch.messages, batch.message[late], batch.line[late])
    for row, (start, end), content in zip(late.tolist(), missed_us, contents, strict=True):
        message = batch.messages[batch.message[row]]
        text = f"window {format_time(start)} to {format_time(end)} had closed, watermark {format_time(watermark_us)}"
        rejection = RejectionError(Reason.TOO_LATE, text)
        line, event_us = int(batch.line[row]), int(batch.event_us[row])
        letters.append(dead_line(message, line, content, rejection, "aggregate", event_us))
    return from_records(DeadLetter, letters)


def reading_records(batch: ReadingBatch) -> pa.RecordBatch:
    """Return readings as record batch of `readings_schema`; a missing value is null."""
    schema = readings_schema(batch.metrics)
    message_ids = tuple(message.message_id for message in batch.messages)
    columns = [
        _texts(batch.device, batch.devices),
        pa.array(batch.event_us, schema.field("event_time").type),
        pa.array(batch.source_us, schema.field("source_time").type),
        _texts(batch.message, message_ids),
        pa.array(batch.line.astype(np.int64)),
        *(pa.array(values, from_pandas=True) for values in batch.values),  # NaN becomes null
    ]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _texts(codes: Codes, names: tuple[str, ...]) -> pa.Array:
    return pa.DictionaryArray.from_arrays(codes, pa.array(names, pa.string())).dictionary_decode()
