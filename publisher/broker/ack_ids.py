"""Format and parse ack ids, ``SUBSCRIPTION:NUMBER-DELIVERY``."""

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

from publisher.broker.backlog_entry import BacklogEntry
from publisher.broker.errors import invalid_argument

_TAIL: Final = re.compile(r"([0-9]{1,18})-([0-9]{1,18})", re.ASCII)


class AckId(NamedTuple):
    """Number of a message and of one delivery in its subscription."""

    number: int
    delivery: int


def format_ack_id(subscription: str, entry: BacklogEntry) -> str:
    """Return the ack id of the current delivery of `entry`."""
    return f"{subscription}:{entry.message.number}-{entry.delivery}"


def parse_ack_ids(subscription: str, ack_ids: Iterable[str]) -> list[AckId]:
    """Parse the ack ids of one subscription.

    Raises:
        RequestError: INVALID_ARGUMENT if a text is not an ack id of `subscription`.
    """
    return [_parse(subscription, ack_id) for ack_id in ack_ids]


def _parse(subscription: str, ack_id: str) -> AckId:
    name, _, tail = ack_id.rpartition(":")
    match = _TAIL.fullmatch(tail)
    if match is None:
        raise invalid_argument(f"Invalid ack id (ack_id={ack_id})")
    if name != subscription:
        raise invalid_argument(
            f"Subscription {subscription} received an invalid ack ID {ack_id}, meant for subscription: {name}"
        )
    return AckId(int(match[1]), int(match[2]))
