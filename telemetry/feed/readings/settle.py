"""Reject the rows that have no usable time or device, and in a strict feed those with a value that cannot be read."""

from collections.abc import Callable, Sequence

import numpy as np

from telemetry.feed.formats.value_columns import PROBLEM_OF_CODE
from telemetry.feed.formats.values import NumberProblem
from telemetry.feed.readings.feed_rows import FeedRows, RejectedRow
from telemetry.feed.readings.metric_specs import MetricSpec
from telemetry.feed.readings.row_devices import NO_DEVICE, RowDevices
from telemetry.feed.times.problems import FINE, MISSING, Times
from telemetry.model.dead_letters import Reason

_MISSING_VALUE = PROBLEM_OF_CODE.index(NumberProblem.MISSING)
_REASONS = {NumberProblem.NOT_FINITE: Reason.NOT_FINITE}


def settle(
    rows: FeedRows,
    times: Times,
    devices: RowDevices,
    specs: Sequence[MetricSpec],
    strict: bool,
    names: tuple[str, str],
    explain_time: Callable[[int], str],
) -> FeedRows:
    """Return the rows that are readings; the others are rejected, for the first thing that is wrong with them.

    A missing value is no problem of its own, so it is none of the result.

    Args:
        rows: N rows.
        times: of the N rows.
        devices: of the N rows.
        specs: of the metrics.
        strict: whether a value that cannot be read costs its row.
        names: how people know time and device of the feed.
        explain_time: returns why the time of a row is none.
    """
    if rows.problems is not None:
        rows.problems[rows.problems == _MISSING_VALUE] = 0
        if not rows.problems.any():
            rows.problems = None
    good = (times.problem == FINE) & (devices.code != NO_DEVICE)
    if strict and rows.problems is not None:
        good &= ~rows.problems.any(axis=0)
    if good.all():
        return _in_order(rows)
    bad = np.flatnonzero(~good)
    for row, content in zip(bad.tolist(), rows.raw(bad), strict=True):
        if times.problem[row] == MISSING:
            reason, error = Reason.MISSING_FIELD, f"{names[0]} is missing"
        elif times.problem[row] != FINE:
            reason, error = Reason.BAD_TIMESTAMP, explain_time(row)
        elif devices.code[row] == NO_DEVICE:
            problem = devices.problems.get(row, "")
            reason, error = Reason.WRONG_TYPE if problem else Reason.MISSING_FIELD, problem or f"{names[1]} is missing"
        else:
            reason, error = _bad_value(rows, specs, row)
        rows.rejected.append(RejectedRow(int(rows.payload[row]), int(rows.number[row]), content, reason, error))
    return _in_order(rows.select(good))


def _in_order(rows: FeedRows) -> FeedRows:
    rows.rejected.sort(key=lambda one: (one.payload, one.number))
    return rows


def _bad_value(rows: FeedRows, specs: Sequence[MetricSpec], row: int) -> tuple[Reason, str]:
    assert rows.problems is not None
    metric = int(np.flatnonzero(rows.problems[:, row])[0])
    problem = PROBLEM_OF_CODE[rows.problems[metric, row]]
    text = rows.text(metric, row)[:80]
    reason = Reason.WRONG_TYPE if problem is None else _REASONS.get(problem, Reason.WRONG_TYPE)
    return reason, f"{specs[metric].name} is {text!r}: {problem}"
