"""Seek subscriptions to a time or a snapshot, and take snapshots.

A seek ends all leases of the subscription: ack ids of earlier deliveries no longer count. Which messages can be
delivered again: unacknowledged ones, acknowledged ones that the subscription retains, ones that the topic retains, and
those of the snapshot.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from publisher.broker.errors import RequestError, Status
from publisher.broker.messages import BrokerMessage
from publisher.broker.resources import BrokerSnapshot, BrokerSubscription, BrokerTopic

_NS: Final = 1_000_000_000
SNAPSHOT_LIFETIME_NS: Final = 7 * 24 * 3600 * _NS
"""Longest lifetime of a snapshot, less the age of its oldest message."""


def retained_from(subscription: BrokerSubscription, now_ns: int) -> int:
    """Return the publish time before which `subscription` no longer has a message, nanoseconds since the epoch."""
    return _before(now_ns, subscription.settings.message_retention_duration)


def retain_published(topic: BrokerTopic, messages: Iterable[BrokerMessage], now_ns: int) -> None:
    """Retain newly published messages, if the topic is set to do so."""
    if topic.settings.message_retention_duration is not None:
        topic.retained.add(messages, _before(now_ns, topic.settings.message_retention_duration))


def retain_acknowledged(subscription: BrokerSubscription, messages: Iterable[BrokerMessage], now_ns: int) -> None:
    """Retain acknowledged messages, if the subscription is set to do so."""
    if subscription.settings.retain_acked_messages:
        subscription.acknowledged.add(messages, retained_from(subscription, now_ns))


def seek_to_time(subscription: BrokerSubscription, from_ns: int, now_ns: int) -> None:
    """Make exactly the retained messages published at or after `from_ns` unacknowledged."""
    available = _available(subscription, now_ns)
    _replace(subscription, available, [m for m in available.values() if m.publish_ns >= from_ns], now_ns)


def seek_to_snapshot(subscription: BrokerSubscription, snapshot: BrokerSnapshot, now_ns: int) -> None:
    """Make exactly the messages of `snapshot` unacknowledged.

    Raises:
        RequestError: FAILED_PRECONDITION if the snapshot belongs to another topic.
    """
    if snapshot.source is not subscription.source:
        raise RequestError(
            Status.FAILED_PRECONDITION,
            f"The subscription's topic {subscription.topic} is different from that of the snapshot "
            f"{snapshot.source.name}; a topic that was deleted and created again is another topic",
        )
    _replace(subscription, _available(subscription, now_ns), snapshot.messages, now_ns)


def take_snapshot(
    name: str, subscription: BrokerSubscription, labels: Mapping[str, str], now_ns: int
) -> BrokerSnapshot:
    """Return a snapshot of the unacknowledged messages of `subscription`, not yet attached to its topic.

    Raises:
        RequestError: FAILED_PRECONDITION if it would expire within an hour.
    """
    messages = _unacknowledged(subscription, now_ns)
    expire_ns = min([now_ns, *(message.publish_ns for message in messages[:1])]) + SNAPSHOT_LIFETIME_NS
    if expire_ns - now_ns < 3600 * _NS:
        raise RequestError(Status.FAILED_PRECONDITION, "The snapshot would expire in less than an hour")
    return BrokerSnapshot(name, subscription.source, dict(labels), expire_ns, messages)


def _unacknowledged(subscription: BrokerSubscription, now_ns: int) -> list[BrokerMessage]:
    """Return the unacknowledged messages that `subscription` still has, in order of publishing."""
    oldest_ns = retained_from(subscription, now_ns)
    return [message for message in subscription.backlog.messages() if message.publish_ns >= oldest_ns]


def _available(subscription: BrokerSubscription, now_ns: int) -> dict[int, BrokerMessage]:
    """Return the messages that a seek of `subscription` can deliver, by number."""
    messages = _unacknowledged(subscription, now_ns)
    messages += subscription.acknowledged.published_from(retained_from(subscription, now_ns))
    topic = subscription.source
    if topic.settings.message_retention_duration is not None and not topic.deleted:
        messages += topic.retained.published_from(_before(now_ns, topic.settings.message_retention_duration))
    return {message.number: message for message in sorted(messages, key=lambda message: message.number)}


def _replace(
    subscription: BrokerSubscription, available: dict[int, BrokerMessage], chosen: list[BrokerMessage], now_ns: int
) -> None:
    subscription.backlog.replace(chosen)
    numbers = {message.number for message in chosen}
    subscription.acknowledged.clear()
    rest = [message for number, message in available.items() if number not in numbers]
    retain_acknowledged(subscription, rest, now_ns)


def _before(now_ns: int, seconds: float) -> int:
    return now_ns - int(seconds * _NS)
