"""Describe messages to publish and the limits that Pub/Sub sets them."""

from collections.abc import Mapping
from typing import Final, NamedTuple

MAX_MESSAGES: Final = 1_000
"""Most messages in a request (https://cloud.google.com/pubsub/quotas#resource_limits)."""
MAX_REQUEST_BYTES: Final = 9_000_000
"""Most bytes of a request of several messages: the service takes 10,000,000, frames and the topic's name included."""
MAX_ATTRIBUTES: Final = 100
"""Most attributes of a message."""
MAX_VALUE_BYTES: Final = 1_024
"""Longest value of an attribute, bytes of UTF-8."""
_FRAME_BYTES: Final = 24  # tags and lengths of a message in a request, at most
_ATTRIBUTE_FRAME_BYTES: Final = 10


class OutboxMessage(NamedTuple):
    """A message to publish.

    Attributes:
        data: its payload.
        attributes: its attributes.
        message_id: of the message it is about; not sent.
        event_us: event time of what it is about, microseconds UTC; None if unknown; not sent.
    """

    data: bytes
    attributes: Mapping[str, str]
    message_id: str = ""
    event_us: int | None = None

    @property
    def size(self) -> int:
        """Its bytes in a request, rounded up."""
        texts = (len(key.encode()) + len(value.encode()) for key, value in self.attributes.items())
        return len(self.data) + sum(texts) + _ATTRIBUTE_FRAME_BYTES * len(self.attributes) + _FRAME_BYTES


class Settled(NamedTuple):
    """Outcome of some messages.

    Attributes:
        taken: how many the topic took.
        refused: the others, each with the cause as one line for a person.
    """

    taken: int
    refused: list[tuple[OutboxMessage, str]]


def cut_text(text: str, most: int = MAX_VALUE_BYTES) -> str:
    """Return the longest beginning of a text that fits into so many bytes of UTF-8."""
    return text if 4 * len(text) <= most else text.encode()[:most].decode(errors="ignore")
