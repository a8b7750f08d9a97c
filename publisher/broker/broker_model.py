"""Model Pub/Sub in memory: topics, subscriptions and messages, without network, threads or sleep.

The caller supplies the clocks: `clock` for leases, `wall_clock` for publish times. Not thread safe.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from publisher.broker.ack_ids import format_ack_id, parse_ack_ids
from publisher.broker.backlog import Backlog
from publisher.broker.backlog_entry import Consumer
from publisher.broker.errors import RequestError, Status, invalid_argument
from publisher.broker.limits import check_new_deadline, check_publish
from publisher.broker.messages import BrokerDelivery, BrokerMessage, MessageContent
from publisher.broker.names import check_subscription, check_topic, project_prefix
from publisher.broker.resources import BrokerSnapshot, BrokerSubscription, BrokerTopic
from publisher.broker.seeking import (
    retain_acknowledged,
    retain_published,
    retained_from,
    seek_to_snapshot,
    seek_to_time,
    take_snapshot,
)
from publisher.broker.settings import SubscriptionSettings, TopicSettings
from publisher.broker.snapshots import Snapshots

MAX_RESPONSE_MESSAGES: Final = 1000
"""Most messages in a response, whatever the request allows."""
MAX_RESPONSE_BYTES: Final = 3_700_000
"""Largest sum of message sizes in a response: gRPC's default limit of 4 MiB, minus room for 1000 ack ids."""


