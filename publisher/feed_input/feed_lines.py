"""Read messages that files are cut into as lines of the canonical form."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import numpy as np

from publisher.feed_input.causes import Causes
from publisher.feed_input.format_readings import ReadingFormatter
from publisher.feed_input.odd_texts import odd_row
from publisher.json_lines import NO_TIME, LineBatch
from telemetry.arrays import IntArray
from telemetry.feed.feed import Feed
from telemetry.feed.readings.feed_reader import FeedReader
from telemetry.feed.readings.feed_rows import Envelope, FeedRows
from telemetry.feed.times.clocks import Clocks
from telemetry.model.messages import Message

_TOGETHER_BYTES: Final = 1 << 20  # of payloads that are read together


class FeedLines:
    """Reads messages as a feed says.

    Args:
        feed: the feed.
        metrics: names of the metrics to publish.
    """

    def __init__(self, feed: Feed, metrics: tuple[str, ...]) -> None:
        """Compile the feed."""
        self._reader = FeedReader(feed, metrics)
        self._formatter = ReadingFormatter(metrics)

    def read(self, messages: Iterable[Message], causes: Causes) -> Iterator[LineBatch]:
        """Yield the rows of one file, in its order: readings in the canonical form, others as `odd_row`.

        Args:
            messages: those of the file, in its order.
            causes: counts the rows that are no readings.
        """
        for rows in read_rows(self._reader, messages):
            causes.add(rows.rejected)
            yield in_order(rows, self._formatter.format(rows))


def read_rows(reader: FeedReader, messages: Iterable[Message]) -> Iterator[FeedRows]:
    """Yield the readings of one file, and what is rejected; the hour that comes twice is known by their order."""
    clocks = Clocks()
    for group in _together(messages):
        envelopes = [Envelope(one.attributes, one.publish_us, one.columns) for one in group]
        yield reader.read([one.payload for one in group], envelopes, clocks)


def in_order(rows: FeedRows, texts: list[str], *, keep_objects: bool = False) -> LineBatch:
    """Return readings and rejected rows in the order of the input.

    Args:
        rows: the N readings, and the rejected rows.
        texts: the N lines of the readings.
        keep_objects: as for `odd_row`.
    """
    names = np.array([*rows.devices, ""], np.object_)
    batch = LineBatch(texts, rows.time_us, names[rows.device].tolist())
    if not rows.rejected:
        return batch
    odd = [odd_row(one.content, keep_objects=keep_objects) for one in rows.rejected]
    payload = np.concatenate([rows.payload, [one.payload for one in rows.rejected]])
    number = np.concatenate([rows.number, [one.number for one in rows.rejected]])
    order = np.lexsort((number, payload))
    return _take(batch, odd, order)


def _take(batch: LineBatch, odd: Sequence[str], order: IntArray) -> LineBatch:
    texts, devices = [*batch.texts, *odd], [*batch.devices, *[""] * len(odd)]
    times = np.concatenate([batch.times, np.full(len(odd), NO_TIME)])
    places = order.tolist()
    return LineBatch([texts[place] for place in places], times[order], [devices[place] for place in places])


def _together(messages: Iterable[Message]) -> Iterator[list[Message]]:
    """Yield messages in groups that are read together: the lines of a block, where each is a message of its own.

    Chunks of lines are read alone, without waiting for the next one, which may be late in a pipe.
    """
    group: list[Message] = []
    size = 0
    for message in messages:
        group.append(message)
        size += len(message.payload)
        if size >= _TOGETHER_BYTES or b"\n" in message.payload:
            yield group
            group, size = [], 0
    if group:
        yield group
