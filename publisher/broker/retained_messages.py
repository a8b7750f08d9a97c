"""Retain messages for a limited time, so that a seek can deliver them again."""

from collections import deque
from collections.abc import Iterable

from publisher.broker.messages import BrokerMessage


class RetainedMessages:
    """Messages in about the order of publishing; those that are too old are dropped from the front."""

    def __init__(self) -> None:
        """Start empty."""
        self._messages: deque[BrokerMessage] = deque()

    def __len__(self) -> int:
        """Return the number of messages in memory."""
        return len(self._messages)

    def add(self, messages: Iterable[BrokerMessage], published_from: int) -> None:
        """Append messages, and drop those published before `published_from`, nanoseconds since the epoch."""
        self._messages.extend(messages)
        while self._messages and self._messages[0].publish_ns < published_from:
            self._messages.popleft()

    def published_from(self, published_from: int) -> list[BrokerMessage]:
        """Return the messages published at or after a time, nanoseconds since the epoch."""
        return [message for message in self._messages if message.publish_ns >= published_from]

    def clear(self) -> None:
        """Drop all messages."""
        self._messages.clear()
