"""Return the smallest event times of messages, which the local source needs for the watermark."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from telemetry.model.messages import EVENT_TIME, Message
from telemetry.text.timestamps import latest_event_us, parse_time
from transforms.decode.codec import DecodedBatch
from transforms.decode.decode_once import decode_ahead, group_messages

_NO_TIME: Final = np.iinfo(np.int64).max


def event_times_us(messages: Sequence[Message], metrics: tuple[str, ...]) -> list[int | None]:
    """Return each message's smallest event time in microseconds, or None if nothing in it gives one.

    The attribute counts where it is present; otherwise the rows that `DecodeMessages` accepts, which are decoded here
    for that step as well. A time that the decoder rejects does not count: one broken clock must not make others late.

    Args:
        messages: those of one bundle, in order.
        metrics: the names that `DecodeMessages` is given.
    """
    times: list[int | None] = []
    for group in group_messages(messages):
        if all(EVENT_TIME in message.attributes for message in group):
            times += [_attribute_us(message) for message in group]
        else:
            rows = _smallest_us(decode_ahead(group, metrics))
            times += [
                _attribute_us(message) if EVENT_TIME in message.attributes else rows.get(id(message))
                for message in group
            ]
    return times


def _attribute_us(message: Message) -> int | None:
    text = message.attributes[EVENT_TIME]
    try:
        moment = int(text) * 1_000 if text.lstrip("-").isdecimal() else parse_time(text)
    except (ValueError, OverflowError):
        return None
    return moment if 0 <= moment < latest_event_us(message.publish_us) else None


def _smallest_us(decoded: DecodedBatch) -> dict[int, int]:
    """Return the smallest event time of each message that has readings, by the identity of the message."""
    batch = decoded.readings
    if batch is None:
        return {}
    smallest = np.full(len(batch.messages), _NO_TIME, np.int64)
    np.minimum.at(smallest, batch.message, batch.event_us)
    return {
        id(message): time_us
        for message, time_us in zip(batch.messages, smallest.tolist(), strict=True)
        if time_us != _NO_TIME
    }
