"""Connect to Pub/Sub, check a subscription, and create one for a topic, before a local stream starts."""

import contextlib
import os
import uuid
from collections.abc import Iterator

import grpc
from google.api_core import exceptions
from google.auth.exceptions import DefaultCredentialsError
from google.cloud import pubsub_v1
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport

from telemetry.errors import ConfigError

_ANSWER_SECONDS = 10.0


@contextlib.contextmanager
def _explained(flag: str, name: str) -> Iterator[None]:
    try:
        yield
    except exceptions.NotFound as error:
        raise ConfigError(flag, name, "does not exist") from error
    except (exceptions.ServiceUnavailable, exceptions.RetryError, exceptions.DeadlineExceeded) as error:
        raise ConfigError(flag, name, "Pub/Sub does not answer (PUBSUB_EMULATOR_HOST, or the network)") from error
    except exceptions.GoogleAPICallError as error:
        raise ConfigError(flag, name, error.message or str(error)) from error


def connect(flag: str, name: str) -> pubsub_v1.SubscriberClient:
    """Return a client for the subscription or topic that a flag names.

    Raises:
        ConfigError: if there are no credentials for it.
    """
    emulator = os.environ.get("PUBSUB_EMULATOR_HOST")
    if emulator:  # the client's default channel to an emulator refuses pulls of more than 4 MiB
        channel = grpc.insecure_channel(emulator, options=[("grpc.max_receive_message_length", -1)])
        return pubsub_v1.SubscriberClient(transport=SubscriberGrpcTransport(channel=channel))
    try:
        return pubsub_v1.SubscriberClient()
    except DefaultCredentialsError as error:
        problem = "no credentials; set PUBSUB_EMULATOR_HOST, or run gcloud auth application-default login"
        raise ConfigError(flag, name, problem) from error


def check_subscription(client: pubsub_v1.SubscriberClient, name: str) -> bool:
    """Return whether an existing subscription delivers in order.

    Raises:
        ConfigError: if it does not exist or Pub/Sub does not answer.
    """
    with _explained("--subscription", name):
        found = client.get_subscription(subscription=name, retry=None, timeout=_ANSWER_SECONDS)
    return bool(found.enable_message_ordering)


def topic_of(client: pubsub_v1.SubscriberClient, name: str) -> str:
    """Return the full name of the topic of a subscription; "" if it is missing, or may not be read from here.

    A launcher may not be allowed to look at the subscription that its workers read.

    Raises:
        ConfigError: if Pub/Sub does not answer.
    """
    with _explained("--subscription", name):
        try:
            found = client.get_subscription(subscription=name, retry=None, timeout=_ANSWER_SECONDS)
        except (exceptions.NotFound, exceptions.PermissionDenied):
            return ""
    return str(found.topic)


def create_subscription(client: pubsub_v1.SubscriberClient, topic: str, known: str = "") -> str:
    """Return the name of an ordered subscription of a topic: one that is known and still there, or a new one.

    Raises:
        ConfigError: if the topic does not exist or Pub/Sub does not answer.
    """
    with _explained("--topic", topic):
        if known:
            with contextlib.suppress(exceptions.NotFound):
                client.get_subscription(subscription=known, retry=None, timeout=_ANSWER_SECONDS)
                return known
        name = str(client.subscription_path(topic.split("/")[1], f"pipeline-{uuid.uuid4().hex[:12]}"))
        client.create_subscription(
            request={"name": name, "topic": topic, "ack_deadline_seconds": 60, "enable_message_ordering": True},
            retry=None,
            timeout=_ANSWER_SECONDS,
        )
    return name


def delete_subscription(client: pubsub_v1.SubscriberClient, name: str) -> None:
    """Delete a subscription that is not needed any more, if the service lets us."""
    with contextlib.suppress(exceptions.GoogleAPICallError):
        client.delete_subscription(subscription=name)
