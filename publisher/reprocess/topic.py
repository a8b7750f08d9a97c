"""Publish messages with any attributes and of any size to an existing topic."""

from concurrent.futures import Future
from typing import Final

from google.api_core.exceptions import GoogleAPICallError
from google.pubsub_v1 import PublisherClient

from publisher.replay.message_builder import ReplayMessage
from publisher.replay.topic import ALWAYS_FITTING_BYTES, ReplayTopic
from telemetry.errors import ConfigError

RESERVED_ATTRIBUTES: Final = frozenset({"self", "topic", "data", "ordering_key", "retry", "timeout"})
"""Attribute names that the client cannot send, because it has arguments with these names.

Devices may well use them: MQTT bridges set ``topic``.
"""
_PUBLISH_TIMEOUT_S: Final = 30.0


def needs_own_request(message: ReplayMessage) -> bool:
    """Return whether a message is sent in its own request, outside the batches and the ordering of the client."""
    return len(message.payload) > ALWAYS_FITTING_BYTES or not RESERVED_ATTRIBUTES.isdisjoint(message.attributes)


class LetterTopic(ReplayTopic):
    """An existing topic as a `PublishChannel`."""

    def publish(self, message: ReplayMessage) -> "Future[str]":
        """Send a message in one attempt; if it needs its own request, the future is done on return."""
        if not needs_own_request(message):
            return super().publish(message)
        request = self._request_of(message)
        done: Future[str] = Future()
        try:
            answer = PublisherClient.publish(self._client, request, retry=None, timeout=_PUBLISH_TIMEOUT_S)
        except GoogleAPICallError as error:
            done.set_exception(error)
        else:
            done.set_result(answer.message_ids[0])
        return done

    def check(self) -> None:
        """Check that the topic exists.

        Raises:
            ConfigError: if the topic does not exist or cannot be read.
        """
        try:
            super().check()
        except ConfigError as error:  # this command has no --create
            problem = error.problem.removesuffix("; --create creates it")
            raise ConfigError(error.flag, error.value, problem) from error
