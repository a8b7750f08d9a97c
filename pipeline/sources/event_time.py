"""Return the smallest event times of messages, which the local source needs for the watermark."""

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

import numpy as np

from telemetry.arrays import IntArray
from telemetry.model.message_batch import UNKNOWN_US, MessageBatch
from telemetry.model.messages import EVENT_TIME, TIME_LAPSE, TIME_SHIFT
from telemetry.text.timestamps import ClockBounds, latest_event_us, parse_time
from transforms.decode.codec import DecodedBatch
from transforms.decode.decode_once import decode_ahead
from transforms.decode.decode_spec import DecodeSpec

LIVE_US: Final = 600_000_000
"""How far the event times of a live stream may be from the publish times, microseconds."""
NO_TIME_US: Final = np.iinfo(np.int64).max
"""Event time of a message in which nothing gives one."""


class PullTimes(NamedTuple):
    """Times of the messages of one pull, microseconds UTC.

    Attributes:
        earliest_us: the smallest event time in it; None if nothing gives one.
        all_known: whether each message has an event time.
        newest_us: the newest among the messages' smallest event times, each bounded by its publish time and the skew;
            None if nothing gives one.
    """

    earliest_us: int | None
    all_known: bool
    newest_us: int | None


def pull_times(messages: MessageBatch, spec: DecodeSpec) -> PullTimes:
    """Return the times of a pull.

    Args:
        messages: its N messages.
        spec: as `DecodeMessages` is given. Its bounds say how far the clock of a device may be ahead: a message that is
            further ahead moves the watermark no further, for one broken clock must not make the readings of others
            late; a replay that says that it shifts or speeds up time is exempt.
    """
    times_us = event_times_us(messages, spec)
    is_known = times_us != NO_TIME_US
    if not is_known.any():
        return PullTimes(None, False, None)
    exempt = [TIME_SHIFT in attributes or TIME_LAPSE in attributes for attributes in messages.attributes]
    ahead_us = messages.publish_us + spec.bounds.skew_us
    bound_us = np.where(exempt | (messages.publish_us == UNKNOWN_US), NO_TIME_US, ahead_us)
    newest_us = int(np.minimum(times_us, bound_us)[is_known].max())
    return PullTimes(int(times_us.min()), bool(is_known.all()), newest_us)


def event_times_us(messages: MessageBatch, spec: DecodeSpec) -> IntArray:
    """Return each message's smallest event time in microseconds, shape (N,); `NO_TIME_US` if nothing in it gives one.

    The attribute counts where it is present; otherwise the rows that `DecodeMessages` accepts, which are decoded here
    for that step as well. A time that the decoder rejects does not count: one broken clock must not make others late.

    Args:
        messages: N messages of one pull.
        spec: as `DecodeMessages` is given.
    """
    stated = [EVENT_TIME in attributes for attributes in messages.attributes]
    times = np.full(len(messages), NO_TIME_US, np.int64)
    if not all(stated):
        _take_smallest(times, decode_ahead(messages, spec))
    for index, attributes in enumerate(messages.attributes):
        if stated[index]:
            times[index] = _stated_us(attributes, messages.published(index), spec.bounds)
    return times


def _stated_us(attributes: Mapping[str, str], publish_us: int | None, bounds: ClockBounds) -> int:
    text = attributes[EVENT_TIME]
    try:
        moment = int(text) * 1_000 if text.lstrip("-").isdecimal() else parse_time(text)
    except (ValueError, OverflowError):
        return NO_TIME_US
    return moment if bounds.earliest_us <= moment < latest_event_us(publish_us) else NO_TIME_US


def _take_smallest(times: IntArray, decoded: Iterable[DecodedBatch]) -> None:
    """Lower the time of each message to the smallest event time of its readings."""
    for part in decoded:
        if part.readings is not None:
            np.minimum.at(times, part.first + part.readings.message, part.readings.event_us)
