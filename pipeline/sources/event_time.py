"""Return the smallest event times of messages, which the local source needs for the watermark."""

from collections.abc import Iterable, Mapping
from typing import Final

import numpy as np

from telemetry.arrays import IntArray
from telemetry.model.message_batch import MessageBatch
from telemetry.model.messages import EVENT_TIME
from telemetry.text.timestamps import latest_event_us, parse_time
from transforms.decode.codec import DecodedBatch
from transforms.decode.decode_once import decode_ahead

NO_TIME_US: Final = np.iinfo(np.int64).max
"""Event time of a message in which nothing gives one."""


def event_times_us(messages: MessageBatch, metrics: tuple[str, ...]) -> IntArray:
    """Return each message's smallest event time in microseconds, shape (N,); `NO_TIME_US` if nothing in it gives one.

    The attribute counts where it is present; otherwise the rows that `DecodeMessages` accepts, which are decoded here
    for that step as well. A time that the decoder rejects does not count: one broken clock must not make others late.

    Args:
        messages: N messages of one pull.
        metrics: the names that `DecodeMessages` is given.
    """
    stated = [EVENT_TIME in attributes for attributes in messages.attributes]
    times = np.full(len(messages), NO_TIME_US, np.int64)
    if not all(stated):
        times = _smallest_us(decode_ahead(messages, metrics))
    for index, attributes in enumerate(messages.attributes):
        if stated[index]:
            times[index] = _stated_us(attributes, messages.published(index))
    return times


def _stated_us(attributes: Mapping[str, str], publish_us: int | None) -> int:
    text = attributes[EVENT_TIME]
    try:
        moment = int(text) * 1_000 if text.lstrip("-").isdecimal() else parse_time(text)
    except (ValueError, OverflowError):
        return NO_TIME_US
    return moment if 0 <= moment < latest_event_us(publish_us) else NO_TIME_US


def _smallest_us(decoded: Iterable[DecodedBatch]) -> IntArray:
    """Return the smallest event time of the readings of each message."""
    smallest: list[IntArray] = []
    for one in decoded:
        times = np.full(one.messages, NO_TIME_US, np.int64)
        if one.readings is not None:
            np.minimum.at(times, one.readings.message, one.readings.event_us)
        smallest.append(times)
    return np.concatenate(smallest)
