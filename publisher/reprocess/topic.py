"""A topic for messages with any attributes and of any size."""

from concurrent.futures import Future
from typing import Final

from google.api_core.exceptions import GoogleAPICallError
from google.pubsub_v1 import PublisherClient

from publisher.replay.payload import ReplayMessage
from publisher.replay.topic import SURELY_TAKEN_BYTES, ReplayTopic
from telemetry.errors import ConfigError

RESERVED: Final = frozenset({"self", "topic", "data", "ordering_key", "retry", "timeout"})
"""Attributes the client cannot send: it takes attributes as arguments, beside its own of these names. That some device
has one is likely: a bridge from MQTT sets ``topic``."""
_ATTEMPT_SECONDS: Final = 30.0


def goes_alone(outgoing: ReplayMessage) -> bool:
    """Return whether a message is sent in a request of its own, past the client's batches and their order."""
    return len(outgoing.payload) > SURELY_TAKEN_BYTES or not RESERVED.isdisjoint(outgoing.attributes)


class LetterTopic(ReplayTopic):
    """A topic that exists, as a channel for messages."""

    def publish(self, outgoing: ReplayMessage) -> "Future[str]":
        """Send a message, with one attempt; one that `goes_alone` is settled when this returns."""
        if not goes_alone(outgoing):
            return super().publish(outgoing)
        request = self._request_of(outgoing)
        settled: Future[str] = Future()
        try:
            answer = PublisherClient.publish(self._client, request, retry=None, timeout=_ATTEMPT_SECONDS)
        except GoogleAPICallError as error:
            settled.set_exception(error)
        else:
            settled.set_result(answer.message_ids[0])
        return settled

    def check(self) -> None:
        """Raise a ConfigError if the topic does not exist or cannot be asked for."""
        try:
            super().check()
        except ConfigError as error:  # there is no --create here
            problem = error.problem.removesuffix("; --create creates it")
            raise ConfigError(error.flag, error.value, problem) from error
