"""Answers of MQTT brokers that Mosquitto does not give, by a broker that sends prepared packets."""

import contextlib
import queue
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future

import pytest

from publisher.bridge.address import BrokerAddress, BrokerLogin
from publisher.bridge.held_messages import HeldMessages, MqttMessage
from publisher.bridge.mqtt_receiver import MqttReceiver
from publisher.bridge.mqtt_settings import MqttSettings, MqttVersion, TakenOverError
from publisher.bridge.session import BridgePlan, BridgeSession
from publisher.bridge.topic_pattern import parse_pattern
from publisher.replay.message_builder import ReplayMessage
from telemetry.errors import ConfigError
from tests.support.mqtt_packets import CONNACK_3, CONNACK_5, SUBACK_3, SUBACK_5, answering, publish_packet

DISCONNECT = b"\xe0\x01"  # + reason
Answers = Callable[..., MqttSettings]


@pytest.fixture
def answers() -> Iterator[Answers]:
    """Starts a broker that sends one answer for each packet it gets, and then reads on."""
    with contextlib.ExitStack() as stack:

        def start(*packets: bytes, version: MqttVersion = "5", most: int = 100) -> MqttSettings:
            address = BrokerAddress("mqtt", "127.0.0.1", stack.enter_context(answering(*packets)))
            return MqttSettings(address, BrokerLogin(None, None, None), "id", "a", version, most)

        yield start


def problem_of(settings: MqttSettings) -> str:
    """Return the problem for which a receiver cannot begin, or ends."""
    ended = threading.Event()
    with pytest.raises(ConfigError) as raised, MqttReceiver(settings, HeldMessages(9), print, print) as receiver:
        receiver.on_end(ended.set)
        assert ended.wait(60)
        receiver.check()
    assert raised.value.value == settings.address
    return raised.value.problem


@pytest.mark.parametrize(
    ("packets", "version", "problem"),
    [
        ([b"\x20\x03\x00\x84\x00"], "5", "does not speak MQTT 5; try --mqtt-version 3.1.1"),
        ([b"\x20\x02\x00\x01"], "5", "does not speak MQTT 5; try --mqtt-version 3.1.1"),
        ([b"\x20\x02\x00\x02"], "3.1.1", "refuses the client: Client identifier not valid"),
        ([b"\x20\x02\x00\x04"], "3.1.1",
         "refuses the client: Bad user name or password (MQTT_USERNAME and MQTT_PASSWORD)"),
        ([CONNACK_5, SUBACK_5 + b"\x87"], "5", "refuses the subscription to a: Not authorized"),
        ([CONNACK_3, SUBACK_3 + b"\x80"], "3.1.1", "refuses the subscription to a: Unspecified error"),
        ([CONNACK_5, SUBACK_5 + b"\x00"], "5", "grants a with QoS 0, which may lose messages"),
        ([b"\x00\x00"], "5", "does not answer like an MQTT broker; if it is an old one, try --mqtt-version 3.1.1"),
        ([b"\x00\x00"], "3.1.1", "does not answer like an MQTT broker"),
    ],
)  # fmt: skip
def test_refusals_are_told_in_one_line(
    packets: list[bytes], version: MqttVersion, problem: str, answers: Answers
) -> None:
    assert problem_of(answers(*packets, version=version)) == problem


def test_a_session_that_is_taken_over_ends_the_bridge(answers: Answers) -> None:
    ended = threading.Event()
    settings = answers(CONNACK_5, SUBACK_5 + b"\x01" + DISCONNECT + b"\x8e")
    with MqttReceiver(settings, HeldMessages(9), print, print) as receiver:
        receiver.on_end(ended.set)
        assert ended.wait(60)
        with pytest.raises(TakenOverError, match="another client has taken over the session id: --client-id must be"):
            receiver.check()


def test_no_more_messages_are_read_than_may_be_held(answers: Answers) -> None:
    """The broker of this test sends all at once, as one may with MQTT 3.1.1."""
    many = b"".join(publish_packet(number + 1, b"%d" % number) for number in range(100))
    settings = answers(CONNACK_3, SUBACK_3 + b"\x01" + many, version="3.1.1", most=10)
    held, inbox = HeldMessages(settings.most_messages), queue.SimpleQueue[MqttMessage]()
    with MqttReceiver(settings, held, inbox.put, print) as receiver:
        for start in range(0, 100, 10):
            ten = [inbox.get(timeout=60) for _ in range(10)]
            assert [one.payload for one in ten] == [b"%d" % number for number in range(start, start + 10)]
            assert (inbox.empty(), receiver.received, held.is_full) == (True, start + 10, True)
            for one in ten:
                held.settle(one.sequence)
            receiver.wake()


def test_a_broker_that_has_sent_all_it_may_is_still_heard(answers: Answers) -> None:
    """Its answers to pings keep the connection; here it is the end of the session that is heard."""
    many = b"".join(publish_packet(number + 1, b"%d" % number, "5") for number in range(10))
    settings = answers(CONNACK_5, SUBACK_5 + b"\x01" + many + DISCONNECT + b"\x8e", most=10)
    ended = threading.Event()
    with MqttReceiver(settings, HeldMessages(settings.most_held), print, print) as receiver:
        receiver.on_end(ended.set)
        assert ended.wait(60)
        assert receiver.received == 10


class Deaf:
    """A channel that takes some messages only when there are enough of them.

    Attributes:
        most: the largest number of messages that waited at a time.
    """

    def __init__(self, count: int) -> None:
        self.count, self.most = count, 0
        self._waiting: list[Future[str]] = []

    def publish(self, message: ReplayMessage) -> "Future[str]":
        found: Future[str] = Future()
        self._waiting.append(found)
        self.most = max(self.most, len(self._waiting))
        if len(self._waiting) == self.count:
            threading.Thread(target=self._answer, args=(self._waiting,)).start()
            self._waiting = []
        return found

    def _answer(self, waiting: list["Future[str]"]) -> None:
        for one in waiting:
            one.set_result("id")

    def resume(self, ordering_key: str) -> None: ...


def test_what_pubsub_has_not_taken_is_bounded(answers: Answers) -> None:
    many = b"".join(publish_packet(number + 1, b"%d" % number) for number in range(100))
    settings = answers(CONNACK_3, SUBACK_3 + b"\x01" + many, version="3.1.1", most=10)
    channel = Deaf(10)
    session = BridgeSession(settings, BridgePlan(parse_pattern("a"), "run", limit=100), channel, None, print)
    session.run()
    assert (session.error, session.sender.messages, channel.most) == ("", 100, 10)
