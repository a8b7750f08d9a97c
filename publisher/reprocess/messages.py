"""Build the messages that resend dead letters: the received content with a new message key."""

from typing import Final

from publisher.replay.message_builder import ReplayMessage
from publisher.reprocess.letters import Letter
from telemetry.model.messages import MAX_MESSAGE_BYTES, MESSAGE_KEY, RUN_ID

ORIGINAL: Final = "original_"
"""Prefix of the attributes that keep the run id and the message key of the first publishing."""
MAX_ATTRIBUTES: Final = 100
"""Most attributes of a message (https://cloud.google.com/pubsub/quotas#resource_limits)."""
MAX_VALUE_BYTES: Final = 1_024
"""Longest attribute value, bytes (same source)."""
_MAX_CONTENT_BYTES: Final = MAX_MESSAGE_BYTES - 1_000  # of payload and attributes; the request also names the topic
_FRAME_BYTES: Final = 10  # upper bound for the tags and lengths of an attribute in a request


def make_message(letter: Letter, run_id: str, sequence: int, ordered: bool) -> ReplayMessage:
    """Return the message that resends a letter.

    Payload and attributes are those of the letter, except the run id and the message key. All lines of a message share
    its `message_key`, so that a consumer that removes duplicates by it would keep at most one of them. The original
    values are kept as `original_run_id` and `original_message_key`, also when a letter is resent again. Attributes are
    added only as far as the limits of Pub/Sub allow.

    Args:
        letter: the letter to resend.
        run_id: id of this run, also used as ordering key.
        sequence: sequence number within the run, from 0.
        ordered: whether the message has an ordering key.
    """
    own = letter.attributes
    attributes = {name: value for name, value in own.items() if name not in (MESSAGE_KEY, RUN_ID)}
    added = {MESSAGE_KEY: f"{run_id}-{sequence}", RUN_ID: run_id}
    added |= {ORIGINAL + name: own[name] for name in (MESSAGE_KEY, RUN_ID) if name in own}
    bytes_left = _MAX_CONTENT_BYTES - len(letter.payload) - sum(_size(*attribute) for attribute in attributes.items())
    for name, value in added.items():
        size = _size(name, value)
        fits = len(attributes) < MAX_ATTRIBUTES and size <= bytes_left and len(value.encode()) <= MAX_VALUE_BYTES
        if fits and name not in attributes:
            attributes[name] = value
            bytes_left -= size
    key = run_id if ordered else ""
    return ReplayMessage(sequence, letter.payload, attributes, key, letter.rows, letter.event_us, letter.event_us)


def _size(name: str, value: str) -> int:
    return len(name.encode()) + len(value.encode()) + _FRAME_BYTES
