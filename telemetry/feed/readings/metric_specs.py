"""Take from a feed how the values of each metric are read."""

import math
from dataclasses import dataclass

from telemetry.feed.feed import Feed, MetricFields
from telemetry.feed.formats.values import NumberSpec


@dataclass(frozen=True, slots=True)
class MetricSpec:
    """Description of the values of one metric.

    Attributes:
        name: of the metric.
        column: column or path of its values; in a long table, its name there.
        number: how they are read.
    """

    name: str
    column: str
    number: NumberSpec


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
