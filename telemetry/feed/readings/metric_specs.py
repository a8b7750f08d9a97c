"""Take from a feed how the values of each metric are read."""

import math
import re
from dataclasses import dataclass

from telemetry.feed.feed import Feed, MetricFields
from telemetry.feed.formats.values import NumberSpec


@dataclass(frozen=True, slots=True)
class MetricSpec:
    """Description of the values of one metric.

    Attributes:
        name: of the metric.
        column: column or path of its values; in a long table, the name that `LongNames` finds there.
        number: how they are read.
    """

    name: str
    column: str
    number: NumberSpec


class LongNames:
    """Finds the metrics in the names of a long table.

    Args:
        match: expression whose first group is the metric within a name; "" if the name is the metric.
    """

    def __init__(self, match: str) -> None:
        """Compile the expression."""
        self._match = re.compile(match) if match else None

    def metric_of(self, name: str) -> str:
        """Return the metric that a name says; a name that the expression does not find stays."""
        name = name.strip()
        found = self._match.search(name) if self._match is not None else None
        return (found[1] or "").strip() if found is not None else name


def metric_specs(feed: Feed, metrics: tuple[str, ...]) -> tuple[MetricSpec, ...]:
    """Return the descriptions of some metrics; one that the feed does not name is in a column of its own name."""
    return tuple(_spec(feed, name, feed.metrics.get(name) or MetricFields()) for name in metrics)


def _spec(feed: Feed, name: str, fields: MetricFields) -> MetricSpec:
    codes = (*feed.missing, *fields.missing)
    texts = tuple(code for code in codes if isinstance(code, str))
    numbers = tuple(float(code) for code in codes if not isinstance(code, str))
    return MetricSpec(
        name,
        fields.column or name,
        NumberSpec(
            missing=texts,
            sentinels=numbers,
            booleans=fields.boolean,
            decimal=feed.csv.decimal,
            scale=fields.scale,
            offset=fields.offset,
            lowest=-math.inf if fields.low is None else fields.low,
            highest=math.inf if fields.high is None else fields.high,
        ),
    )
