"""Dead letters as messages: what was received, under a new key."""

from typing import Final

from publisher.replay.payload import ReplayMessage
from publisher.reprocess.letters import Letter
from telemetry.model.messages import MAX_MESSAGE_BYTES, MESSAGE_KEY, RUN_ID

ORIGINAL: Final = "original_"
"""Beginning of the attributes that keep the run and the key under which a message was published at first."""
MAX_ATTRIBUTES: Final = 100
"""Most attributes of a message (https://cloud.google.com/pubsub/quotas#resource_limits)."""
MAX_VALUE_BYTES: Final = 1_024
_MOST_BYTES: Final = MAX_MESSAGE_BYTES - 1_000  # of payload and attributes: their request names the topic, too
_FRAME_BYTES: Final = 10  # tags and lengths of an attribute in a request, at most


def make_message(letter: Letter, run_id: str, sequence: int, ordered: bool) -> ReplayMessage:
    """Return the message that sends a letter again.

    Its payload is the letter's, and so are its attributes, except the two that identify the sending: all lines of
    a message share its `message_key`, so that a consumer that removes duplicates by it would keep one of them, or
    none. Both are kept as `original_run_id` and `original_message_key`; those of a letter that is sent for the second
    time stay what they are. As many attributes are added as Pub/Sub allows.

    Args:
        letter: what is sent.
        run_id: of this run; its ordering key, too.
        sequence: the letter's number within the run, from 0.
        ordered: whether there is an ordering key.
    """
    own = letter.attributes
    attributes = {name: value for name, value in own.items() if name not in (MESSAGE_KEY, RUN_ID)}
    added = {MESSAGE_KEY: f"{run_id}-{sequence}", RUN_ID: run_id}
    added |= {ORIGINAL + name: own[name] for name in (MESSAGE_KEY, RUN_ID) if name in own}
    room = _MOST_BYTES - len(letter.payload) - sum(_size(*attribute) for attribute in attributes.items())
    for name, value in added.items():
        size = _size(name, value)
        fits = len(attributes) < MAX_ATTRIBUTES and size <= room and len(value.encode()) <= MAX_VALUE_BYTES
        if fits and name not in attributes:
            attributes[name] = value
            room -= size
    key = run_id if ordered else ""
    return ReplayMessage(sequence, letter.payload, attributes, key, letter.rows, letter.event_us, letter.event_us)


def _size(name: str, value: str) -> int:
    return len(name.encode()) + len(value.encode()) + _FRAME_BYTES
