"""Describe the canonical form where it is not one row a line."""

from typing import Final

from telemetry.feed.default_feed import BOOLEAN_METRICS
from telemetry.feed.feed import CsvFields, Feed, MetricFields, TimeFields

CANONICAL_DOCUMENTS: Final = Feed(
    time=TimeFields(unit="s"),
    csv=CsvFields(multiline=True),
    metrics={name: MetricFields(boolean=True) for name in sorted(BOOLEAN_METRICS)},
)
"""The canonical form in arrays of readings, and in CSV of another delimiter or with cells over several lines."""
