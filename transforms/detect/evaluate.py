"""Evaluate rules on a batch of readings and return its anomalies."""

import hashlib
import struct
from collections import Counter
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from telemetry.arrays import BoolArray
from telemetry.model.reading_batch import ReadingBatch
from telemetry.model.record_batches import from_records
from telemetry.model.records import Anomaly
from telemetry.rules.rule import Rule
from telemetry.rules.rule_set import RuleSet


@dataclass(slots=True)
class DetectedBatch:
    """Result of the rules for a batch.

    Attributes:
        readings: the same rows, with their breaches.
        anomalies: one record for each breach; None if there are none.
        by_rule: breaches of each rule that was breached.
    """

    readings: ReadingBatch
    anomalies: pa.RecordBatch | None
    by_rule: Counter[str]


def detect(batch: ReadingBatch, rules: RuleSet, job_id: str = "") -> DetectedBatch:
    """Evaluate the rules that need no memory on a batch; `job_id` is the job's, for the anomalies."""
    found: list[Anomaly] = []
    by_rule: Counter[str] = Counter()
    breaches = np.zeros(batch.values.shape, np.uint16)
    for rule in rules.thresholds:
        metric = batch.metrics.index(rule.metric)
        rows = np.flatnonzero(_breaching(batch, rule, metric))
        if len(rows):
            breaches[metric, rows] += 1
            by_rule[rule.id] = len(rows)
            found.extend(_anomaly(batch, rule, rules.version, metric, row, job_id) for row in rows.tolist())
    if not found:
        return DetectedBatch(batch, None, by_rule)
    return DetectedBatch(replace(batch, breaches=breaches), from_records(Anomaly, found), by_rule)


def _breaching(batch: ReadingBatch, rule: Rule, metric: int) -> BoolArray:
    values = batch.values[metric]
    hit = rule.bounds_for(batch.devices).breaches(values, batch.device) if rule.overrides else rule.breaches(values)
    if rule.matches_all or not hit.any():
        return hit
    watched = np.array([rule.matches(name) for name in batch.devices], np.bool_)
    return hit & watched[batch.device]


def _anomaly(batch: ReadingBatch, rule: Rule, version: str, metric: int, row: int, job_id: str) -> Anomaly:
    device = batch.devices[batch.device[row]]
    value = float(batch.values[metric, row])
    source_us = int(batch.source_us[row])
    bounds = rule.bounds_of(device)
    return Anomaly(
        anomaly_id=anomaly_id(rule.id, device, source_us, rule.metric, value),
        rule_id=rule.id,
        severity=rule.severity,
        device=device,
        metric=rule.metric,
        value=value,
        threshold=bounds.low,
        threshold_upper=bounds.high,
        comparison=bounds.comparison,
        event_time=int(batch.event_us[row]),
        source_time=source_us,
        message_id=batch.messages.ids[batch.message[row]],
        rules_version=version,
        job_id=job_id,
    )


def anomaly_id(rule_id: str, device: str, source_us: int, metric: str, value: float) -> str:
    """Return the id of an anomaly: a hash of the rule's id and the reading (its own ts, not the shifted time)."""
    key = "\0".join((rule_id, device, metric)).encode() + struct.pack("<qd", source_us, value)
    return hashlib.blake2b(key, digest_size=16).hexdigest()
