"""Read Pub/Sub with the source of a remote runner, which acknowledges at its checkpoints."""

import datetime as dt

import apache_beam as beam
from apache_beam.io.gcp.pubsub import PubsubMessage

from telemetry.model.messages import EVENT_TIME, MESSAGE_KEY, Message
from transforms.decode.collect_messages import CollectMessages


class ReadPubSub(beam.PTransform):
    """Read a subscription or topic with Beam's own source.

    Unbounded, in the global window; element timestamps and the watermark come from the `event_time`
    attribute. Messages with an already seen `message_key` are dropped by the service. At least once
    without it.
    """

    def __init__(self, subscription: str, topic: str) -> None:
        """Read the subscription or the topic, whichever is not empty."""
        super().__init__()
        self.subscription = subscription or None
        self.topic = topic or None

    def expand(self, pbegin: beam.pvalue.PBegin) -> beam.PCollection:
        """Return a PCollection of MessageBatch."""
        received = pbegin | "Receive" >> beam.io.ReadFromPubSub(
            topic=self.topic,
            subscription=self.subscription,
            id_label=MESSAGE_KEY,
            timestamp_attribute=EVENT_TIME,
            with_attributes=True,
        )
        messages = received | "Open" >> beam.Map(_to_message).with_output_types(Message)
        return messages | "Bundles" >> CollectMessages()


def _to_message(message: PubsubMessage) -> Message:
    published = message.publish_time
    publish_us = None if published is None else timestamp_us(published)
    return Message(bytes(message.data), dict(message.attributes), message.message_id or "", publish_us)


def timestamp_us(moment: dt.datetime) -> int:
    """Return the whole microseconds since the epoch of an aware datetime."""
    return (moment - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)) // dt.timedelta(microseconds=1)