class BrokerModel:
    """State of the broker."""

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, wall_clock: Callable[[], int] = time.time_ns
    ) -> None:
        """Start empty; `clock` returns monotonic seconds, `wall_clock` nanoseconds since the epoch (UTC)."""
        self._clock = clock
        self._wall_clock = wall_clock
        self._topics: dict[str, BrokerTopic] = {}
        self._subscriptions: dict[str, BrokerSubscription] = {}
        self._published = 0
        self.snapshots = Snapshots(wall_clock)
        """Snapshots by name."""

    def create_topic(self, name: str, settings: TopicSettings | None = None) -> BrokerTopic:
        """Create a topic.

        Raises:
            RequestError: INVALID_ARGUMENT for its name or settings, or ALREADY_EXISTS.
        """
        settings = (settings or TopicSettings()).checked()
        if check_topic(name) in self._topics:
            raise RequestError(Status.ALREADY_EXISTS, "Topic already exists")
        topic = self._topics[name] = BrokerTopic(name, settings)
        return topic

    def update_topic(self, name: str, settings: TopicSettings) -> BrokerTopic:
        """Replace the settings of a topic.

        Raises:
            RequestError: INVALID_ARGUMENT for its name or settings, or NOT_FOUND.
        """
        topic = self.topic(name)
        topic.settings = settings.checked()
        if topic.settings.message_retention_duration is None:
            topic.retained.clear()
        return topic

    def topic(self, name: str) -> BrokerTopic:
        """Return a topic.

        Raises:
            RequestError: INVALID_ARGUMENT for its name, or NOT_FOUND.
        """
        topic = self._topics.get(check_topic(name))
        if topic is None:
            raise RequestError(Status.NOT_FOUND, "Topic not found")
        return topic

    def topics(self, project: str) -> list[BrokerTopic]:
        """Return the topics of ``projects/P``, sorted by name."""
        prefix = project_prefix(project)
        return [self._topics[name] for name in sorted(self._topics) if name.startswith(prefix)]

    def delete_topic(self, name: str) -> None:
        """Delete a topic; its subscriptions stay and keep their backlog.

        Raises:
            RequestError: INVALID_ARGUMENT for its name, or NOT_FOUND.
        """
        topic = self.topic(name)
        topic.deleted = True
        topic.retained.clear()
        del self._topics[name]

    def create_subscription(
        self, name: str, topic: str, settings: SubscriptionSettings | None = None
    ) -> BrokerSubscription:
        """Create a subscription to the messages published to `topic` from now on.

        Raises:
            RequestError: INVALID_ARGUMENT, ALREADY_EXISTS, or NOT_FOUND for the topic.
        """
        check_subscription(name)
        source = self._topics.get(check_topic(topic))
        settings = (settings or SubscriptionSettings()).checked()
        if name in self._subscriptions:
            raise RequestError(Status.ALREADY_EXISTS, "Subscription already exists")
        if source is None:
            raise RequestError(Status.NOT_FOUND, "Subscription topic does not exist")
        backlog = Backlog(self._clock, settings.enable_message_ordering)
        subscription = BrokerSubscription(name, source, settings, backlog)
        self._subscriptions[name] = source.subscriptions[name] = subscription
        return subscription

    def update_subscription(self, name: str, settings: SubscriptionSettings) -> BrokerSubscription:
        """Replace the settings of a subscription, all but the ordering.

        Raises:
            RequestError: INVALID_ARGUMENT for its name or settings, or NOT_FOUND.
        """
        subscription = self.subscription(name)
        subscription.settings = settings.checked()
        if not subscription.settings.retain_acked_messages:
            subscription.acknowledged.clear()
        return subscription

    def subscription(self, name: str) -> BrokerSubscription:
        """Return a subscription.

        Raises:
            RequestError: INVALID_ARGUMENT for its name, or NOT_FOUND.
        """
        subscription = self._subscriptions.get(check_subscription(name))
        if subscription is None:
            raise RequestError(Status.NOT_FOUND, "Subscription does not exist")
        return subscription

    def subscriptions(self, project: str) -> list[BrokerSubscription]:
        """Return the subscriptions of ``projects/P``, sorted by name."""
        prefix = project_prefix(project)
        return [self._subscriptions[name] for name in sorted(self._subscriptions) if name.startswith(prefix)]

    def delete_subscription(self, name: str) -> None:
        """Delete a subscription and its backlog.

        Raises:
            RequestError: INVALID_ARGUMENT for its name, or NOT_FOUND.
        """
        del self.subscription(name).source.subscriptions[name]
        del self._subscriptions[name]

    def publish(self, topic: str, contents: Sequence[MessageContent]) -> list[str]:
        """Publish messages to every subscription of `topic` and return their ids.

        Raises:
            RequestError: INVALID_ARGUMENT (then no message is published), or NOT_FOUND for the topic.
        """
        target = self.topic(topic)
        sizes = check_publish(contents)
        now = self._wall_clock()
        start = self._published + 1
        messages = [BrokerMessage(start + i, now, content, sizes[i]) for i, content in enumerate(contents)]
        self._published += len(messages)
        for subscription in target.subscriptions.values():
            subscription.backlog.add(messages)
        retain_published(target, messages, now)
        for snapshot in self.snapshots.of(target):
            snapshot.messages.extend(messages)
        return [message.message_id for message in messages]

    def pull(
        self,
        name: str,
        max_messages: int,
        lease_s: int | None = None,
        consumer: Consumer | None = None,
        run_ahead: int | None = None,
    ) -> list[BrokerDelivery]:
        """Lease as many messages as fit in a response; return an empty list if none is available.

        Args:
            name: name of the subscription.
            max_messages: most messages to lease, 1 or more.
            lease_s: length of the leases, seconds; None for the subscription's ack deadline.
            consumer: the stream that receives the messages; None for a Pull.
            run_ahead: see `Backlog.take`.

        Raises:
            RequestError: INVALID_ARGUMENT, or NOT_FOUND for the subscription.
        """
        subscription = self.subscription(name)
        if max_messages <= 0:
            raise invalid_argument("No max_messages specified")
        lease_s = subscription.settings.ack_deadline_seconds if lease_s is None else lease_s
        taken = subscription.backlog.take(
            min(max_messages, MAX_RESPONSE_MESSAGES),
            MAX_RESPONSE_BYTES,
            lease_s,
            consumer,
            retained_from(subscription, self._wall_clock()),
            run_ahead,
        )
        return [BrokerDelivery(format_ack_id(name, entry), entry.message) for entry in taken]

    def acknowledge(self, name: str, ack_ids: Iterable[str]) -> None:
        """Drop messages; an acknowledgement after a negative one or a later delivery is accepted and ignored.

        Raises:
            RequestError: INVALID_ARGUMENT (then no message is dropped), or NOT_FOUND for the subscription.
        """
        subscription = self.subscription(name)
        acks = parse_ack_ids(name, ack_ids)
        if not acks:
            raise invalid_argument("No ack ids specified.")
        dropped = [subscription.backlog.acknowledge(ack.number, ack.delivery) for ack in acks]
        retain_acknowledged(subscription, filter(None, dropped), self._wall_clock())

    def modify_ack_deadline(self, name: str, ack_ids: Iterable[str], seconds: int) -> None:
        """End leases `seconds` from now; 0 returns the messages at once.

        Raises:
            RequestError: INVALID_ARGUMENT (then nothing changes), or NOT_FOUND for the subscription.
        """
        subscription = self.subscription(name)
        check_new_deadline(seconds)
        acks = parse_ack_ids(name, ack_ids)
        if not acks:
            raise invalid_argument("No ack ids specified")
        for ack in acks:
            subscription.backlog.extend(ack.number, ack.delivery, seconds)

    def seek_to_time(self, name: str, from_ns: int) -> None:
        """Make exactly the messages of a subscription published at or after a time unacknowledged.

        Args:
            name: name of the subscription.
            from_ns: the time, nanoseconds since the epoch (UTC).

        Raises:
            RequestError: INVALID_ARGUMENT for its name, or NOT_FOUND.
        """
        seek_to_time(self.subscription(name), from_ns, self._wall_clock())

    def seek_to_snapshot(self, name: str, snapshot: str) -> None:
        """Make exactly the messages of a snapshot unacknowledged in the subscription `name`.

        Raises:
            RequestError: INVALID_ARGUMENT, NOT_FOUND, or FAILED_PRECONDITION if the snapshot has another topic.
        """
        seek_to_snapshot(self.subscription(name), self.snapshots.get(snapshot), self._wall_clock())

    def create_snapshot(self, name: str, subscription: str, labels: Mapping[str, str] | None = None) -> BrokerSnapshot:
        """Take a snapshot of a subscription.

        Raises:
            RequestError: INVALID_ARGUMENT, ALREADY_EXISTS, or NOT_FOUND for the subscription.
        """
        self.snapshots.check_new(name)
        snapshot = take_snapshot(name, self.subscription(subscription), labels or {}, self._wall_clock())
        return self.snapshots.add(snapshot)
