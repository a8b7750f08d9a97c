"""Find the metrics of files, where neither a flag nor the feed names them."""

import itertools
from collections.abc import Sequence

from pipeline.backtest.read_readings import Rejections
from pipeline.config import JobConfig, metrics_of, with_metrics
from pipeline.sources.files import Portion, plan_portions, read_portion
from telemetry.errors import NothingUsableError
from telemetry.feed.feed import Feed
from telemetry.feed.flags import read_metrics
from telemetry.model.message_batch import MessageBatch
from telemetry.model.messages import Message
from transforms.decode.codec import decode
from transforms.decode.decode_spec import DecodeSpec


def find_metrics(config: JobConfig, portions: Sequence[Portion]) -> JobConfig:
    """Return the configuration with the metrics that the beginnings of the files have.

    Args:
        config: of the job.
        portions: of its files.

    Raises:
        ConfigError: if a rule looks at a metric that no file has.
        NothingUsableError: if no field holds numbers.
    """
    if config.streaming or config.flags["metrics"]:
        return config
    metrics = metrics_in(portions, config.feed)
    return config if metrics == config.metrics else with_metrics(config, metrics)


def metrics_of_inputs(globs: Sequence[str], text: str, feed: Feed) -> tuple[str, ...]:
    """Return the metrics of files that a flag names, else the feed, else the files themselves.

    Args:
        globs: of the files.
        text: of ``--metrics``.
        feed: of the files.

    Raises:
        ConfigError: if the flag or a file cannot be used.
        NothingUsableError: if no field holds numbers.
    """
    return read_metrics(text) if text else metrics_in(plan_portions(globs, feed), feed)


def metrics_in(portions: Sequence[Portion], feed: Feed) -> tuple[str, ...]:
    """Return the metrics of files: those of the feed, unless it has none, or CSV has a column for none of them.

    Raises:
        NothingUsableError: if no field holds numbers.
    """
    known = metrics_of(feed)
    if known and (feed.metrics or not _lack(portions, known)):
        return known
    from telemetry.feed.readings.discover import MOST_FILES, metrics_of_files  # many modules, which few runs need

    some = _of_files(portions)[:MOST_FILES]
    beginnings = [message for portion in some for message in itertools.islice(read_portion(portion), 1)]
    metrics = metrics_of_files(feed, beginnings)
    if not metrics and not known:
        raise _nothing_found(feed, beginnings)
    return metrics or known


def _nothing_found(feed: Feed, beginnings: Sequence[Message]) -> NothingUsableError:
    """Return the error about files without metrics: if no row of theirs can be read, that is the reason."""
    rejections = Rejections()
    for message in beginnings:
        decoded = decode(MessageBatch.of([message]), DecodeSpec((), feed=feed))
        if decoded.readings is not None:
            return NothingUsableError("no field of the input holds numbers; --metrics names those that are wanted")
        rejections.add(decoded.rejected)
    return rejections.refuse()


def _lack(portions: Sequence[Portion], metrics: Sequence[str]) -> bool:
    """Return whether all files are CSV without a column for any of the metrics."""
    files = [part.columns for portion in portions for part in portion.ranges]
    return bool(files) and all(found is not None and not set(found) & set(metrics) for found in files)


def _of_files(portions: Sequence[Portion]) -> list[Portion]:
    """Return the first range of each file."""
    firsts = {part.path: part for portion in reversed(portions) for part in reversed(portion.ranges)}
    return [Portion(0, (part,)) for part in reversed(firsts.values())]
