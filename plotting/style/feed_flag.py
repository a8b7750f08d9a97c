"""Take units and labels of pictures from a feed."""

import argparse

from telemetry.feed.default_feed import metric_catalog
from telemetry.feed.flags import load_feed_flag
from telemetry.model.metric_info import MetricCatalog


def add_units_flag(parser: argparse._ActionsContainer) -> None:
    """Add the flag ``--feed``, of which pictures need only the metrics."""
    parser.add_argument("--feed", default="", metavar="FILE", help="YAML file of the feed, whose units and labels are "
                        "shown, on any Beam filesystem (default: those of the founding data set)")  # fmt: skip


def read_units_flag(path: str) -> MetricCatalog:
    """Return the units and labels of the feed that ``--feed`` names; those of the default feed for "".

    Raises:
        ConfigError: if the file cannot be read or is not a feed.
    """
    return metric_catalog(load_feed_flag(path))
