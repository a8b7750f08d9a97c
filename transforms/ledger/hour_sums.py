"""Add up values and records by job and hour, in sums that can be compared wherever they were computed."""

from dataclasses import dataclass
from typing import Final, NamedTuple

SUMMED: Final = {"count": "sum", "total": "sum", "weighted": "sum", "low": "min", "high": "max", "checksum": "sum"}
"""Aggregation that adds up each field of `Sums`, as Arrow names it."""


class HourKey(NamedTuple):
    """Key by which sums are compared.

    Attributes:
        job: id of the job; "" for one of an older release.
        item: of the ledger.
        detail: metric, rule or reason; "" where the item has none.
        hour_us: start of the hour, microseconds UTC; None where it is not known.
    """

    job: str
    item: str
    detail: str
    hour_us: int | None


@dataclass(frozen=True, slots=True)
class Sums:
    """Sums of some values or records. Those that a store or an older release does not have are None.

    Attributes:
        count: how many.
        total: sum of the values.
        weighted: sum of the values, each by a weight of its device and window.
        low: smallest of the values.
        high: largest of the values.
        checksum: of devices and windows, or of whole records; a signed integer that wraps around.
    """

    count: int
    total: float | None = None
    weighted: float | None = None
    low: float | None = None
    high: float | None = None
    checksum: int | None = None


def added(first: Sums, second: Sums) -> Sums:
    """Return the sums of both."""
    return Sums(
        first.count + second.count,
        _plus(first.total, second.total),
        _plus(first.weighted, second.weighted),
        _least(first.low, second.low),
        _greatest(first.high, second.high),
        None if first.checksum is None or second.checksum is None else wrapped(first.checksum + second.checksum),
    )


def wrapped(number: int) -> int:
    """Return an integer as a signed one of 64 bits that wraps around."""
    return (number + 2**63) % 2**64 - 2**63


def _plus(first: float | None, second: float | None) -> float | None:
    return None if first is None or second is None else first + second


def _least(first: float | None, second: float | None) -> float | None:
    return None if first is None or second is None else min(first, second)


def _greatest(first: float | None, second: float | None) -> float | None:
    return None if first is None or second is None else max(first, second)
