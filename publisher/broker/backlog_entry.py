"""Track the delivery of one message in one subscription, and the flow control of its subscriber."""

from dataclasses import dataclass

from publisher.broker.messages import BrokerMessage


@dataclass(slots=True)
class FlowControl:
    """Limits and counts of the outstanding messages of one subscriber; a limit of 0 means none."""

    max_messages: int = 0
    max_bytes: int = 0
    messages: int = 0
    bytes: int = 0

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
        attempt: number of deliveries so far.
        deadline: end of the lease, seconds of the clock; None while not leased.
        acknowledged: queues that still hold the entry must drop it.
        flow_control: counts of the subscriber that holds the lease, if it limits them.
    """

    message: BrokerMessage
    attempt: int = 0
    deadline: float | None = None
    acknowledged: bool = False
    flow_control: FlowControl | None = None

    def lease(self, deadline: float, flow_control: FlowControl | None) -> None:
        """Start a delivery attempt."""
        self.attempt += 1
        self.deadline = deadline
        self.flow_control = flow_control
        if flow_control is not None:
            flow_control.messages += 1
            flow_control.bytes += self.message.size

    def release(self) -> None:
        """End the delivery attempt: acknowledged, returned or expired."""
        self.deadline = None
        if self.flow_control is not None:
            self.flow_control.messages -= 1
            self.flow_control.bytes -= self.message.size
            self.flow_control = None
