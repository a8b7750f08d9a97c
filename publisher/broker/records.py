"""What travels through the broker."""

from collections.abc import Mapping

import msgspec


class Draft(msgspec.Struct, frozen=True):
    """A message as its publisher handed it over.

    Attributes:
        data: the payload, at most 10 MB.
        attributes: at most 100.
        ordering_key: empty for none.
    """

    data: bytes = b""
    attributes: Mapping[str, str] = {}
    ordering_key: str = ""


class BrokerMessage(msgspec.Struct, frozen=True):
    """A published message; all subscriptions share the one object.

    Attributes:
        number: position in the broker's order of publishing, from 1; its text is the message id.
        publish_ns: when it was published, nanoseconds UTC since the epoch.
        draft: what was published.
        size: bytes of data, attributes and ordering key on the wire.
    """

    number: int
    publish_ns: int
    draft: Draft
    size: int

    @property
    def message_id(self) -> str:
        """The id given to publisher and subscribers."""
        return str(self.number)


class BrokerDelivery(msgspec.Struct, frozen=True):
    """A message on lease to a subscriber, who acknowledges it by `ack_id`."""

    ack_id: str
    message: BrokerMessage
