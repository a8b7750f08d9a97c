"""Between the protocol buffers of Pub/Sub and the records of the model."""

from typing import Any, Final

from google.protobuf.timestamp_pb2 import Timestamp
from google.pubsub_v1 import types

from publisher.broker.model import BrokerSubscription, BrokerTopic
from publisher.broker.records import BrokerDelivery, Draft
from publisher.broker.refusal import RefusedError, Status

# The classes behind the proto-plus wrappers: several times faster, and what the handlers exchange.
PubsubMessagePb: Final = types.PubsubMessage.pb()
ReceivedMessagePb: Final = types.ReceivedMessage.pb()
SubscriptionPb: Final = types.Subscription.pb()
TopicPb: Final = types.Topic.pb()

RETENTION_S: Final = 7 * 24 * 3600
"""The service's default retention, reported for every subscription; the broker itself drops nothing."""

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


def draft_of(message: Any) -> Draft:
    """Read what a publisher sends; ids and times in it are ignored, as the service does."""
    return Draft(message.data, dict(message.attributes), message.ordering_key)


def received_message(delivery: BrokerDelivery) -> Any:
    """Write a delivery as ``ReceivedMessage``."""
    message = delivery.message
    seconds, nanos = divmod(message.publish_ns, 1_000_000_000)
    return ReceivedMessagePb(
        ack_id=delivery.ack_id,
        message=PubsubMessagePb(
            data=message.draft.data,
            attributes=message.draft.attributes,
            message_id=message.message_id,
            publish_time=Timestamp(seconds=seconds, nanos=nanos),
            ordering_key=message.draft.ordering_key,
        ),
    )


def topic_of(topic: BrokerTopic) -> Any:
    """Write a topic."""
    return TopicPb(name=topic.name, labels=topic.labels)


def subscription_of(subscription: BrokerSubscription) -> Any:
    """Write a subscription."""
    answer = SubscriptionPb(
        name=subscription.name,
        topic=subscription.topic,
        ack_deadline_seconds=subscription.ack_deadline_s,
        enable_message_ordering=subscription.ordered,
        labels=subscription.labels,
    )
    answer.message_retention_duration.seconds = RETENTION_S
    answer.push_config.SetInParent()
    return answer


def check_supported(subscription: Any) -> None:
    """Refuse a subscription that asks for a kind of delivery the broker does not have.

    Retention and expiration are accepted: a broker in memory lives shorter than both.

    Raises:
        RefusedError: UNIMPLEMENTED, with the field's name.
    """
    asked = {field.name for field, _ in subscription.ListFields()}
    unsupported = sorted(asked.intersection(_UNSUPPORTED))
    if subscription.push_config.push_endpoint:
        unsupported.append("push_config")
    if unsupported:
        raise RefusedError(Status.UNIMPLEMENTED, f"The embedded broker does not support {', '.join(unsupported)}")
