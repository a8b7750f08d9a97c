"""The text of an ack id: ``SUBSCRIPTION:NUMBER-ATTEMPT``."""

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

from publisher.broker.lease import Entry
from publisher.broker.refusal import invalid

_TAIL: Final = re.compile(r"([0-9]{1,18})-([0-9]{1,9})", re.ASCII)


class Ack(NamedTuple):
    """Which delivery is meant: the message's number, and which attempt it was."""

    number: int
    attempt: int


def format_ack_id(subscription: str, entry: Entry) -> str:
    """Return the ack id of the current delivery of `entry`."""
    return f"{subscription}:{entry.message.number}-{entry.attempt}"


def parse_ack_ids(subscription: str, ack_ids: Iterable[str]) -> list[Ack]:
    """Return what `format_ack_id` was given.

    Raises:
        RefusedError: INVALID_ARGUMENT for a text that is no ack id of `subscription`.
    """
    return [_parse(subscription, ack_id) for ack_id in ack_ids]


def _parse(subscription: str, ack_id: str) -> Ack:
    name, _, tail = ack_id.rpartition(":")
    match = _TAIL.fullmatch(tail)
    if match is None:
        raise invalid(f"Invalid ack id (ack_id={ack_id})")
    if name != subscription:
        raise invalid(
            f"Subscription {subscription} received an invalid ack ID {ack_id}, meant for subscription: {name}"
        )
    return Ack(int(match[1]), int(match[2]))
