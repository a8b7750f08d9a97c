"""Describe how messages are decoded."""

from dataclasses import dataclass
from typing import Final

from telemetry.feed.default_feed import BOOLEAN_METRICS
from telemetry.feed.feed import Feed
from telemetry.text.timestamps import ClockBounds

NO_BOUNDS: Final = ClockBounds()
CANONICAL: Final = Feed()
"""The feed of messages in the canonical form."""


@dataclass(frozen=True)
class DecodeSpec:
    """Description of how messages become readings; it is the same wherever they are decoded.

    Attributes:
        metrics: names of the metrics to decode.
        bounds: of event times.
        feed: the form of the messages.
    """

    metrics: tuple[str, ...]
    bounds: ClockBounds = NO_BOUNDS
    feed: Feed = CANONICAL

    @property
    def booleans(self) -> frozenset[str]:
        """Return the metrics of which true and false are numbers: the usual ones, and those that the feed says."""
        fields = self.feed.metrics.items()
        return BOOLEAN_METRICS | {name for name, metric in fields if metric is not None and metric.boolean}
