"""Measure the core functions of the job without Beam: decode, rules and partial aggregates, on one core."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np

from benchmarks.cases import BenchmarkCase
from benchmarks.data import Rows
from benchmarks.expected_output import METRICS, WINDOW_US, OutputTotals
from telemetry.model.message_batch import MessageBatch
from telemetry.model.messages import ROWS, Message
from telemetry.rules.parse import load_rules
from telemetry.rules.rule_set import RuleSet
from transforms.decode.codec import decode
from transforms.decode.decode_spec import DecodeSpec
from transforms.detect.evaluate import detect
from transforms.windows.aggregate_table import COUNT, AggregateTable, aggregate_batch, merge_tables
from transforms.windows.window_spec import WindowSpec

ROWS_PER_MESSAGE: Final = (1, 100, 500, 2_000)
BUNDLE: Final = 1_000
"""Messages of one row that are decoded together, the size of a full pull."""


def cases(rows: Rows) -> list[BenchmarkCase]:
    """Return one case for each number of rows per message."""
    remarks = {1: f"decoded {BUNDLE:,} messages at a time, as in a bundle"}
    return [
        BenchmarkCase(
            f"in process, {size:,} row{'s' * (size > 1)} a message",
            rows.totals.rows,
            partial(_run, rows, size),
            remarks.get(size, "decoded one message at a time"),
            ours=True,
        )
        for size in ROWS_PER_MESSAGE
    ]


def make_bundles(lines: Sequence[bytes], size: int) -> list[MessageBatch]:
    """Group lines into messages of `size` rows, and the messages into batches that are decoded together."""
    messages = []
    for number, start in enumerate(range(0, len(lines), size)):
        rows = lines[start : start + size]
        messages.append(Message(b"\n".join(rows), {ROWS: str(len(rows))}, str(number)))
    bundle_size = BUNDLE if size == 1 else 1
    return [MessageBatch.of(messages[start : start + bundle_size]) for start in range(0, len(messages), bundle_size)]


@dataclass(slots=True)
class _Results:
    rows: int
    anomalies: int
    tables: list[AggregateTable]


def process_bundles(bundles: Sequence[MessageBatch], rules: RuleSet) -> _Results:
    """Run the measured functions."""
    windows = WindowSpec(WINDOW_US, WINDOW_US)
    results = _Results(0, 0, [])
    for bundle in bundles:
        readings = decode(bundle, DecodeSpec(METRICS)).readings
        if readings is None:
            continue
        detected = detect(readings, rules)
        results.rows += len(readings)
        results.anomalies += detected.by_rule.total()
        results.tables.append(aggregate_batch(detected.readings, windows))
    return results


def _run(rows: Rows, size: int) -> float:
    bundles = make_bundles(rows.read_lines(), size)
    rules = load_rules(None)
    began = time.perf_counter()
    results = process_bundles(bundles, rules)
    seconds = time.perf_counter() - began
    table = merge_tables(results.tables)
    counts = table.ints[COUNT]
    totals = OutputTotals(
        rows=results.rows,
        anomalies=results.anomalies,
        windows=len(np.unique(table.window_us)),
        aggregates=int(np.count_nonzero(counts)),
        values=int(counts.sum()),
    )
    rows.totals.check(f"in process, {size} rows a message", totals)
    return seconds
