"""The heart of the job without Beam: decode → rules → partial aggregates, on one core."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np

from benchmarks.answers import METRICS, WINDOW_US, Answer
from benchmarks.contender import Contender
from benchmarks.data import Rows
from telemetry.model.messages import ROWS, Message
from telemetry.rules.parse import load_rules
from telemetry.rules.threshold_rules import RuleSet
from transforms.decode.codec import decode
from transforms.detect.evaluate import detect
from transforms.windows.aggregate_table import COUNT, AggregateTable, aggregate_batch, merge_tables

ROWS_PER_MESSAGE: Final = (1, 100, 500, 2_000)
BUNDLE: Final = 1_000
"""Messages of one row that are decoded together: what a pull brings at most."""


def contenders(rows: Rows) -> list[Contender]:
    """Return one contender for each number of rows a message."""
    remarks = {1: f"decoded {BUNDLE:,} messages at a time, as in a bundle"}
    return [
        Contender(
            f"in process, {size:,} row{'s' * (size > 1)} a message",
            rows.answer.rows,
            partial(_run, rows, size),
            remarks.get(size, "decoded one message at a time"),
            ours=True,
        )
        for size in ROWS_PER_MESSAGE
    ]


def cut_messages(lines: Sequence[bytes], size: int) -> list[list[Message]]:
    """Return messages of `size` rows, in the lists in which they are decoded."""
    messages = []
    for number, start in enumerate(range(0, len(lines), size)):
        rows = lines[start : start + size]
        messages.append(Message(b"\n".join(rows), {ROWS: str(len(rows))}, str(number)))
    together = BUNDLE if size == 1 else 1
    return [messages[start : start + together] for start in range(0, len(messages), together)]


@dataclass(slots=True)
class _Found:
    rows: int
    anomalies: int
    tables: list[AggregateTable]


def work(bundles: Sequence[Sequence[Message]], rules: RuleSet) -> _Found:
    """Do the work that is measured."""
    found = _Found(0, 0, [])
    for bundle in bundles:
        readings = decode(bundle, METRICS).readings
        if readings is None:
            continue
        detected = detect(readings, rules)
        found.rows += len(readings)
        found.anomalies += detected.by_rule.total()
        found.tables.append(aggregate_batch(detected.readings, WINDOW_US))
    return found


def _run(rows: Rows, size: int) -> float:
    bundles = cut_messages(rows.read_lines(), size)
    rules = load_rules(None)
    began = time.perf_counter()
    found = work(bundles, rules)
    seconds = time.perf_counter() - began
    table = merge_tables(found.tables)
    counts = table.ints[COUNT]
    answer = Answer(
        rows=found.rows,
        anomalies=found.anomalies,
        windows=len(np.unique(table.window_us)),
        aggregates=int(np.count_nonzero(counts)),
        values=int(counts.sum()),
    )
    rows.answer.check(f"in process, {size} rows a message", answer)
    return seconds
