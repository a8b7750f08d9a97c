"""Define the messages of the broker: as published, stored and delivered."""

from collections.abc import Mapping

import msgspec


class MessageContent(msgspec.Struct, frozen=True):
    """The part of a message that its publisher sets.

    Attributes:
        data: the payload, at most 10 MB.
        attributes: at most 100 names and values.
        ordering_key: empty for none.
    """

    data: bytes = b""
    attributes: Mapping[str, str] = {}
    ordering_key: str = ""


class BrokerMessage(msgspec.Struct, frozen=True):
    """A published message, shared by all subscriptions of its topic.

    Attributes:
        number: position in order of publishing, from 1; also the message id.
        publish_ns: publish time, nanoseconds since the epoch (UTC).
        content: the part that the publisher set.
        size: encoded size of data, attributes and ordering key, bytes.
    """

    number: int
    publish_ns: int
    content: MessageContent
    size: int

    @property
    def message_id(self) -> str:
        """Id for publishers and subscribers."""
        return str(self.number)


class BrokerDelivery(msgspec.Struct, frozen=True):
    """A message leased to a subscriber, which acknowledges it by `ack_id`."""

    ack_id: str
    message: BrokerMessage
