"""The broker as clients meet it: failures on demand, waking, stopping, and the command."""

import argparse
import contextlib
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from typing import Any

import grpc
import pytest
from google.api_core import exceptions
from google.pubsub_v1.types import PullRequest

from publisher.broker import Broker
from publisher.broker.command import add_arguments, run
from telemetry.errors import ConfigError
from tests.support.pubsub_fixtures import PubSub, clients, embedded_broker

__all__ = ["embedded_broker"]  # a fixture, found by name

COMMAND = """
import argparse, sys
from publisher.broker.command import add_arguments, run
parser = argparse.ArgumentParser()
add_arguments(parser)
sys.exit(run(parser.parse_args()))
"""


def _options(*flags: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return parser.parse_args(flags)


class TestFailPublish:
    def test_a_client_that_retries_loses_nothing(self):
        asked = []

        def every_third(number: int) -> grpc.StatusCode | None:
            asked.append(number)
            return grpc.StatusCode.UNAVAILABLE if number % 3 == 0 else None

        with Broker(fail_publish=every_third) as broker, clients(broker.address) as pubsub:
            topic = pubsub.new_topic()
            name = pubsub.new_subscription(topic)
            payloads = [b"%d" % i for i in range(8)]
            for data in payloads:  # one request each, so that two of them fail
                pubsub.publisher.publish(topic, data).result(timeout=20)
            assert [one.message.data for one in pubsub.pull(name, 8)] == payloads
        assert asked == list(range(1, 12))  # 8 messages, and 3, 6, 9 failed

    def test_a_permanent_failure_reaches_the_caller(self):
        def second(number: int) -> grpc.StatusCode | None:
            return grpc.StatusCode.INVALID_ARGUMENT if number == 2 else None

        with Broker(fail_publish=second) as broker, clients(broker.address) as pubsub:
            topic = pubsub.new_topic()
            name = pubsub.new_subscription(topic)
            pubsub.publisher.publish(topic, b"1").result(timeout=20)
            with pytest.raises(exceptions.InvalidArgument, match="Publish request 2 is made to fail"):
                pubsub.publisher.publish(topic, b"2").result(timeout=20)
            pubsub.publisher.publish(topic, b"3").result(timeout=20)
            assert [one.message.data for one in pubsub.pull(name, 2)] == [b"1", b"3"]


class TestWaiting:
    def test_a_message_reaches_a_waiting_pull_within_moments(self, embedded_broker: str):
        with clients(embedded_broker) as pubsub:
            topic = pubsub.new_topic()
            name = pubsub.new_subscription(topic)
            arrived: list[float] = []

            def pull() -> None:
                assert len(pubsub.pull_now(name, patience=30)) == 1
                arrived.append(time.monotonic())

            waiting = threading.Thread(target=pull)
            waiting.start()
            pubsub.publish(topic, b"1")
            published = time.monotonic()
            waiting.join(10)
            assert arrived[0] - published < 1.0

    def test_a_waiting_pull_gets_a_message_whose_lease_ends(self, embedded_broker: str):
        with clients(embedded_broker) as pubsub:
            topic = pubsub.new_topic()
            name = pubsub.new_subscription(topic)
            pubsub.publish(topic, b"1")
            ids = [one.ack_id for one in pubsub.pull(name, 1)]
            pubsub.subscriber.modify_ack_deadline(subscription=name, ack_ids=ids, ack_deadline_seconds=1)
            start = time.monotonic()
            assert [one.message.data for one in pubsub.pull_now(name, patience=20)] == [b"1"]
            assert 0.9 < time.monotonic() - start < 10

    def test_a_pull_nobody_waits_for_any_more_takes_no_lease(self, embedded_broker: str):
        with clients(embedded_broker) as pubsub:
            topic = pubsub.new_topic()
            name = pubsub.new_subscription(topic)
            with clients(embedded_broker) as gone:
                pull = gone.subscriber.transport.grpc_channel.unary_unary("/google.pubsub.v1.Subscriber/Pull")
                request = PullRequest.serialize(PullRequest(subscription=name, max_messages=1))
                with pytest.raises(grpc.FutureTimeoutError):
                    (waiting := pull.future(request)).result(timeout=0.2)
                waiting.cancel()
            pubsub.publish(topic, b"1")
            assert [one.message.data for one in pubsub.pull(name, 1, timeout=5)] == [b"1"]

    def test_stopping_ends_waiting_pulls_and_streams_and_frees_the_port(self):
        broker = Broker().start()
        with clients(broker.address) as pubsub:
            topic = pubsub.new_topic()
            name = pubsub.new_subscription(topic)
            stream = pubsub.subscriber.subscribe(name, lambda _: None)
            pulling = threading.Thread(target=_pull_until_stopped, args=(pubsub, name))
            pulling.start()
            start = time.monotonic()
            broker.stop()
            assert time.monotonic() - start < 5
            stream.cancel()
            pulling.join(10)
            assert not pulling.is_alive()
        host, port = broker.address.split(":")
        with Broker(host, int(port)) as again:
            assert again.address == broker.address


def _pull_until_stopped(pubsub: PubSub, name: str) -> None:
    # An empty answer, or a refusal if the pull began after the broker had stopped.
    with contextlib.suppress(exceptions.ServiceUnavailable, exceptions.Cancelled):
        pubsub.pull_now(name, patience=30)


def test_a_stream_leases_for_as_long_as_its_latest_request_says():
    with Broker() as broker, clients(broker.address) as pubsub:
        topic = pubsub.new_topic()
        name = pubsub.new_subscription(topic)
        requests: queue.Queue[dict[str, Any] | None] = queue.Queue()
        requests.put({"subscription": name, "stream_ack_deadline_seconds": 60})
        stream = pubsub.subscriber.streaming_pull(iter(requests.get, None), timeout=20)
        pubsub.publish(topic, b"1")
        (first,) = next(stream).received_messages
        assert 50 < _lease_left(broker, name) <= 60
        # The message given back in the same request tells when that request has been read.
        requests.put(
            {
                "stream_ack_deadline_seconds": 600,
                "modify_deadline_ack_ids": [first.ack_id],
                "modify_deadline_seconds": [0],
            }
        )
        (again,) = next(stream).received_messages
        assert again.message.message_id == first.message.message_id
        assert 590 < _lease_left(broker, name) <= 600
        requests.put(None)
        assert list(stream) == []


def _lease_left(broker: Broker, name: str) -> float:
    with broker._shared.locked() as model:
        (entry,) = model.subscription(name).backlog._entries.values()
    assert entry.deadline is not None
    return entry.deadline - time.monotonic()


@pytest.mark.parametrize("limit", [{"max_outstanding_messages": 2}, {"max_outstanding_bytes": 11}], ids=str)
def test_a_stream_holds_no_more_than_it_asked_for_until_it_acknowledges(embedded_broker: str, limit: dict[str, int]):
    with clients(embedded_broker) as pubsub:
        topic = pubsub.new_topic()
        name = pubsub.new_subscription(topic)
        pubsub.publish(topic, *(b"message %d" % i for i in range(5)))
        requests: queue.Queue[dict[str, Any] | None] = queue.Queue()
        requests.put({"subscription": name, "stream_ack_deadline_seconds": 60, **limit})
        stream = pubsub.subscriber.streaming_pull(iter(requests.get, None), timeout=20)
        held = next(stream).received_messages
        assert [one.message.data for one in held] == [b"message 0", b"message 1"]
        # Others get the rest, all but one; so the stream has not taken it.
        assert [one.message.data for one in pubsub.pull(name, 2)] == [b"message 2", b"message 3"]
        pubsub.acknowledge(name, held)  # by another call than the stream
        assert [one.message.data for one in next(stream).received_messages] == [b"message 4"]
        requests.put(None)
        assert list(stream) == []


@pytest.mark.parametrize(
    "fields",
    [
        {"filter": 'attributes.site = "lyon"'},
        {"enable_exactly_once_delivery": True},
        {"push_config": {"push_endpoint": "https://example.com"}},
        {"dead_letter_policy": {"dead_letter_topic": "projects/p/topics/dead"}},
    ],
    ids=lambda fields: next(iter(fields)),
)
def test_a_subscription_of_a_kind_the_broker_lacks_is_refused_by_name(embedded_broker: str, fields):
    with clients(embedded_broker) as pubsub:
        topic = pubsub.new_topic()
        with pytest.raises(exceptions.MethodNotImplemented, match=f"does not support {next(iter(fields))}$"):
            pubsub.new_subscription(topic, **fields)


def test_the_subscriptions_of_an_unknown_topic_are_not_found(embedded_broker: str):
    with clients(embedded_broker) as pubsub, pytest.raises(exceptions.NotFound, match="Topic not found"):
        pubsub.requests.list_topic_subscriptions(topic="projects/p/topics/unknown")


def test_a_message_over_the_limit_is_refused_with_the_reason(embedded_broker: str):
    with clients(embedded_broker) as pubsub:
        topic = pubsub.new_topic()
        with pytest.raises(exceptions.InvalidArgument, match="Message data has 10000001 bytes"):
            pubsub.publish(topic, bytes(10_000_001))


class TestCommand:
    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_it_says_where_it_listens_and_ends_on_a_signal(self, number: signal.Signals):
        command = [sys.executable, "-c", COMMAND, "--port", "0"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=_environment()) as process:
            assert process.stdout is not None
            ready = process.stdout.readline().split()
            usage = process.stdout.readline()
            assert ready[:3] == ["broker", "listening", "on"]
            assert f"export PUBSUB_EMULATOR_HOST={ready[3]}" in usage
            with clients(ready[3]) as pubsub:
                assert pubsub.new_topic()
            process.send_signal(number)
            assert process.wait(20) == 0

    def test_the_defaults_are_the_emulators(self):
        assert vars(_options()) == {"host": "127.0.0.1", "port": "8085"}

    def test_a_port_in_use_is_named(self):
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
            with pytest.raises(ConfigError, match=f"--port {port}: cannot listen on 127.0.0.1:{port}"):
                run(_options("--port", str(port)))

    def test_two_brokers_do_not_share_a_port(self):
        with Broker() as first, pytest.raises(ConfigError, match="is the port in use"):
            Broker(port=int(first.address.split(":")[1])).start()

    def test_a_port_out_of_range_is_named(self):
        with pytest.raises(ConfigError, match="--port 65536: must be a number from 0 to 65535"):
            run(_options("--port", "65536"))


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
