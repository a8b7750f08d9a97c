"""Track the delivery of one message in one subscription, and the consumer that receives it."""

from dataclasses import dataclass, field

from publisher.broker.messages import BrokerMessage


@dataclass(slots=True, eq=False)
class Consumer:
    """One Pull, or one stream with limits on its outstanding messages; a limit of 0 means none.

    Attributes:
        max_messages: most outstanding messages.
        max_bytes: no message is sent once the outstanding messages reach this size, bytes.
        messages: number of outstanding messages.
        bytes: size of the outstanding messages.
        waiting_keys: heap of (message number, ordering key) of messages that only this consumer may take, because it
            has outstanding messages of the key; some are outdated.
    """

    max_messages: int = 0
    max_bytes: int = 0
    messages: int = 0
    bytes: int = 0
    waiting_keys: list[tuple[int, str]] = field(default_factory=list)

    def has_room(self) -> bool:
        """Return whether another message may be sent (the last one may exceed `max_bytes`)."""
        return (self.max_messages <= 0 or self.messages < self.max_messages) and (
            self.max_bytes <= 0 or self.bytes < self.max_bytes
        )


@dataclass(slots=True, eq=False)
class BacklogEntry:
    """One message in one subscription.

    Attributes:
        message: the message to deliver.
        delivery: number of its latest delivery in the subscription; 0 before the first and after a negative
            acknowledgement, so that no ack id refers to it.
        deadline: end of the lease, seconds of the clock; None while not leased.
        acknowledged: queues that still hold the entry must drop it.
        consumer: consumer that holds the lease.
    """

    message: BrokerMessage
    delivery: int = 0
    deadline: float | None = None
    acknowledged: bool = False
    consumer: Consumer | None = None

    def lease(self, delivery: int, deadline: float, consumer: Consumer) -> None:
        """Start a delivery."""
        self.delivery = delivery
        self.deadline = deadline
        self.consumer = consumer
        consumer.messages += 1
        consumer.bytes += self.message.size

    def release(self) -> None:
        """End the lease: acknowledged, returned or expired."""
        self.deadline = None
        if self.consumer is not None:
            self.consumer.messages -= 1
            self.consumer.bytes -= self.message.size
            self.consumer = None
