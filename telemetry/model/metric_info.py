"""Define what people are told of a metric beside its values: its unit and its label."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final


@dataclass(frozen=True, slots=True)
class MetricInfo:
    """Description of one metric.

    Attributes:
        unit: for people, such as ``°C``; "" for none.
        label: for people, in place of the name; "" for none.
        boolean: whether its values are 0 and 1 for false and true.
    """

    unit: str = ""
    label: str = ""
    boolean: bool = False


_UNKNOWN: Final = MetricInfo()


@dataclass(frozen=True)
class MetricCatalog:
    """Descriptions of metrics by name. A metric that it does not have has no unit, its name is its label.

    Attributes:
        entries: in the order of their feed.
    """

    entries: Mapping[str, MetricInfo] = field(default_factory=dict)

    def unit(self, metric: str) -> str:
        """Return the unit of a metric, "" for none."""
        return self._of(metric).unit

    def unit_of_values(self, metric: str) -> str:
        """Return the unit to write behind a value; "" for none, and for a boolean, whose values need none."""
        info = self._of(metric)
        return "" if info.boolean else info.unit

    def label(self, metric: str) -> str:
        """Return the label of a metric, or its name."""
        return self._of(metric).label or metric

    def is_boolean(self, metric: str) -> bool:
        """Return whether the values of a metric are 0 and 1 for false and true."""
        return self._of(metric).boolean

    def _of(self, metric: str) -> MetricInfo:
        return self.entries.get(metric, _UNKNOWN)


NOT_DESCRIBED: Final = MetricCatalog()
"""The catalog without an entry: no metric has a unit."""
