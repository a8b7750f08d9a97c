"""Convert between the protocol buffers of Pub/Sub and the messages of the model."""

from typing import Any, Final

from google.protobuf.timestamp_pb2 import Timestamp
from google.pubsub_v1 import types

from publisher.broker.broker_model import BrokerSubscription, BrokerTopic
from publisher.broker.errors import RequestError, Status
from publisher.broker.messages import BrokerDelivery, MessageContent

# The protobuf classes behind the proto-plus wrappers: several times faster, and used by the gRPC handlers.
PubsubMessagePb: Final = types.PubsubMessage.pb()
ReceivedMessagePb: Final = types.ReceivedMessage.pb()
SubscriptionPb: Final = types.Subscription.pb()
TopicPb: Final = types.Topic.pb()

RETENTION_S: Final = 7 * 24 * 3600
"""Default retention of the service, reported for every subscription; the broker keeps messages forever."""

_UNSUPPORTED: Final = (
    "bigquery_config",
    "cloud_storage_config",
    "dead_letter_policy",
    "enable_exactly_once_delivery",
    "filter",
    "message_transforms",
    "retain_acked_messages",
    "retry_policy",
)


def read_content(message: Any) -> MessageContent:
    """Convert the ``PubsubMessage`` of a publisher; its message id and publish time are ignored, as by the service."""
    return MessageContent(message.data, dict(message.attributes), message.ordering_key)


def delivery_to_pb(delivery: BrokerDelivery) -> Any:
    """Convert a delivery to a ``ReceivedMessage``."""
    message = delivery.message
    seconds, nanos = divmod(message.publish_ns, 1_000_000_000)
    return ReceivedMessagePb(
        ack_id=delivery.ack_id,
        message=PubsubMessagePb(
            data=message.content.data,
            attributes=message.content.attributes,
            message_id=message.message_id,
            publish_time=Timestamp(seconds=seconds, nanos=nanos),
            ordering_key=message.content.ordering_key,
        ),
    )


def topic_to_pb(topic: BrokerTopic) -> Any:
    """Convert a topic to a ``Topic``."""
    return TopicPb(name=topic.name, labels=topic.labels)


def subscription_to_pb(subscription: BrokerSubscription) -> Any:
    """Convert a subscription to a ``Subscription``."""
    message = SubscriptionPb(
        name=subscription.name,
        topic=subscription.topic,
        ack_deadline_seconds=subscription.ack_deadline_s,
        enable_message_ordering=subscription.ordered,
        labels=subscription.labels,
    )
    message.message_retention_duration.seconds = RETENTION_S
    message.push_config.SetInParent()
    return message


def check_supported(subscription: Any) -> None:
    """Reject a subscription that requests a feature that the broker does not implement.

    Retention and expiration are accepted, because the process ends before either takes effect.

    Raises:
        RequestError: UNIMPLEMENTED, with the names of the fields.
    """
    requested = {field.name for field, _ in subscription.ListFields()}
    unsupported = sorted(requested.intersection(_UNSUPPORTED))
    if subscription.push_config.push_endpoint:
        unsupported.append("push_config")
    if unsupported:
        raise RequestError(Status.UNIMPLEMENTED, f"The embedded broker does not support {', '.join(unsupported)}")
