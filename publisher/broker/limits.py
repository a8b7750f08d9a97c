"""Check requests against the documented limits of Pub/Sub.

Source: https://cloud.google.com/pubsub/quotas#resource_limits. Google's emulator (0.8.20) accepts attributes, ordering
keys and short ack deadlines that the service rejects. This broker follows the service, so that code that works here
also works in production.
"""

from collections.abc import Sequence
from typing import Final

from publisher.broker.errors import invalid_argument
from publisher.broker.messages import MessageContent

MAX_DATA_BYTES: Final = 10_000_000
MAX_MESSAGES: Final = 1000
MAX_ATTRIBUTES: Final = 100
MAX_ATTRIBUTE_KEY_BYTES: Final = 256
MAX_ATTRIBUTE_VALUE_BYTES: Final = 1024
MAX_ORDERING_KEY_BYTES: Final = 1024
_ATTRIBUTE_FRAME_BYTES: Final = 10  # upper bound for the tags and lengths of a protobuf map entry
DEFAULT_ACK_DEADLINE_S: Final = 10
MAX_ACK_DEADLINE_S: Final = 600
MIN_RETENTION_S: Final = 600
MAX_RETENTION_S: Final = 31 * 24 * 3600
MIN_EXPIRATION_S: Final = 24 * 3600


def check_publish(contents: Sequence[MessageContent]) -> list[int]:
    """Return an upper bound for the encoded size of each message of one Publish request, in bytes, without its id.

    Raises:
        RequestError: INVALID_ARGUMENT if a message, or their number, is outside the limits.
    """
    if not contents:
        raise invalid_argument("No messages to publish")
    if len(contents) > MAX_MESSAGES:
        raise invalid_argument("Too many messages to publish")
    return [_check_message(content) for content in contents]


def check_ack_deadline(seconds: int) -> int:
    """Return the ack deadline of a new subscription, seconds; 10 if it requests 0.

    Raises:
        RequestError: INVALID_ARGUMENT outside 10..600.
    """
    if seconds == 0:
        return DEFAULT_ACK_DEADLINE_S
    if not DEFAULT_ACK_DEADLINE_S <= seconds <= MAX_ACK_DEADLINE_S:
        raise invalid_argument("ack_deadline_secs out of bounds")
    return seconds


def check_new_deadline(seconds: int) -> int:
    """Return the new ack deadline of leases, seconds; 0 returns the messages.

    Raises:
        RequestError: INVALID_ARGUMENT outside 0..600.
    """
    if seconds < 0:
        raise invalid_argument("Ack deadline cannot be negative")
    if seconds > MAX_ACK_DEADLINE_S:
        raise invalid_argument("Ack deadline out of bounds")
    return seconds


def check_retention(seconds: float) -> float:
    """Return how long a topic or subscription retains messages, seconds.

    Raises:
        RequestError: INVALID_ARGUMENT outside 10 minutes..31 days.
    """
    if not MIN_RETENTION_S <= seconds <= MAX_RETENTION_S:
        raise invalid_argument("message_retention_duration out of bounds")
    return seconds


def check_expiration(seconds: float) -> float:
    """Return after how long without activity a subscription expires, seconds.

    Raises:
        RequestError: INVALID_ARGUMENT below one day.
    """
    if seconds < MIN_EXPIRATION_S:
        raise invalid_argument("expiration_policy.ttl out of bounds")
    return seconds


def _check_message(content: MessageContent) -> int:
    if not content.data and not content.attributes:
        raise invalid_argument("Some messages are empty")
    if len(content.data) > MAX_DATA_BYTES:
        raise invalid_argument(f"Message data has {len(content.data)} bytes; at most {MAX_DATA_BYTES} are allowed")
    size = len(content.data)
    if content.ordering_key:
        size += _check_length("Ordering key", content.ordering_key, MAX_ORDERING_KEY_BYTES)
    if len(content.attributes) > MAX_ATTRIBUTES:
        raise invalid_argument(
            f"Message has {len(content.attributes)} attributes; at most {MAX_ATTRIBUTES} are allowed"
        )
    for key, value in content.attributes.items():
        size += _ATTRIBUTE_FRAME_BYTES
        size += _check_length("Attribute key", key, MAX_ATTRIBUTE_KEY_BYTES)
        size += _check_length(f"Value of attribute {key}", value, MAX_ATTRIBUTE_VALUE_BYTES)
    return size


def _check_length(name: str, text: str, limit: int) -> int:
    length = len(text) if text.isascii() else len(text.encode())
    if length > limit:
        raise invalid_argument(f"{name} has {length} bytes; at most {limit} are allowed")
    return length
