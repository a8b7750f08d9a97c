"""Carry messages from an MQTT broker to a topic of Pub/Sub until the bridge is stopped."""

import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from publisher.bridge.bridge_letters import FLAG, BridgeLetters
from publisher.bridge.held_messages import HeldMessages, MqttMessage
from publisher.bridge.messages import KeyKind, make_bridged, problem_of
from publisher.bridge.mqtt_receiver import MqttReceiver
from publisher.bridge.mqtt_settings import MqttSettings
from publisher.bridge.topic_pattern import TopicPattern
from publisher.replay.message_builder import ReplayMessage
from publisher.replay.message_sender import MessageSender, PublishChannel
from telemetry.errors import ConfigError, OutputError, TelemetryError
from telemetry.retries import RetryPolicy

RETRIES: Final = RetryPolicy(patience_s=float("inf"), first_pause_s=0.1, longest_pause_s=5.0)
"""For Pub/Sub that is away: the messages wait at the MQTT broker, however long it takes."""
_MOST_LEFT: Final = 10
"""Most messages that are left with the MQTT broker because Pub/Sub does not take them; each takes a place there."""


@dataclass(frozen=True, slots=True)
class BridgePlan:
    """How messages are bridged, and when the bridge ends by itself.

    Attributes:
        pattern: names the levels of topics.
        run_id: id of this run.
        key: kind of the messages' keys.
        ordering_keys: number of ordering keys that devices share; None for one for each device.
        skip_retained: whether retained messages are acknowledged without being published.
        limit: most messages; None for no limit.
        idle_s: seconds without a message after which the bridge ends; None to go on.
    """

    pattern: TopicPattern
    run_id: str
    key: KeyKind = "sequence"
    ordering_keys: int | None = None
    skip_retained: bool = False
    limit: int | None = None
    idle_s: float | None = None


class BridgeSession:
    """One run of the bridge. Implements `DeliveryObserver`.

    A message is acknowledged to the MQTT broker when Pub/Sub has taken it, or when it is a dead letter on disk.

    Attributes:
        receiver: receives the messages, and counts them.
        sender: publishes them, and counts them.
        rows_read: rows of the messages that were published or given up.
        skipped: retained messages that were not wanted.
        messages_refused: messages that Pub/Sub does not take.
        refused_rows: their rows, without those that `sender` counts.
        interrupted: whether a signal ended it.
        error: error that ended it, or "".
    """

    def __init__(
        self,
        settings: MqttSettings,
        plan: BridgePlan,
        channel: PublishChannel,
        letters: BridgeLetters | None,
        notify: Callable[[str], object],
        retries: RetryPolicy = RETRIES,
    ) -> None:
        """Prepare.

        Args:
            settings: the MQTT broker, and the subscription.
            plan: how messages are bridged.
            channel: publishes a message.
            letters: keeps what Pub/Sub does not take; None to leave it with the MQTT broker.
            notify: prints a line.
            retries: for Pub/Sub that is away.
        """
        self._plan = plan
        self._letters = letters
        self._notify = notify
        self._stopped = threading.Event()
        self._inbox: queue.SimpleQueue[MqttMessage | None] = queue.SimpleQueue()  # signal handlers may put into it
        self._is_nudged = False
        self._held = HeldMessages(settings.most_held)
        self.receiver = MqttReceiver(settings, self._held, self._inbox.put, notify, plan.limit)
        self.sender = MessageSender(channel, 0, self._stopped, retries, observer=self)
        self._left = 0
        self.rows_read = self.skipped = self.messages_refused = self.refused_rows = 0
        self.interrupted = False
        self.error = ""

    def stop(self) -> None:
        """End the bridge in order: publish and acknowledge what was received. May be called by a signal handler."""
        self.interrupted = True
        self._stopped.set()
        self._inbox.put(None)

    def run(self) -> None:
        """Bridge until a stop, a limit, an idle time or a failure.

        Raises:
            ConfigError: if the MQTT broker cannot be used; nothing was published then.
        """
        with self.receiver as receiver:
            receiver.on_end(self._nudge)
            try:
                self._carry()
                receiver.check()
            except ConfigError:
                raise
            except TelemetryError as error:
                self.error = str(error)
            receiver.stop_reading()
            try:
                self.sender.finish()
            except TelemetryError as error:
                self.error = self.error or str(error)

    def _carry(self) -> None:
        plan, taken, last_s = self._plan, 0, time.monotonic()
        while not self._stopped.is_set() and taken != plan.limit:
            left_s = None if plan.idle_s is None else max(0.0, last_s + plan.idle_s - time.monotonic())
            try:
                message = self._inbox.get(timeout=left_s)
            except queue.Empty:
                if self.receiver.is_connected:
                    return
                last_s = time.monotonic()
                continue
            if message is None:
                self._is_nudged = False
                self.receiver.check()
                self.sender.retry()
            else:
                taken, last_s = taken + 1, time.monotonic()
                self._carry_one(message)

    def _carry_one(self, message: MqttMessage) -> None:
        if message.retained and self._plan.skip_retained:
            self.skipped += 1
            self._settle(message.sequence)
            return
        plan = self._plan
        outgoing = make_bridged(message, plan.pattern, plan.run_id, plan.key, plan.ordering_keys)
        self.rows_read += outgoing.rows
        problem = problem_of(outgoing)
        if problem:
            self.refused_rows += outgoing.rows
            self.refused(outgoing, problem)
        else:
            self.sender.send(outgoing)

    def published(self, message: ReplayMessage) -> None:
        """Let the message be acknowledged to the MQTT broker."""
        self._settle(message.sequence)

    def failed(self, message: ReplayMessage) -> None:  # noqa: ARG002 - the sender knows it
        """Wake the loop, which sends failed messages again."""
        self._nudge()

    def refused(self, message: ReplayMessage, error: str) -> None:
        """Keep a message that Pub/Sub does not take as a dead letter, or leave it with the MQTT broker.

        Raises:
            OutputError: if it cannot be kept.
            TelemetryError: if too many are left.
        """
        self.messages_refused += 1
        what = f"message on {message.attributes['mqtt_topic'][:200]}: {error}"
        if self._letters is not None:
            self._letters.keep(message, error)
            self._settle(message.sequence)
            self._notify(f"{what}; kept as a dead letter")
            return
        self._held.leave(message.sequence)
        self._left += 1
        self._notify(f"{what}; left with the MQTT broker ({FLAG} keeps such messages)")
        if self._left >= _MOST_LEFT:
            raise OutputError(f"{self._left} messages that Pub/Sub does not take wait at the MQTT broker, give {FLAG}")

    def _settle(self, sequence: int) -> None:
        self._held.settle(sequence)
        self.receiver.wake()

    def _nudge(self) -> None:
        if not self._is_nudged:  # a nudge that waits in the inbox is enough, however long Pub/Sub is away
            self._is_nudged = True
            self._inbox.put(None)
