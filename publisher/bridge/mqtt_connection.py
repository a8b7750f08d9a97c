"""Connect to an MQTT broker with a session that outlives its connections, one packet at a time.

Nothing here waits for its turn in a thread of the client library: who uses a connection decides when a packet is read,
so that a full bridge reads none.
"""

import contextlib
import os
import select
import socket
import ssl
import time
from collections.abc import Callable
from typing import Any, Final

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from publisher.bridge.mqtt_settings import MqttError, MqttSettings, MqttVersion, SubscriptionError, TakenOverError

_KEEPALIVE_S: Final = 30
_ANSWER_S: Final = 10.0
_POLL_S: Final = 0.5
_TAKEN_OVER: Final = 0x8E
_CREDENTIALS: Final = frozenset({4, 5, 0x86, 0x87})
_PROTOCOL_VERSION: Final = frozenset({1, 0x84})


class MqttConnection:
    """A client of an MQTT broker. Used by one thread at a time.

    Attributes:
        number: how many connections were tried; that of the current one.
    """

    def __init__(self, settings: MqttSettings, receive: Callable[[MQTTMessage], None]) -> None:
        """Prepare, without connecting.

        Args:
            settings: who connects where.
            receive: called by `read_packet` and `open` with each message.
        """
        self._settings = settings
        self._receive = receive
        self.number = 0
        self._is_v5 = settings.version == "5"
        self._session_present = False
        self._connected: ReasonCode | None = None
        self._granted: ReasonCode | None = None  # the QoS, or why there is none
        self._left: ReasonCode | None = None
        self._client = self._make_client()

    @property
    def socket(self) -> socket.socket | None:
        """The socket; None if there is no connection."""
        found: Any = self._client.socket()
        return found  # type: ignore[no-any-return]

    @property
    def wants_write(self) -> bool:
        """Whether something waits to be written."""
        return self._client.want_write()

    @property
    def has_pending(self) -> bool:
        """Whether TLS has decrypted bytes that were not read, of which the socket says nothing."""
        found = self.socket
        return isinstance(found, ssl.SSLSocket) and found.pending() > 0

    def open(self) -> bool:
        """Connect, and ask for the subscription; return whether the broker had a session of this client.

        The answer about the subscription comes later, behind messages of the session; `check` looks at it.

        Raises:
            MqttError: if the broker cannot be reached, or refuses the client.
        """
        self.number += 1
        self._connected = self._granted = self._left = None
        address = self._settings.address
        options: dict[str, Any] = {"clean_start": False, "properties": self._properties()} if self._is_v5 else {}
        try:
            self._client.connect(address.host, address.port, _KEEPALIVE_S, **options)
        except ssl.SSLCertVerificationError as error:
            raise MqttError(f"its certificate is not trusted: {error.verify_message}") from error
        except OSError as error:
            raise MqttError(f"cannot be reached: {error.strerror or error}") from error
        connected = self._wait_for_answer()
        if connected.value:
            raise MqttError(_refusal(connected, self._settings.version))
        self._subscribe()
        return self._session_present

    def read_packet(self) -> None:
        """Read one packet, or a part of it."""
        self._client.loop_read()

    def write(self) -> None:
        """Write what waits."""
        self._client.loop_write()

    def keep_alive(self) -> None:
        """Send a ping if it is time for one; drop a connection whose broker does not answer."""
        self._client.loop_misc()

    def acknowledge(self, packet_id: int) -> None:
        """Acknowledge a message to the broker."""
        self._client.ack(packet_id, 1)

    def check(self) -> None:
        """Check that the connection is there, and the subscription.

        Raises:
            MqttError: if the connection was lost.
            SubscriptionError: if the broker refuses the subscription.
            TakenOverError: if another client has the session now.
        """
        if self._granted is not None and self._granted.value != 1:
            name, found = self._settings.topic_filter, self._granted
            if found.is_failure:
                raise SubscriptionError(f"refuses the subscription to {name}: {found}")
            raise SubscriptionError(f"grants {name} with QoS {found.value}, which may lose messages")
        if self.socket is not None:
            return
        if self._left is not None and self._left.value == _TAKEN_OVER:
            name = self._settings.client_id
            raise TakenOverError(f"another client has taken over the session {name}: --client-id must be of one bridge")
        raise MqttError(f"the broker has ended it: {self._left}" if self._left is not None else "the connection broke")

    def close(self) -> None:
        """Write what waits and disconnect; the broker keeps the session."""
        found = self.socket
        if found is None:
            return
        with socket.socket(fileno=os.dup(found.fileno())) as spare:
            self._client.disconnect()
            until = time.monotonic() + _ANSWER_S
            while self.socket is not None and self.wants_write and time.monotonic() < until:
                select.select([], [self.socket], [], _POLL_S)
                self.write()
            self.abort()
            _let_go(spare, until)

    def abort(self) -> None:
        """Close the socket, if there is one, without a word."""
        found = self.socket
        if found is not None:
            found.close()
            self._client.loop_read()  # the library notices that its socket is closed

    def _make_client(self) -> Client:
        settings = self._settings
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=settings.client_id,
            clean_session=None if self._is_v5 else False,
            protocol=MQTTProtocolVersion.MQTTv5 if self._is_v5 else MQTTProtocolVersion.MQTTv311,
            reconnect_on_failure=False,
            manual_ack=True,
        )
        client.connect_timeout = _ANSWER_S
        if settings.login.username is not None:
            client.username_pw_set(settings.login.username, settings.login.password)
        if settings.login.tls is not None:
            client.tls_set_context(settings.login.tls)
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_disconnect = self._on_disconnect
        client.on_message = lambda _client, _data, message: self._receive(message)
        return client

    def _properties(self) -> Properties:
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = self._settings.session_expiry_s
        properties.ReceiveMaximum = self._settings.most_messages
        return properties

    def _subscribe(self) -> None:
        """Subscribe, also if the session has a subscription, which may be to another filter."""
        name = self._settings.topic_filter
        if self._is_v5:
            retained = SubscribeOptions.RETAIN_SEND_IF_NEW_SUB
            if self._settings.skip_retained:
                retained = SubscribeOptions.RETAIN_DO_NOT_SEND
            self._client.subscribe(name, options=SubscribeOptions(qos=1, retainHandling=retained))
        else:
            self._client.subscribe(name, qos=1)

    def _wait_for_answer(self) -> ReasonCode:
        until = time.monotonic() + _ANSWER_S
        while self._connected is None and (found := self.socket) is not None and time.monotonic() < until:
            if not self.has_pending:
                select.select([found], [found] if self.wants_write else [], [], _POLL_S)
            self.write()
            self.read_packet()
        if self._connected is None:
            self.abort()
            old = "; if it is an old one, try --mqtt-version 3.1.1" if self._is_v5 else ""
            raise MqttError(f"does not answer like an MQTT broker{old}")
        return self._connected

    def _on_connect(
        self, _client: Client, _data: object, flags: ConnectFlags, reason: ReasonCode, _properties: object
    ) -> None:
        self._session_present, self._connected = flags.session_present, reason

    def _on_subscribe(
        self, _client: Client, _data: object, _id: int, reasons: list[ReasonCode], _properties: object
    ) -> None:
        self._granted = reasons[0]

    def _on_disconnect(
        self, _client: Client, _data: object, flags: DisconnectFlags, reason: ReasonCode, _properties: object
    ) -> None:
        if flags.is_disconnect_packet_from_server:
            self._left = reason


def _let_go(connection: socket.socket, until: float) -> None:
    """Read until the broker has closed a connection, and forget what comes.

    A socket that is closed with unread bytes resets the connection, and the broker then loses acknowledgements.
    """
    with contextlib.suppress(OSError):
        connection.settimeout(_POLL_S)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(1 << 16) and time.monotonic() < until:
            pass


def _refusal(reason: ReasonCode, version: MqttVersion) -> str:
    if reason.value in _CREDENTIALS:
        return f"refuses the client: {reason} (MQTT_USERNAME and MQTT_PASSWORD)"
    if reason.value in _PROTOCOL_VERSION:
        other = "3.1.1" if version == "5" else "5"
        return f"does not speak MQTT {version}; try --mqtt-version {other}"
    return f"refuses the client: {reason}"
