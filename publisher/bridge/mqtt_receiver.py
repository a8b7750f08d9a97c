"""Receive messages in a thread, and acknowledge them to the MQTT broker when others have settled them."""

import math
import select
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Final, Self

from paho.mqtt.client import MQTTMessage

from publisher.bridge.address import URL
from publisher.bridge.held_messages import HeldMessages, MqttMessage
from publisher.bridge.mqtt_connection import MqttConnection
from publisher.bridge.mqtt_settings import MqttError, MqttSettings, SubscriptionError
from publisher.bridge.wakeup import Wakeup
from telemetry.errors import ConfigError
from telemetry.retries import Retries, RetryPolicy

_RETRIES: Final = RetryPolicy(patience_s=math.inf, first_pause_s=0.1, longest_pause_s=10.0)
_POLL_S: Final = 1.0  # between two looks whether a ping is due
_STEADY_S: Final = 30.0  # how long a connection lasts after which the next one is made without a long pause
_BRIEF: Final = 4  # connections after which a person is told of a second bridge, which some brokers do not tell
_READ_AT_ONCE: Final = 100


class MqttReceiver:
    """Messages of an MQTT broker, over as many connections as it takes.

    A context: inside of it a thread receives. At its end the thread acknowledges what is settled, and disconnects. The
    broker keeps everything else and the session.

    Attributes:
        received: messages received.
        redelivered: of them, those that the broker had sent before.
        retained: of them, retained ones.
        unsafe: of them, those that were published with QoS 0, which the broker keeps for nobody.
        connections: connections that were made.
        sessions_lost: how often the broker had forgotten the session when the connection was made again.
    """

    def __init__(
        self,
        settings: MqttSettings,
        held: HeldMessages,
        deliver: Callable[[MqttMessage], object],
        notify: Callable[[str], object],
        limit: int | None = None,
    ) -> None:
        """Prepare.

        Args:
            settings: who connects where.
            held: gets each message; while it is full none is read.
            deliver: called with each message, in the thread; must not block.
            notify: prints a line about a connection.
            limit: most messages to receive; None for no limit.
        """
        self._settings = settings
        self._held = held
        self._deliver = deliver
        self._notify = notify
        self._limit = limit
        self._connection = MqttConnection(settings, self._receive)
        self._reads = True
        self._closing = threading.Event()
        self._brief = 0  # connections that were made since one that lasted
        self._told = ""  # the last line about a connection
        self._wakeup = Wakeup()
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="mqtt")
        self._done: Future[None] = Future()
        self.received = self.redelivered = self.retained = self.unsafe = 0
        self.connections = self.sessions_lost = 0

    def __enter__(self) -> Self:
        """Connect and begin to receive.

        Raises:
            ConfigError: if the first connection cannot be made.
        """
        try:
            self._connection.open()
        except MqttError as error:
            self._connection.abort()
            self._pool.shutdown()
            self._wakeup.close()
            raise ConfigError(URL, self._settings.address, str(error)) from error
        self.connections = 1
        self._done = self._pool.submit(self._run_and_leave)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Acknowledge, disconnect and end the thread."""
        self._closing.set()
        self.wake()
        self._pool.shutdown()
        self._wakeup.close()

    @property
    def is_connected(self) -> bool:
        """Whether there is a connection, as far as it is known."""
        return self._connection.socket is not None

    def check(self) -> None:
        """Raise what has ended the thread, if anything has.

        Raises:
            ConfigError: if the broker refuses the first subscription.
            SubscriptionError: if it refuses a later one.
            TakenOverError: if another client has the session.
        """
        if self._done.done():
            self._done.result()

    def on_end(self, call: Callable[[], object]) -> None:
        """Call a function when the thread ends."""
        self._done.add_done_callback(lambda _: call())

    def stop_reading(self) -> None:
        """Read no further message; those that were received can still be acknowledged."""
        self._reads = False

    def wake(self) -> None:
        """Let the thread look at the settled messages."""
        self._wakeup.wake()

    def _run_and_leave(self) -> None:
        """Receive until the end of the context or a failure that is final, and leave no open connection."""
        try:
            self._run()
        finally:
            self._connection.abort()

    def _run(self) -> None:
        """Receive until the end of the context."""
        retries = Retries(_RETRIES, sleep=self._closing.wait)
        while not self._closing.is_set():
            since_s = time.monotonic()
            try:
                if self._connection.socket is None:
                    self._open_again()
                self._serve()
            except MqttError as error:
                self._connection.abort()
                if time.monotonic() - since_s > _STEADY_S:
                    retries.succeed()
                    self._brief = 0
                if not self._closing.is_set():
                    self._tell_once(f"{self._settings.address}: {error}; trying again")
                    retries.wait()
            except SubscriptionError as error:
                if self.connections == 1:
                    raise ConfigError(URL, self._settings.address, str(error)) from error
                raise

    def _tell_once(self, line: str) -> None:
        if self._told != line:
            self._told = line
            self._notify(line)

    def _open_again(self) -> None:
        has_session = self._connection.open()
        self.connections += 1
        self._told = ""
        self._brief += 1
        self._notify(f"{self._settings.address}: connected again")
        if self._brief == _BRIEF:
            name = self._settings.client_id
            self._notify(f"the connection breaks again and again: does another bridge use the client id {name}?")
        if not has_session:
            self.sessions_lost += 1
            self._notify(f"{self._settings.address}: the broker has no session; messages of the meantime are lost")

    def _serve(self) -> None:
        """Read, write and acknowledge until the end of the context.

        Raises:
            MqttError: if the connection is lost.
            SubscriptionError: if the broker refuses the subscription.
            TakenOverError: if another client has the session.
        """
        connection = self._connection
        while True:
            closes = self._closing.is_set()  # before the last look at the settled messages
            for packet_id in self._held.take_settled(connection.number):
                connection.acknowledge(packet_id)
            if closes:
                connection.close()
                return
            self._wait_for_something()
            connection.write()
            self._read()
            connection.keep_alive()
            connection.check()

    def _wait_for_something(self) -> None:
        connection, found = self._connection, self._connection.socket
        if found is None or (connection.has_pending and self._may_read()):
            return
        events = (select.POLLIN if self._may_read() else 0) | (select.POLLOUT if connection.wants_write else 0)
        self._wakeup.wait(found, events, _POLL_S)

    def _may_read(self) -> bool:
        reads = self._reads and not self._held.is_full
        return reads and (self._limit is None or self.received < self._limit)

    def _read(self) -> None:
        """Read the packets that are there."""
        for _ in range(_READ_AT_ONCE):
            before = self.received
            if self._connection.socket is None or not self._may_read():
                return
            self._connection.read_packet()
            if self.received == before:
                return

    def _receive(self, message: MQTTMessage) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError as error:
            raise MqttError("the broker sends a topic that is not UTF-8") from error
        found = MqttMessage(
            self.received,
            topic,
            bytes(message.payload),
            message.mid,
            self._connection.number,
            message.retain,
            message.dup,
        )
        self.received += 1
        self.redelivered += message.dup
        self.retained += message.retain
        self.unsafe += message.qos == 0
        self._held.add(found)
        self._deliver(found)
