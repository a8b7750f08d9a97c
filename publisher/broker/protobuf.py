"""Convert between the protocol buffers of Pub/Sub and the messages of the model."""

from typing import Any, Final

from google.protobuf.timestamp_pb2 import Timestamp
from google.pubsub_v1 import types

from publisher.broker.messages import BrokerDelivery, MessageContent
from publisher.broker.resources import BrokerSnapshot, BrokerSubscription, BrokerTopic

# The protobuf classes behind the proto-plus wrappers: several times faster, and used by the gRPC handlers.
PubsubMessagePb: Final = types.PubsubMessage.pb()
ReceivedMessagePb: Final = types.ReceivedMessage.pb()
SnapshotPb: Final = types.Snapshot.pb()
SubscriptionPb: Final = types.Subscription.pb()
TopicPb: Final = types.Topic.pb()

NS: Final = 1_000_000_000


def read_content(message: Any) -> MessageContent:
    """Convert the ``PubsubMessage`` of a publisher; its message id and publish time are ignored, as by the service."""
    return MessageContent(message.data, dict(message.attributes), message.ordering_key)


def read_time(time: Timestamp) -> int:
    """Convert a time to nanoseconds since the epoch (UTC)."""
    return int(time.seconds * NS + time.nanos)


def delivery_to_pb(delivery: BrokerDelivery) -> Any:
    """Convert a delivery to a ``ReceivedMessage``."""
    message = delivery.message
    return ReceivedMessagePb(
        ack_id=delivery.ack_id,
        message=PubsubMessagePb(
            data=message.content.data,
            attributes=message.content.attributes,
            message_id=message.message_id,
            publish_time=_timestamp(message.publish_ns),
            ordering_key=message.content.ordering_key,
        ),
    )


def topic_to_pb(topic: BrokerTopic) -> Any:
    """Convert a topic to a ``Topic``."""
    message = TopicPb(name=topic.name, labels=topic.settings.labels)
    if topic.settings.message_retention_duration is not None:
        message.message_retention_duration.FromNanoseconds(int(topic.settings.message_retention_duration * NS))
    return message


def subscription_to_pb(subscription: BrokerSubscription) -> Any:
    """Convert a subscription to a ``Subscription``."""
    settings = subscription.settings
    message = SubscriptionPb(
        name=subscription.name,
        topic=subscription.topic,
        ack_deadline_seconds=settings.ack_deadline_seconds,
        enable_message_ordering=settings.enable_message_ordering,
        retain_acked_messages=settings.retain_acked_messages,
        labels=settings.labels,
    )
    message.message_retention_duration.FromNanoseconds(int(settings.message_retention_duration * NS))
    message.push_config.SetInParent()
    if settings.expiration_policy is not None:
        message.expiration_policy.SetInParent()
        if settings.expiration_policy:
            message.expiration_policy.ttl.FromNanoseconds(int(settings.expiration_policy * NS))
    return message


def snapshot_to_pb(snapshot: BrokerSnapshot) -> Any:
    """Convert a snapshot to a ``Snapshot``."""
    return SnapshotPb(
        name=snapshot.name,
        topic=snapshot.source.name,
        labels=snapshot.labels,
        expire_time=_timestamp(snapshot.expire_ns),
    )


def _timestamp(ns: int) -> Timestamp:
    seconds, nanos = divmod(ns, NS)
    return Timestamp(seconds=seconds, nanos=nanos)
