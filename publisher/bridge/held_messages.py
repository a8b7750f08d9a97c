"""Remember messages until they are acknowledged to the MQTT broker, in the order of their arrival."""

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

MAX_BYTES: Final = 64 << 20
"""Most bytes of payload that are held, except for the message that exceeds them."""


@dataclass(frozen=True, slots=True)
class MqttMessage:
    """A message as it came from the MQTT broker.

    Attributes:
        sequence: number of the message in this process, from 0.
        topic: its topic.
        payload: its bytes.
        packet_id: MQTT's id, by which it is acknowledged; 0 with QoS 0.
        connection: number of the connection on which it came; on another one the id means something else.
        retained: whether it is the last message of its topic from before the subscription.
        redelivered: whether the broker has sent it before.
    """

    sequence: int
    topic: str
    payload: bytes
    packet_id: int
    connection: int
    retained: bool
    redelivered: bool


@dataclass(slots=True)
class _Held:
    packet_id: int
    connection: int
    bytes: int
    settled: bool = False


class HeldMessages:
    """Messages that the MQTT broker has sent and that are not acknowledged to it.

    MQTT wants acknowledgements in the order of the messages, while Pub/Sub takes those of different devices in any
    order. So a message that is settled waits here for those before it. Payloads are counted, not kept. Used by several
    threads.
    """

    def __init__(self, most: int, most_bytes: int = MAX_BYTES) -> None:
        """Begin empty.

        Args:
            most: most messages.
            most_bytes: most bytes of payloads that are not settled.
        """
        self._most = most
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        self._held: OrderedDict[int, _Held] = OrderedDict()
        self._bytes = 0

    @property
    def is_full(self) -> bool:
        """Whether no further message should be read."""
        with self._lock:
            return len(self._held) >= self._most or self._bytes >= self._most_bytes

    def add(self, message: MqttMessage) -> None:
        """Hold a message that has arrived."""
        size = len(message.payload)
        with self._lock:
            self._held[message.sequence] = _Held(message.packet_id, message.connection, size)
            self._bytes += size

    def settle(self, sequence: int) -> None:
        """Note that a message may be acknowledged: Pub/Sub has taken it, or it is kept as a dead letter."""
        with self._lock:
            held = self._held[sequence]
            held.settled = True
            self._bytes -= held.bytes

    def leave(self, sequence: int) -> None:
        """Forget a message that is never acknowledged by this process, so that the broker keeps it."""
        with self._lock:
            self._bytes -= self._held.pop(sequence).bytes

    def take_settled(self, connection: int) -> list[int]:
        """Remove the settled messages before the first that is not; return the packet ids to acknowledge.

        Those of earlier connections are left out: the broker sends the messages again.
        """
        found = []
        with self._lock:
            while self._held:
                sequence, held = next(iter(self._held.items()))
                if not held.settled:
                    break
                del self._held[sequence]
                if held.packet_id and held.connection == connection:
                    found.append(held.packet_id)
        return found
