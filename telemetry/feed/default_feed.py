"""Load the feed in force without one, and derive from it the metrics of the founding data set and their units."""

import functools
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

import msgspec

from telemetry.feed.feed import Feed, MetricFields, is_canonical
from telemetry.model.metric_info import MetricCatalog, MetricInfo
from telemetry.text.marked_yaml import read_yaml

_FILE: Final = Path(__file__).with_name("default_feed.yaml")
_NO_FIELDS: Final = MetricFields()


@functools.cache
def default_feed() -> Feed:
    """Return the founding set's own feed, which the package contains: the canonical form and its metrics."""
    return msgspec.convert(read_yaml(_FILE.read_text(encoding="utf-8")), Feed)  # a test checks what `load_feed` checks


def metric_catalog(feed: Feed) -> MetricCatalog:
    """Return the units and labels of a feed's metrics; those of the default feed if it says nothing at all.

    A label that several metrics share, or that is the name of another one, has the metric's name behind it.
    """
    metrics = feed.metrics or (default_feed().metrics if is_canonical(feed) else {})
    fields = {name: given or _NO_FIELDS for name, given in metrics.items()}
    shown = Counter(given.label or name for name, given in fields.items())
    return MetricCatalog(
        {
            name: MetricInfo(
                given.unit,
                f"{given.label} ({name})" if given.label and shown[given.label] > 1 else given.label,
                given.boolean,
            )
            for name, given in fields.items()
        }
    )


DEFAULT_CATALOG: Final = metric_catalog(default_feed())
"""Units and labels of the default feed."""
READING_UNITS: Final[Mapping[str, str]] = MappingProxyType(
    {name: info.unit for name, info in DEFAULT_CATALOG.entries.items()}
)
"""Unit of each metric of the founding data set, in its column order."""
BOOLEAN_METRICS: Final = frozenset(name for name in READING_UNITS if DEFAULT_CATALOG.is_boolean(name))
DEFAULT_METRICS: Final = tuple(name for name in READING_UNITS if not DEFAULT_CATALOG.is_boolean(name))
"""The metrics that are decoded when ``--metrics`` does not say otherwise."""
