"""Define the resources of the model: topics, subscriptions and snapshots."""

from dataclasses import dataclass, field

from publisher.broker.backlog import Backlog
from publisher.broker.messages import BrokerMessage
from publisher.broker.names import DELETED_TOPIC
from publisher.broker.retained_messages import RetainedMessages
from publisher.broker.settings import SubscriptionSettings, TopicSettings


@dataclass(slots=True, eq=False)
class BrokerTopic:
    """A topic, what is attached to it by name, and the messages that it retains.

    A topic that is deleted and created again is another object: its old subscriptions and snapshots do not match it.
    """

    name: str
    settings: TopicSettings
    deleted: bool = False
    subscriptions: dict[str, "BrokerSubscription"] = field(default_factory=dict)
    snapshots: dict[str, "BrokerSnapshot"] = field(default_factory=dict)
    retained: RetainedMessages = field(default_factory=RetainedMessages)


@dataclass(slots=True, eq=False)
class BrokerSubscription:
    """A subscription, its unacknowledged messages, and the acknowledged ones that it retains."""

    name: str
    source: BrokerTopic
    settings: SubscriptionSettings
    backlog: Backlog
    acknowledged: RetainedMessages = field(default_factory=RetainedMessages)

    @property
    def topic(self) -> str:
        """Name of the topic, ``_deleted-topic_`` after its deletion."""
        return DELETED_TOPIC if self.source.deleted else self.source.name


@dataclass(slots=True, eq=False)
class BrokerSnapshot:
    """The unacknowledged messages of a subscription at one time, and those published to its topic since.

    Attributes:
        name: ``projects/P/snapshots/S``.
        source: topic of the subscription.
        labels: names and values.
        expire_ns: when the snapshot expires, nanoseconds since the epoch.
        messages: the messages, in order of publishing.
    """

    name: str
    source: BrokerTopic
    labels: dict[str, str]
    expire_ns: int
    messages: list[BrokerMessage]
