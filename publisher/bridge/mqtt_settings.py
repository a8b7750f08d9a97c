"""Define who connects to which MQTT broker and what for, and how that fails."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from publisher.bridge.address import BrokerAddress, BrokerLogin
from telemetry.errors import TelemetryError

MqttVersion: TypeAlias = Literal["5", "3.1.1"]


class MqttError(TelemetryError):
    """A connection that cannot be made, or was lost; its text says why, without the address."""


class SubscriptionError(TelemetryError):
    """A subscription that the broker refuses; its text says why, without the address."""


class TakenOverError(TelemetryError):
    """Another client has connected with the same client id, and the broker has given it the session."""


@dataclass(frozen=True, slots=True)
class MqttSettings:
    """Who connects where, and what for.

    Attributes:
        address: the broker.
        login: the credentials.
        client_id: name of the session at the broker.
        topic_filter: the filter to subscribe to.
        version: of the protocol.
        most_messages: most messages that the broker may send without an acknowledgement (MQTT 5).
        session_expiry_s: how long the broker keeps the session without a connection, seconds (MQTT 5).
        skip_retained: whether retained messages are not wanted.
    """

    address: BrokerAddress
    login: BrokerLogin
    client_id: str
    topic_filter: str
    version: MqttVersion = "5"
    most_messages: int = 1_000
    session_expiry_s: int = 7 * 86_400
    skip_retained: bool = False

    @property
    def most_held(self) -> int:
        """Number of unacknowledged messages at which nothing more is read, not even the answer to a ping.

        With MQTT 5 the broker stops one message before, and the connection lives on, however long Pub/Sub is away.
        """
        return self.most_messages + (self.version == "5")
