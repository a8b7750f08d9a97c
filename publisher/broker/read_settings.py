"""Read settings from requests, and refuse by name every field that the broker does not implement."""

from collections.abc import Collection
from dataclasses import replace
from typing import Any, Final

from google.protobuf.duration_pb2 import Duration

from publisher.broker.errors import RequestError, Status, invalid_argument, unsupported
from publisher.broker.limits import DEFAULT_ACK_DEADLINE_S
from publisher.broker.settings import DEFAULT_RETENTION_S, SubscriptionSettings, TopicSettings

_TOPIC_FIELDS: Final = {"labels", "message_retention_duration"}
_SUBSCRIPTION_FIELDS: Final = {
    "ack_deadline_seconds",
    "expiration_policy",
    "labels",
    "message_retention_duration",
    "retain_acked_messages",
}
_IMMUTABLE: Final = {"enable_message_ordering", "name", "topic"}
_OUTPUT_ONLY: Final = {
    "analytics_hub_subscription_info",
    "detached",
    "satisfies_pzs",
    "state",
    "topic_message_retention_duration",
}
"""Fields that the service sets; a client that sends back what it got may include them."""


def topic_settings(topic: Any) -> TopicSettings:
    """Return the settings of a ``Topic``.

    Raises:
        RequestError: UNIMPLEMENTED with the names of unsupported fields; NOT_FOUND for a schema, because there is none.
    """
    requested = {field.name for field, _ in topic.ListFields()}
    _check_topic_fields(requested - _OUTPUT_ONLY - {"name"})
    retention = topic.message_retention_duration if topic.HasField("message_retention_duration") else None
    return TopicSettings(dict(topic.labels), None if retention is None else _seconds(retention))


def changed_topic_settings(settings: TopicSettings, request: Any) -> TopicSettings:
    """Return `settings` with the changes of an ``UpdateTopicRequest``.

    Raises:
        RequestError: INVALID_ARGUMENT for its mask, or like `topic_settings`.
    """
    paths = _paths(request, "UpdateTopicRequest", "Topic")
    _check_immutable(paths & {"name"}, "UpdateTopicRequest", "Topic")
    _check_topic_fields(paths - _OUTPUT_ONLY)
    changed = topic_settings(_only(request.topic, paths))
    return replace(settings, **{path: getattr(changed, path) for path in paths & _TOPIC_FIELDS})


def subscription_settings(subscription: Any) -> SubscriptionSettings:
    """Return the settings of a ``Subscription``.

    Raises:
        RequestError: UNIMPLEMENTED with the names of unsupported fields.
    """
    requested = {field.name for field, _ in subscription.ListFields()}
    _check_subscription_fields(subscription, requested - _OUTPUT_ONLY - _IMMUTABLE)
    has_retention = subscription.HasField("message_retention_duration")
    has_expiration = subscription.HasField("expiration_policy")
    return SubscriptionSettings(
        labels=dict(subscription.labels),
        ack_deadline_seconds=subscription.ack_deadline_seconds or DEFAULT_ACK_DEADLINE_S,
        enable_message_ordering=subscription.enable_message_ordering,
        retain_acked_messages=subscription.retain_acked_messages,
        message_retention_duration=(
            _seconds(subscription.message_retention_duration) if has_retention else DEFAULT_RETENTION_S
        ),
        expiration_policy=_seconds(subscription.expiration_policy.ttl) if has_expiration else None,
    )


def changed_subscription_settings(settings: SubscriptionSettings, request: Any) -> SubscriptionSettings:
    """Return `settings` with the changes of an ``UpdateSubscriptionRequest``.

    Raises:
        RequestError: INVALID_ARGUMENT for its mask, or like `subscription_settings`.
    """
    paths = _paths(request, "UpdateSubscriptionRequest", "Subscription")
    _check_immutable(paths & _IMMUTABLE, "UpdateSubscriptionRequest", "Subscription")
    _check_subscription_fields(request.subscription, paths - _OUTPUT_ONLY)
    changed = subscription_settings(_only(request.subscription, paths))
    return replace(settings, **{path: getattr(changed, path) for path in paths & _SUBSCRIPTION_FIELDS})


def _check_topic_fields(names: Collection[str]) -> None:
    if "schema_settings" in names:
        raise RequestError(Status.NOT_FOUND, "Schema could not be found")
    others = set(names) - _TOPIC_FIELDS
    if others:
        raise unsupported(others)


def _check_subscription_fields(subscription: Any, names: Collection[str]) -> None:
    others = set(names) - _SUBSCRIPTION_FIELDS
    if not subscription.push_config.ListFields():
        others.discard("push_config")  # no push, which is the only possibility
    if others:
        raise unsupported(others)


def _paths(request: Any, kind: str, resource: str) -> set[str]:
    paths = set(request.update_mask.paths)
    if not paths:
        raise invalid_argument(f"The update_mask in the {kind} must be set, and must contain a non-empty paths list.")
    message = request.topic if resource == "Topic" else request.subscription
    for path in sorted(paths - set(message.DESCRIPTOR.fields_by_name)):
        raise invalid_argument(f"Invalid update_mask provided in the {kind}: {path} is not a known {resource} field.")
    return paths


def _check_immutable(paths: Collection[str], kind: str, resource: str) -> None:
    for path in sorted(paths):
        raise invalid_argument(
            f"Invalid update_mask provided in the {kind}: the {path} field in the {resource} is not mutable."
        )


def _only(message: Any, paths: Collection[str]) -> Any:
    """Return a copy of `message` that has only the fields of `paths`: the others are not part of the update."""
    copy = type(message)()
    copy.CopyFrom(message)
    for field, _ in message.ListFields():
        if field.name not in paths:
            copy.ClearField(field.name)
    return copy


def _seconds(duration: Duration) -> float:
    return float(duration.seconds + duration.nanos / 1e9)
