"""Find the metrics of a job in its input, where neither a flag nor the feed names them."""

import itertools
from collections.abc import Sequence
from typing import Final

from pipeline.config import JobConfig, with_metrics
from pipeline.sources.files import Portion, read_portion
from telemetry.errors import NothingUsableError
from telemetry.feed.readings.discover import discover_metrics
from telemetry.feed.readings.feed_rows import Envelope
from telemetry.model.metrics import DEFAULT_METRICS

_MOST_FILES: Final = 20  # that are looked at


def find_metrics(config: JobConfig, portions: Sequence[Portion]) -> JobConfig:
    """Return the configuration with the metrics that the beginnings of the files have.

    Canonical files in which no column is a default metric are looked at as well.

    Args:
        config: of a job on files.
        portions: of the files.

    Raises:
        ConfigError: if a rule looks at a metric that no file has.
        NothingUsableError: if no field holds numbers.
    """
    if config.metrics and (config.flags["metrics"] or config.feed.metrics or not _lack(portions, config.metrics)):
        return config
    metrics: dict[str, None] = {}
    for portion in _of_files(portions):
        message = next(read_portion(portion), None)
        if message is not None:
            envelope = Envelope(message.attributes, message.publish_us, message.columns)
            metrics |= dict.fromkeys(discover_metrics(config.feed, message.payload, envelope))
    if not metrics:
        if config.metrics:
            return config
        raise NothingUsableError("no field of the input holds numbers; --metrics names those that are wanted")
    return with_metrics(config, tuple(metrics))


def _lack(portions: Sequence[Portion], metrics: Sequence[str]) -> bool:
    """Return whether the files are CSV without any of the default metrics."""
    files = [part.columns for portion in portions for part in portion.ranges]
    unasked = set(metrics) == set(DEFAULT_METRICS)
    return unasked and bool(files) and all(found is not None and not set(found) & set(metrics) for found in files)


def _of_files(portions: Sequence[Portion]) -> list[Portion]:
    """Return the first range of some of the files."""
    firsts = {part.path: part for portion in reversed(portions) for part in reversed(portion.ranges)}
    return [Portion(0, (part,)) for part in itertools.islice(reversed(firsts.values()), _MOST_FILES)]
