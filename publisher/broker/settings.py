"""Define what a client may set of topics and subscriptions; fields are named as in Pub/Sub's messages."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Self

from publisher.broker.limits import DEFAULT_ACK_DEADLINE_S, check_ack_deadline, check_expiration, check_retention

DEFAULT_RETENTION_S: Final = 7 * 24 * 3600


@dataclass(frozen=True, slots=True)
class TopicSettings:
    """Settings of a topic.

    Attributes:
        labels: names and values.
        message_retention_duration: how long all subscriptions may seek back, seconds; None for not at all.
    """

    labels: Mapping[str, str] = field(default_factory=dict)
    message_retention_duration: float | None = None

    def checked(self) -> Self:
        """Return the settings.

        Raises:
            RequestError: INVALID_ARGUMENT for a retention outside the limits.
        """
        if self.message_retention_duration is not None:
            check_retention(self.message_retention_duration)
        return self


@dataclass(frozen=True, slots=True)
class SubscriptionSettings:
    """Settings of a subscription.

    Attributes:
        labels: names and values.
        ack_deadline_seconds: length of a lease, seconds.
        enable_message_ordering: whether messages of one ordering key are delivered in order.
        retain_acked_messages: whether acknowledged messages are retained too.
        message_retention_duration: how long messages are retained, seconds.
        expiration_policy: reported, without effect: after how long without activity the subscription expires,
            seconds; 0 for never; None if not set.
    """

    labels: Mapping[str, str] = field(default_factory=dict)
    ack_deadline_seconds: int = DEFAULT_ACK_DEADLINE_S
    enable_message_ordering: bool = False
    retain_acked_messages: bool = False
    message_retention_duration: float = DEFAULT_RETENTION_S
    expiration_policy: float | None = None

    def checked(self) -> Self:
        """Return the settings.

        Raises:
            RequestError: INVALID_ARGUMENT for a value outside the limits.
        """
        check_ack_deadline(self.ack_deadline_seconds)
        check_retention(self.message_retention_duration)
        if self.expiration_policy:
            check_expiration(self.expiration_policy)
        return self
