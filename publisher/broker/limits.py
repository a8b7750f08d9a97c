"""The documented limits of the service (https://cloud.google.com/pubsub/quotas#resource_limits).

Google's emulator (0.8.20) lets attributes, ordering keys and short ack deadlines pass that the
service refuses. Here the service is followed: what works on this broker should work in production.
"""

from collections.abc import Sequence
from typing import Final

from publisher.broker.records import Draft
from publisher.broker.refusal import invalid

MAX_DATA_BYTES: Final = 10_000_000
MAX_MESSAGES: Final = 1000
MAX_ATTRIBUTES: Final = 100
MAX_ATTRIBUTE_KEY_BYTES: Final = 256
MAX_ATTRIBUTE_VALUE_BYTES: Final = 1024
MAX_ORDERING_KEY_BYTES: Final = 1024
_ATTRIBUTE_FRAME_BYTES: Final = 10  # tags and lengths of a protobuf map entry, at most
DEFAULT_ACK_DEADLINE_S: Final = 10
MAX_ACK_DEADLINE_S: Final = 600


def check_publish(drafts: Sequence[Draft]) -> list[int]:
    """Return the size of each message of one Publish request on the wire, without its id: bytes, rounded up.

    Raises:
        RefusedError: INVALID_ARGUMENT if one of them, or their number, is outside the limits.
    """
    if not drafts:
        raise invalid("No messages to publish")
    if len(drafts) > MAX_MESSAGES:
        raise invalid("Too many messages to publish")
    return [_size(draft) for draft in drafts]


def check_ack_deadline(seconds: int) -> int:
    """Return the deadline a subscription asked for, 10 s if it asked for none.

    Raises:
        RefusedError: INVALID_ARGUMENT outside 10..600.
    """
    if seconds == 0:
        return DEFAULT_ACK_DEADLINE_S
    if not DEFAULT_ACK_DEADLINE_S <= seconds <= MAX_ACK_DEADLINE_S:
        raise invalid("ack_deadline_secs out of bounds")
    return seconds


def check_new_deadline(seconds: int) -> int:
    """Return the deadline a subscriber wants for its leases; 0 gives them back.

    Raises:
        RefusedError: INVALID_ARGUMENT outside 0..600.
    """
    if seconds < 0:
        raise invalid("Ack deadline cannot be negative")
    if seconds > MAX_ACK_DEADLINE_S:
        raise invalid("Ack deadline out of bounds")
    return seconds


def _size(draft: Draft) -> int:
    if not draft.data and not draft.attributes:
        raise invalid("Some messages are empty")
    if len(draft.data) > MAX_DATA_BYTES:
        raise invalid(f"Message data has {len(draft.data)} bytes; at most {MAX_DATA_BYTES} are allowed")
    size = len(draft.data)
    if draft.ordering_key:
        size += _bytes("Ordering key", draft.ordering_key, MAX_ORDERING_KEY_BYTES)
    if len(draft.attributes) > MAX_ATTRIBUTES:
        raise invalid(f"Message has {len(draft.attributes)} attributes; at most {MAX_ATTRIBUTES} are allowed")
    for key, value in draft.attributes.items():
        size += _ATTRIBUTE_FRAME_BYTES
        size += _bytes("Attribute key", key, MAX_ATTRIBUTE_KEY_BYTES)
        size += _bytes(f"Value of attribute {key}", value, MAX_ATTRIBUTE_VALUE_BYTES)
    return size


def _bytes(what: str, text: str, most: int) -> int:
    length = len(text) if text.isascii() else len(text.encode())
    if length > most:
        raise invalid(f"{what} has {length} bytes; at most {most} are allowed")
    return length
