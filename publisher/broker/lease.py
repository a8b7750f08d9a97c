"""A message on its way through one subscription, and who has it."""

from dataclasses import dataclass

from publisher.broker.records import BrokerMessage


@dataclass(slots=True)
class Holder:
    """A subscriber's outstanding messages, counted for flow control; 0 means no limit."""

    max_messages: int = 0
    max_bytes: int = 0
    messages: int = 0
    bytes: int = 0

    def has_room(self) -> bool:
        """Say whether another message may be sent (the last one may exceed `max_bytes`)."""
        return (self.max_messages <= 0 or self.messages < self.max_messages) and (
            self.max_bytes <= 0 or self.bytes < self.max_bytes
        )


@dataclass(slots=True, eq=False)
class Entry:
    """One message in one subscription.

    Attributes:
        message: what to deliver.
        attempt: how many times it was delivered.
        deadline: when the lease ends, seconds of the clock; None while it waits.
        acknowledged: nothing more to do; queues that still hold the entry drop it.
        holder: who has the lease, if flow control wants to know.
    """

    message: BrokerMessage
    attempt: int = 0
    deadline: float | None = None
    acknowledged: bool = False
    holder: Holder | None = None

    def lease(self, deadline: float, holder: Holder | None) -> None:
        """Start a delivery."""
        self.attempt += 1
        self.deadline = deadline
        self.holder = holder
        if holder is not None:
            holder.messages += 1
            holder.bytes += self.message.size

    def release(self) -> None:
        """End the delivery: acknowledged, given back or expired."""
        self.deadline = None
        if self.holder is not None:
            self.holder.messages -= 1
            self.holder.bytes -= self.message.size
            self.holder = None
