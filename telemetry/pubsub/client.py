"""Publish requests and ask for topics through one Pub/Sub client for each process."""

import contextlib
import os
import threading
from collections.abc import Iterator, Sequence
from typing import Final

import grpc
from google.api_core import exceptions
from google.auth.exceptions import DefaultCredentialsError
from google.pubsub_v1 import PublisherClient, PublishRequest
from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport

from telemetry.errors import ConfigError
from telemetry.pubsub.messages import OutboxMessage

_ANSWER_S: Final = 10.0
_ATTEMPT_S: Final = 30.0
_RECONNECT: Final = [("grpc.initial_reconnect_backoff_ms", 200), ("grpc.max_reconnect_backoff_ms", 1_000)]
_CLIENTS: Final[dict[str, PublisherClient]] = {}
_LOCK: Final = threading.Lock()


def check_topic(flag: str, name: str) -> None:
    """Check that a topic that will be published to exists.

    Raises:
        ConfigError: if it does not exist, Pub/Sub does not answer or there are no credentials.
    """
    # A service account with the role pubsub.publisher may publish to a topic, but not get it.
    with _explained(flag, name), contextlib.suppress(exceptions.PermissionDenied):
        _client().get_topic(topic=name, retry=None, timeout=_ANSWER_S)


def send_request(topic: str, messages: Sequence[OutboxMessage]) -> None:
    """Publish messages to a topic in one request, with one attempt, through this process's client.

    Raises:
        GoogleAPICallError: if they are not taken.
    """
    request = PublishRequest.pb()(topic=topic)
    for message in messages:
        request.messages.add(data=message.data, attributes=message.attributes)
    _client().publish(request=PublishRequest.wrap(request), retry=None, timeout=_ATTEMPT_S)


def _client() -> PublisherClient:
    """Return this process's client of Pub/Sub, or of the emulator of that address."""
    address = os.environ.get("PUBSUB_EMULATOR_HOST", "")
    with _LOCK:
        if address not in _CLIENTS:
            _CLIENTS[address] = _connect(address)
        return _CLIENTS[address]


def _connect(address: str) -> PublisherClient:
    if not address:
        return PublisherClient()
    channel = grpc.insecure_channel(address, _RECONNECT)  # the default of 120 s is too long after a restart
    return PublisherClient(transport=PublisherGrpcTransport(channel=channel))


@contextlib.contextmanager
def _explained(flag: str, name: str) -> Iterator[None]:
    try:
        yield
    except DefaultCredentialsError as error:
        problem = "no credentials; set PUBSUB_EMULATOR_HOST, or run gcloud auth application-default login"
        raise ConfigError(flag, name, problem) from error
    except exceptions.NotFound as error:
        raise ConfigError(flag, name, "does not exist") from error
    except (exceptions.ServiceUnavailable, exceptions.DeadlineExceeded) as error:
        raise ConfigError(flag, name, "Pub/Sub does not answer (PUBSUB_EMULATOR_HOST, or the network)") from error
    except exceptions.GoogleAPICallError as error:
        raise ConfigError(flag, name, error.message or str(error)) from error
