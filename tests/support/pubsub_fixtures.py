"""Pub/Sub for tests: the embedded broker, Google's emulator, and official clients for either."""

import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import grpc
import pytest
from google.api_core.exceptions import DeadlineExceeded
from google.cloud import pubsub_v1
from google.pubsub_v1 import PublisherClient
from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport

from benchmarks.torture.servers import OFFICIAL, emulator_command, emulator_script, serving
from publisher.broker import Broker
from tests.support import needs

PROJECT = "projects/telemetry-test"
_UNLIMITED = [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)]


@dataclass(frozen=True)
class PubSub:
    """Official clients of one server, and names nobody else uses.

    Attributes:
        address: ``host:port``.
        requests: the generated client, one call per request.
        publisher: the client with batches and retries; its channel is that of `requests`.
        subscriber: the client with streaming pull.
    """

    address: str
    requests: PublisherClient
    publisher: pubsub_v1.PublisherClient
    subscriber: pubsub_v1.SubscriberClient

    def new_name(self, collection: str) -> str:
        """A fresh name in `collection`, which is ``topics`` or ``subscriptions``."""
        return f"{PROJECT}/{collection}/t-{uuid.uuid4().hex}"

    def new_topic(self) -> str:
        """Create a topic."""
        return str(self.requests.create_topic(name=self.new_name("topics")).name)

    def new_subscription(self, topic: str, **fields: Any) -> str:
        """Create a subscription to `topic`."""
        request = {"name": self.new_name("subscriptions"), "topic": topic, **fields}
        return str(self.subscriber.create_subscription(request=request).name)

    def publish(
        self, topic: str, *payloads: bytes, key: str = "", attributes: Mapping[str, str] | None = None
    ) -> list[str]:
        """Publish in one request; return the ids."""
        messages = [{"data": data, "ordering_key": key, "attributes": attributes or {}} for data in payloads]
        return list(self.requests.publish(topic=topic, messages=messages).message_ids)

    def pull(self, subscription: str, count: int, timeout: float = 60.0) -> list[Any]:
        """Pull until there are `count` messages, without acknowledging; fail if there are fewer."""
        received: list[Any] = []
        until = time.monotonic() + timeout
        while len(received) < count:
            assert time.monotonic() < until, f"{len(received)} of {count} messages after {timeout} s"
            received += self.pull_now(subscription, count - len(received))
        return received

    def pull_now(self, subscription: str, most: int = 1000, patience: float = 2.0) -> list[Any]:
        """Pull once; nothing within `patience` seconds means nothing."""
        request = {"subscription": subscription, "max_messages": most}
        try:
            return list(self.subscriber.pull(request=request, timeout=patience, retry=None).received_messages)
        except DeadlineExceeded:
            return []

    def acknowledge(self, subscription: str, received: Sequence[Any]) -> None:
        """Acknowledge what `pull` returned."""
        self.subscriber.acknowledge(subscription=subscription, ack_ids=[one.ack_id for one in received])

    def nack(self, subscription: str, received: Sequence[Any]) -> None:
        """Give back what `pull` returned."""
        ack_ids = [one.ack_id for one in received]
        self.subscriber.modify_ack_deadline(subscription=subscription, ack_ids=ack_ids, ack_deadline_seconds=0)


@contextmanager
def clients(address: str, ordered: bool = True) -> Iterator[PubSub]:
    """Give clients of the server at `address`; their channels are closed afterwards."""
    with grpc.insecure_channel(address, _UNLIMITED) as up, grpc.insecure_channel(address, _UNLIMITED) as down:
        transport = PublisherGrpcTransport(channel=up)
        options = pubsub_v1.types.PublisherOptions(enable_message_ordering=ordered)
        yield PubSub(
            address=address,
            requests=PublisherClient(transport=transport),
            publisher=pubsub_v1.PublisherClient(transport=transport, publisher_options=options),
            subscriber=pubsub_v1.SubscriberClient(transport=SubscriberGrpcTransport(channel=down)),
        )


@pytest.fixture
def embedded_broker() -> Iterator[str]:
    """The address of a broker of our own."""
    with Broker() as broker:
        yield broker.address


@pytest.fixture(scope="session")
def official_emulator() -> Iterator[str]:
    """The address of Google's emulator; skips where it is not installed."""
    script = emulator_script()
    if script is None:
        needs.PUBSUB_EMULATOR.skip()
    needs.JAVA.path()
    with serving(OFFICIAL, emulator_command(script)) as address:
        yield address


@pytest.fixture(params=["embedded_broker", pytest.param("official_emulator", marks=pytest.mark.official_emulator)])
def pubsub(request: pytest.FixtureRequest) -> Iterator[PubSub]:
    """Clients of the embedded broker, then of Google's emulator."""
    with clients(request.getfixturevalue(request.param)) as pubsub:
        yield pubsub
