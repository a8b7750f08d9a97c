"""The smallest event time of a message, as the local source needs it for the watermark."""

from telemetry.model.messages import EVENT_TIME, Message
from telemetry.text.timestamps import latest_event_us, parse_time
from transforms.decode.codec import decode


def event_time_us(message: Message) -> int | None:
    """Return the message's smallest event time in microseconds, or None if nothing in it tells.

    The attribute counts where it is there; else the rows themselves are looked at. A time that the
    decoder would reject does not count: one broken clock must not make everybody else late.
    """
    text = message.attributes.get(EVENT_TIME)
    if text is None:
        readings = decode([message], ()).readings
        return None if readings is None else int(readings.event_us.min())
    try:
        moment = int(text) * 1_000 if text.lstrip("-").isdecimal() else parse_time(text)
    except (ValueError, OverflowError):
        return None
    return moment if 0 <= moment < latest_event_us(message.publish_us) else None
