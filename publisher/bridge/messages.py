"""Make Pub/Sub messages of MQTT messages, and find those that Pub/Sub does not take."""

import hashlib
import zlib
from typing import Final, Literal, TypeAlias

from publisher.bridge.held_messages import MqttMessage
from publisher.bridge.topic_pattern import DEVICE, TopicPattern
from publisher.replay.message_builder import ReplayMessage
from telemetry.model.messages import MAX_MESSAGE_BYTES, MESSAGE_KEY, ROWS, RUN_ID

MQTT_TOPIC: Final = "mqtt_topic"
"""Attribute: topic of the MQTT message."""
MQTT_RETAINED: Final = "mqtt_retained"
"""Attribute: ``true`` for a retained message, which is older than the subscription."""
MAX_VALUE_BYTES: Final = 1_024
"""Longest attribute value and ordering key, bytes (https://cloud.google.com/pubsub/quotas#resource_limits)."""
_MAX_CONTENT_BYTES: Final = MAX_MESSAGE_BYTES - 1_000  # of payload and attributes; the request also names the topic
_FRAME_BYTES: Final = 10  # upper bound for the tags and lengths of an attribute in a request

KeyKind: TypeAlias = Literal["sequence", "content"]


def make_bridged(
    message: MqttMessage, pattern: TopicPattern, run_id: str, key: KeyKind = "sequence", keys: int | None = None
) -> ReplayMessage:
    """Return the message to publish: the same payload, with topic and levels as attributes.

    The ordering key is the device, else the topic, or one of a few keys that devices share.

    MQTT gives a message no identity that survives a connection, so `message_key` is either its number in this run, or a
    hash of topic and payload, for payloads that hold their time.

    Args:
        message: the message.
        pattern: names the levels of its topic.
        run_id: id of this run of the bridge.
        key: kind of its `message_key`.
        keys: number of ordering keys that devices share; None for one for each device.
    """
    levels = pattern.attributes_of(message.topic)
    rows = sum(1 for line in message.payload.split(b"\n") if line.strip())
    attributes = {
        MESSAGE_KEY: f"{run_id}-{message.sequence}" if key == "sequence" else _content_key(message),
        ROWS: str(rows),
        RUN_ID: run_id,
        MQTT_TOPIC: message.topic,
        **levels,
    }
    if message.retained:
        attributes[MQTT_RETAINED] = "true"
    order = levels.get(DEVICE, message.topic)
    if keys is not None:
        order = f"mqtt-{zlib.crc32(order.encode()) % keys}"  # the same after a restart
    return ReplayMessage(message.sequence, message.payload, attributes, order, rows, None, None)


def problem_of(message: ReplayMessage) -> str:
    """Return why Pub/Sub does not take a message; "" if it does."""
    for name, value in message.attributes.items():
        size = len(value.encode())
        if size > MAX_VALUE_BYTES:
            return f"{name} has {size:,} bytes; Pub/Sub takes at most {MAX_VALUE_BYTES:,} in an attribute"
    names = sum(len(name) + len(value.encode()) + _FRAME_BYTES for name, value in message.attributes.items())
    size = len(message.payload) + names + len(message.ordering_key.encode())
    if size > _MAX_CONTENT_BYTES:
        return f"it has {len(message.payload):,} bytes; Pub/Sub takes at most {MAX_MESSAGE_BYTES:,} with attributes"
    return ""


def _content_key(message: MqttMessage) -> str:
    digest = hashlib.blake2b(message.topic.encode() + b"\0", digest_size=16)
    digest.update(message.payload)
    return digest.hexdigest()
