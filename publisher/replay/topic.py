"""The topic that is published to: found or created, and the official client on it."""

import contextlib
import os
from collections.abc import Iterator
from concurrent.futures import Future
from typing import Final

from google.api_core import exceptions
from google.auth.exceptions import DefaultCredentialsError
from google.cloud import pubsub_v1
from google.cloud.pubsub_v1.publisher.exceptions import MessageTooLargeError
from google.pubsub_v1 import PublishRequest

from publisher.replay.payload import ReplayMessage
from telemetry.errors import ConfigError
from telemetry.model.messages import MAX_MESSAGE_BYTES

_ANSWER_SECONDS: Final = 10.0
_ATTEMPT_SECONDS: Final = 30.0
_BATCH: Final = pubsub_v1.types.BatchSettings(max_messages=1000, max_bytes=4 << 20, max_latency=0.01)
ACK_DEADLINE_S: Final = 60
SURELY_TAKEN_BYTES: Final = MAX_MESSAGE_BYTES - 200_000
"""Payload that fits into a request with any attributes."""


class ReplayTopic:
    """A topic as a channel for messages."""

    def __init__(self, name: str, ordered: bool) -> None:
        """Connect.

        Args:
            name: ``projects/P/topics/T``.
            ordered: whether messages carry ordering keys.

        Raises:
            ConfigError: if there are no credentials.
        """
        # What is outstanding is bounded by Delivery, which knows how to wait and be stopped.
        options = pubsub_v1.types.PublisherOptions(enable_message_ordering=ordered)
        try:
            self._client = pubsub_v1.PublisherClient(batch_settings=_BATCH, publisher_options=options)
        except DefaultCredentialsError as error:
            problem = "no credentials; set PUBSUB_EMULATOR_HOST, or run gcloud auth application-default login"
            raise ConfigError("--topic", name, problem) from error
        self._name = name

    def publish(self, outgoing: ReplayMessage) -> "Future[str]":
        """Send a message, with one attempt.

        Raises:
            MessageTooLargeError: if no request can hold it.
        """
        if len(outgoing.payload) > SURELY_TAKEN_BYTES:
            self._request_of(outgoing)
        future: Future[str] = self._client.publish(
            self._name,
            outgoing.payload,
            outgoing.ordering_key,
            retry=None,
            timeout=_ATTEMPT_SECONDS,
            **outgoing.attributes,
        )
        return future

    def _request_of(self, outgoing: ReplayMessage) -> PublishRequest:
        """Return the request that holds a message alone.

        The client (2.44) checks the size, too, but after one that is too large it may never send what follows
        under the same ordering key: the batch it opened in vain stays the first in its line.
        """
        request = PublishRequest.pb()(topic=self._name)
        request.messages.add(data=outgoing.payload, attributes=outgoing.attributes, ordering_key=outgoing.ordering_key)
        size = request.ByteSize()
        if size > MAX_MESSAGE_BYTES:
            raise MessageTooLargeError(f"a request of {size} bytes; at most {MAX_MESSAGE_BYTES} are allowed")
        return PublishRequest.wrap(request)

    def resume(self, ordering_key: str) -> None:
        """Take messages of an ordering key again after one of them failed."""
        # A future fails a moment before its key is paused; what is sent in between fails and comes back here.
        with contextlib.suppress(RuntimeError):
            self._client.resume_publish(self._name, ordering_key)

    def close(self) -> None:
        """Stop the client's threads."""
        self._client.stop()

    def check(self) -> None:
        """Raise a ConfigError if the topic does not exist or cannot be asked for."""
        with _explained("--topic", self._name):
            self._client.get_topic(topic=self._name, retry=None, timeout=_ANSWER_SECONDS)

    def create(self) -> None:
        """Create the topic unless it exists.

        Raises:
            ConfigError: if that cannot be done.
        """
        with _explained("--topic", self._name), contextlib.suppress(exceptions.AlreadyExists):
            self._client.create_topic(name=self._name, retry=None, timeout=_ANSWER_SECONDS)


def create_subscription(name: str, topic: str, ordered: bool) -> None:
    """Create a subscription unless the topic has it already.

    Raises:
        ConfigError: if that cannot be done, or it belongs to another topic or does not deliver in order.
    """
    request = {
        "name": name,
        "topic": topic,
        "ack_deadline_seconds": ACK_DEADLINE_S,
        "enable_message_ordering": ordered,
    }
    with pubsub_v1.SubscriberClient() as client, _explained("--subscription", name):
        try:
            client.create_subscription(request=request, retry=None, timeout=_ANSWER_SECONDS)
        except exceptions.AlreadyExists:
            found = client.get_subscription(subscription=name, retry=None, timeout=_ANSWER_SECONDS)
            if found.topic != topic:
                raise ConfigError("--subscription", name, f"exists already and reads {found.topic}") from None
            if ordered and not found.enable_message_ordering:
                problem = "exists already and does not deliver in order; give --unordered or another name"
                raise ConfigError("--subscription", name, problem) from None


@contextlib.contextmanager
def _explained(flag: str, name: str) -> Iterator[None]:
    try:
        yield
    except exceptions.NotFound as error:
        raise ConfigError(flag, name, "does not exist; --create creates it") from error
    except (exceptions.ServiceUnavailable, exceptions.RetryError, exceptions.DeadlineExceeded) as error:
        where = os.environ.get("PUBSUB_EMULATOR_HOST")
        at = f"at PUBSUB_EMULATOR_HOST={where}" if where else "(the network, or PUBSUB_EMULATOR_HOST)"
        raise ConfigError(flag, name, f"Pub/Sub does not answer {at}") from error
    except exceptions.GoogleAPICallError as error:
        raise ConfigError(flag, name, error.message or str(error)) from error
