"""Check, create and publish to a topic with the official client."""

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

from publisher.replay.message_builder import ReplayMessage
from telemetry.errors import ConfigError
from telemetry.model.messages import MAX_MESSAGE_BYTES

_RESPONSE_TIMEOUT_S: Final = 10.0
_PUBLISH_TIMEOUT_S: Final = 30.0
_BATCH: Final = pubsub_v1.types.BatchSettings(max_messages=1000, max_bytes=4 << 20, max_latency=0.01)
ACK_DEADLINE_S: Final = 60
ALWAYS_FITTING_BYTES: Final = MAX_MESSAGE_BYTES - 200_000
"""Largest payload that fits in a request whatever its attributes."""


class ReplayTopic:
    """A topic as a `PublishChannel`."""

    def __init__(self, name: str, ordered: bool) -> None:
        """Create the client.

        Args:
            name: ``projects/P/topics/T``.
            ordered: whether messages carry ordering keys.

        Raises:
            ConfigError: if there are no credentials.
        """
        # MessageSender bounds the messages in flight; unlike the client, its waits can be stopped.
        options = pubsub_v1.types.PublisherOptions(enable_message_ordering=ordered)
        try:
            self._client = pubsub_v1.PublisherClient(batch_settings=_BATCH, publisher_options=options)
        except DefaultCredentialsError as error:
            problem = "no credentials; set PUBSUB_EMULATOR_HOST, or run gcloud auth application-default login"
            raise ConfigError("--topic", name, problem) from error
        self._name = name

    def publish(self, message: ReplayMessage) -> "Future[str]":
        """Send a message in one attempt.

        Raises:
            MessageTooLargeError: if the message is larger than a request may be.
        """
        if len(message.payload) > ALWAYS_FITTING_BYTES:
            self._request_of(message)
        future: Future[str] = self._client.publish(
            self._name,
            message.payload,
            message.ordering_key,
            retry=None,
            timeout=_PUBLISH_TIMEOUT_S,
            **message.attributes,
        )
        return future

    def _request_of(self, message: ReplayMessage) -> PublishRequest:
        """Return a request with a single message.

        The size is checked here, because the client (2.44) can block an ordering key after a message that is too large:
        the empty batch that it opened for the message stays first in the queue of the key.

        Raises:
            MessageTooLargeError: if the request is too large.
        """
        request = PublishRequest.pb()(topic=self._name)
        request.messages.add(data=message.payload, attributes=message.attributes, ordering_key=message.ordering_key)
        size = request.ByteSize()
        if size > MAX_MESSAGE_BYTES:
            raise MessageTooLargeError(f"a request of {size} bytes; at most {MAX_MESSAGE_BYTES} are allowed")
        return PublishRequest.wrap(request)

    def resume(self, ordering_key: str) -> None:
        """Accept messages of an ordering key again after one of them failed."""
        # A future fails shortly before the client pauses its key; a message sent in between fails and is retried.
        with contextlib.suppress(RuntimeError):
            self._client.resume_publish(self._name, ordering_key)

    def close(self) -> None:
        """Stop the client's threads."""
        self._client.stop()

    def check(self) -> None:
        """Check that the topic exists.

        Raises:
            ConfigError: if the topic does not exist or cannot be read.
        """
        with _config_errors("--topic", self._name):
            self._client.get_topic(topic=self._name, retry=None, timeout=_RESPONSE_TIMEOUT_S)

    def create(self) -> None:
        """Create the topic unless it exists.

        Raises:
            ConfigError: if the topic cannot be created.
        """
        with _config_errors("--topic", self._name), contextlib.suppress(exceptions.AlreadyExists):
            self._client.create_topic(name=self._name, retry=None, timeout=_RESPONSE_TIMEOUT_S)


def create_subscription(name: str, topic: str, ordered: bool) -> None:
    """Create a subscription unless it exists.

    Raises:
        ConfigError: if it cannot be created, belongs to another topic, or is not ordered although `ordered` is set.
    """
    request = {
        "name": name,
        "topic": topic,
        "ack_deadline_seconds": ACK_DEADLINE_S,
        "enable_message_ordering": ordered,
    }
    with pubsub_v1.SubscriberClient() as client, _config_errors("--subscription", name):
        try:
            client.create_subscription(request=request, retry=None, timeout=_RESPONSE_TIMEOUT_S)
        except exceptions.AlreadyExists:
            found = client.get_subscription(subscription=name, retry=None, timeout=_RESPONSE_TIMEOUT_S)
            if found.topic != topic:
                raise ConfigError("--subscription", name, f"already exists and is attached to {found.topic}") from None
            if ordered and not found.enable_message_ordering:
                problem = "already exists without message ordering; use another name"
                raise ConfigError("--subscription", name, problem) from None


@contextlib.contextmanager
def _config_errors(flag: str, name: str) -> Iterator[None]:
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
