"""Compare the sums of the ledger with those of the results, job by job and hour by hour."""

import math
from collections.abc import Mapping
from typing import Final

from telemetry.model import ledger_items
from telemetry.text.timestamps import format_time
from transforms.ledger.hour_sums import HourKey, Sums, added, wrapped
from transforms.ledger.totals import StoredTotals, counted_kinds

MOST: Final = 20
"""Differences that are described; of more, their number is given."""
_TOLERANCE: Final = 1e-9  # of the largest sum that as many values can have: rounding depends on the order
_NOTHING: Final = Sums(0)


def hour_differences(totals: StoredTotals) -> list[str]:
    """Describe each difference between the ledger and the results of one job and hour."""
    labels = {kind.ledger_item: kind.label for kind in counted_kinds()}
    labels[ledger_items.VALUES] = "readings in final windows"
    labels[ledger_items.ROWS_REJECTED] = "rejected rows"
    uncounted = {kind.ledger_item for kind in counted_kinds() if totals.refused.get(kind.table_name)}
    uncounted |= set() if totals.counts_rejected else {ledger_items.ROWS_REJECTED}
    missed = {key: sums for key, sums in totals.expected.items() if key.item == ledger_items.VALUES_MISSED}
    expected = {key: sums for key, sums in totals.expected.items() if key.item in labels}
    for key, sums in missed.items():
        values = key._replace(item=ledger_items.VALUES)
        expected[values] = subtracted(expected.get(values, _NOTHING), sums)
    timed = labels.keys() - {ledger_items.ROWS_REJECTED}
    old = {key.job for key, sums in expected.items() if sums.checksum is None and key.item in timed}
    expected, found = _without_hours(expected, old), _without_hours(totals.found, old)
    problems = []
    for key in sorted(
        expected.keys() | found.keys(), key=lambda key: (key.job, key.hour_us or 0, key.item, key.detail)
    ):
        if key.item in uncounted:
            continue
        difference = difference_of(expected.get(key, _NOTHING), found.get(key, _NOTHING))
        if difference:
            problems.append(f"{_place(key)}: {labels[key.item]}{f', {key.detail}' if key.detail else ''}: {difference}")
    return problems[:MOST] + ([f"and {len(problems) - MOST:,} more differences"] if len(problems) > MOST else [])


def difference_of(expected: Sums, found: Sums) -> str:
    """Describe the difference of some sums; "" if there is none."""
    off = found.count - expected.count
    if off:
        return f"{found.count:,} of {expected.count:,}, {abs(off):,} {'missing' if off < 0 else 'too many'}"
    if not expected.count:
        return ""
    if None not in (expected.checksum, found.checksum) and expected.checksum != found.checksum:
        return "others than those that were counted"
    for name in ("low", "high"):
        limits = getattr(expected, name), getattr(found, name)
        if None not in limits and limits[0] != limits[1]:
            return f"their {'smallest' if name == 'low' else 'largest'} value is {limits[1]!r}, not {limits[0]!r}"
    for name in ("total", "weighted"):
        if not _close(getattr(expected, name), getattr(found, name), _magnitude(expected, found)):
            return "their values are not those that were read"
    return ""


def subtracted(whole: Sums, part: Sums) -> Sums:
    """Return the sums of the rest; its smallest and largest value are not known."""
    checksum = None if whole.checksum is None or part.checksum is None else wrapped(whole.checksum - part.checksum)
    return Sums(
        whole.count - part.count,
        None if whole.total is None or part.total is None else whole.total - part.total,
        None if whole.weighted is None or part.weighted is None else whole.weighted - part.weighted,
        checksum=checksum,
    )


def _without_hours(sums: Mapping[HourKey, Sums], jobs: set[str]) -> dict[HourKey, Sums]:
    """Return sums in which those of some jobs are counts alone, of all hours together."""
    found: dict[HourKey, Sums] = {}
    for key, one in sums.items():
        if key.job in jobs:
            key, one = key._replace(hour_us=None), Sums(one.count)
        found[key] = added(found[key], one) if key in found else one
    return found


def _magnitude(*sums: Sums) -> float:
    """Return the largest sum that the values can have."""
    limits = [abs(limit) for one in sums for limit in (one.low, one.high) if limit is not None]
    return max(limits, default=0.0) * sums[0].count


def _close(first: float | None, second: float | None, magnitude: float) -> bool:
    if first is None or second is None or not (math.isfinite(first) and math.isfinite(second)):
        return True
    return abs(first - second) <= _TOLERANCE * max(magnitude, abs(first))


def _place(key: HourKey) -> str:
    job = f"job {key.job}" if key.job else "jobs of older releases"
    return job if key.hour_us is None else f"{job}, hour {format_time(key.hour_us)[:13]}"
