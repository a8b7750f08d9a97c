"""Find out which metrics are published."""

from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from itertools import chain, islice
from typing import Final

from publisher.feed_input.look import InputLook
from telemetry.errors import ConfigError, NothingUsableError
from telemetry.feed.feed import Feed
from telemetry.feed.files.likely_columns import similar_column
from telemetry.feed.files.messages import file_messages
from telemetry.feed.readings.discover import MOST_FILES, metrics_of_files
from telemetry.model.messages import Message

_SHOWN: Final = 200  # characters of a list of columns


def find_metrics(feed: Feed, looks: Iterable[InputLook]) -> tuple[str, ...]:
    """Return the metrics of a feed; of one that names none, the fields of some inputs that hold numbers.

    Args:
        feed: the feed.
        looks: the inputs, of which the first ones count.

    Raises:
        NothingUsableError: if no field holds numbers.
    """
    if feed.metrics:
        return tuple(feed.metrics)
    found = metrics_of_files(feed, chain.from_iterable(map(_beginning, islice(looks, MOST_FILES))))
    if not found:
        raise NothingUsableError("no field of the input holds numbers; --metrics names those that are wanted")
    return found


def check_asked(asked: Sequence[str], feed: Feed, looks: Sequence[InputLook]) -> None:
    """Check that metrics which ``--metrics`` names are columns of an input, as far as their columns are known.

    Raises:
        ConfigError: for the first that is none, with the likely name.
    """
    columns = list(dict.fromkeys(name for look in looks for name in look.shape.columns or ()))
    if feed.long is not None or any(look.shape.columns is None for look in looks):
        return
    for metric in asked:
        fields = feed.metrics.get(metric)
        column = fields.column if fields is not None and fields.column else metric
        if column not in columns:
            likely = similar_column(column, columns)
            meant = f"; did you mean {likely[0]!r}?" if likely else f", only {', '.join(columns)[:_SHOWN]}"
            raise ConfigError("--metrics", ",".join(asked), f"no input has a column {column!r}{meant}")


def _beginning(look: InputLook) -> list[Message]:
    """Return the first message of an input; none of an empty one."""
    with ExitStack() as stack:
        return list(islice(file_messages(look.open_beginning(stack), look.path, look.shape), 1))
