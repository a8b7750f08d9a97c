"""Find out which metrics are published."""

from collections.abc import Iterable
from contextlib import ExitStack
from itertools import islice
from typing import Final

from publisher.feed_input.look import InputLook
from telemetry.errors import NothingUsableError
from telemetry.feed.feed import Feed
from telemetry.feed.files.messages import file_messages
from telemetry.feed.readings.discover import discover_metrics
from telemetry.feed.readings.feed_rows import Envelope

_MOST_FILES: Final = 20  # that are looked at


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
    found: dict[str, None] = {}
    for look in islice(looks, _MOST_FILES):
        found |= dict.fromkeys(_metrics_of(feed, look))
    if not found:
        raise NothingUsableError("no field of the input holds numbers; --metrics names those that are wanted")
    return tuple(found)


def _metrics_of(feed: Feed, look: InputLook) -> list[str]:
    with ExitStack() as stack:
        message = next(file_messages(look.open_beginning(stack), look.path, look.shape), None)
        if message is None:
            return []
        return discover_metrics(feed, message.payload, Envelope(message.attributes, None, message.columns))
