"""Messages on their way to a topic: with a topic that does as it is told, then with real servers."""

import itertools
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import grpc
import pytest
from google.api_core import exceptions
from google.pubsub_v1 import PublishRequest, PubsubMessage

from telemetry.errors import ConfigError
from telemetry.pubsub import client, outbox
from telemetry.pubsub.client import check_topic, send_request
from telemetry.pubsub.messages import OutboxMessage, Settled, cut_text
from telemetry.pubsub.outbox import Outbox
from tests.support.pubsub_fixtures import PROJECT, PubSub, embedded_broker, official_emulator, pubsub

__all__ = ["embedded_broker", "official_emulator", "pubsub"]  # fixtures, found by name
TOPIC = f"{PROJECT}/topics/alerts"
LONG_US = 10**12
PASSING = [
    exceptions.ServiceUnavailable,
    exceptions.DeadlineExceeded,
    exceptions.InternalServerError,
    exceptions.Unknown,
    exceptions.Aborted,
    exceptions.ResourceExhausted,
    exceptions.Cancelled,
]
FINAL = [exceptions.NotFound, exceptions.PermissionDenied, exceptions.Unauthenticated, exceptions.FailedPrecondition]


def error_of(kind: type[exceptions.GoogleAPICallError], text: str = "as told") -> exceptions.GoogleAPICallError:
    """The error as the client raises it."""
    code = kind.grpc_status_code
    assert code is not None
    return exceptions.from_grpc_status(code, text)


class Server:
    """A topic that takes requests, or fails as `answer` says, and a clock that moves when somebody sleeps."""

    def __init__(self, answer: Callable[[int, Sequence[bytes]], Exception | None] = lambda *_: None) -> None:
        self.answer = answer
        self.attempts: list[list[bytes]] = []
        self.taken: list[list[bytes]] = []
        self.now = 1000.0
        self.pauses: list[float] = []
        self.lock = threading.Lock()

    def send(self, topic: str, messages: Sequence[OutboxMessage]) -> None:
        assert topic == TOPIC
        data = [message.data for message in messages]
        with self.lock:
            self.attempts.append(data)
            error = self.answer(len(self.attempts), data)
            if error is not None:
                raise error
            self.taken.append(data)

    def sleep(self, seconds: float) -> None:
        with self.lock:
            self.pauses.append(round(seconds, 6))
            self.now += seconds

    def all_taken(self) -> list[bytes]:
        return sorted(itertools.chain.from_iterable(self.taken))

    def outbox(self, flush_us: int = LONG_US, patience_s: float = 30.0) -> Outbox:
        policy = replace(outbox.RETRIES, patience_s=patience_s)
        return Outbox(TOPIC, flush_us, policy, self.send, lambda: self.now, self.sleep)


def messages_of(*data: bytes) -> list[OutboxMessage]:
    return [OutboxMessage(one, {}) for one in data]


def numbered(count: int) -> list[OutboxMessage]:
    return messages_of(*(b"%05d" % n for n in range(count)))


def total(settled: Iterator[Settled]) -> tuple[int, list[tuple[bytes, str]]]:
    """Return the number of messages taken, and the refused ones in order."""
    taken, refused = 0, []
    for one in settled:
        taken += one.taken
        refused += [(message.data, cause) for message, cause in one.refused]
    return taken, sorted(refused)


def deliver(server: Server, *data: bytes, patience_s: float = 30.0) -> tuple[int, list[tuple[bytes, str]]]:
    outbox = server.outbox(patience_s=patience_s)
    outbox.add(messages_of(*data))
    return total(outbox.finish())


# Requests


def test_a_request_holds_at_most_a_thousand_messages():
    server = Server()
    outbox = server.outbox()
    outbox.add(numbered(2_500))
    assert total(outbox.finish()) == (2_500, [])
    assert sorted(map(len, server.taken)) == [500, 1_000, 1_000]
    assert server.all_taken() == [message.data for message in numbered(2_500)]


def test_a_request_holds_at_most_nine_million_bytes_or_one_message():
    server = Server()
    sizes = [4_000_000, 4_000_000, 2_000_000, 9_500_000, 1]
    deliver(server, *(b"x" * size for size in sizes))
    assert sorted([len(data) for data in request] for request in server.taken) == [
        [1],
        [2_000_000],
        [4_000_000, 4_000_000],
        [9_500_000],
    ]


def test_attributes_count_as_bytes():
    server = Server()
    outbox = server.outbox()
    outbox.add([OutboxMessage(b"x", {str(n): "é" * 500 for n in range(90)})] * 200)  # 90 KB each
    assert total(outbox.finish()) == (200, [])
    assert sorted(map(len, server.taken)) == [4, 98, 98]


@pytest.mark.parametrize(
    "message",
    [
        OutboxMessage(b"", {"a": ""}),
        OutboxMessage(b"x" * 300, {"rule_id": "r" * 200, "device": "é" * 512}),
        OutboxMessage(b"x" * 9_000_000, {str(n): "\U0001f600" * 256 for n in range(100)}),
    ],
)
def test_the_size_of_a_message_is_never_underestimated(message):
    pb = PublishRequest.pb()(messages=[PubsubMessage.pb()(data=message.data, attributes=message.attributes)])
    assert 0 <= message.size - pb.ByteSize() < 30 + 10 * len(message.attributes)


def test_messages_wait_for_a_full_request_only_so_long():
    server = Server()
    outbox = server.outbox(flush_us=100_000)
    outbox.add(messages_of(b"a"))
    server.now += 0.09
    outbox.add(messages_of(b"b"))
    server.now += 0.02
    outbox.add(messages_of(b"c"))
    assert total(wait_for(outbox)) == (3, [])
    assert server.taken == [[b"a", b"b", b"c"]]
    outbox.add(messages_of(b"d"))  # waits anew
    assert total(outbox.finish()) == (1, [])
    assert server.taken == [[b"a", b"b", b"c"], [b"d"]]


def wait_for(outbox: Outbox) -> Iterator[Settled]:
    """Return the outcomes as soon as there are any, before the end."""
    until = time.monotonic() + 20
    while not (settled := list(outbox.settled())):
        assert time.monotonic() < until, "nothing settled"
        time.sleep(0.001)
    return iter(settled)


def test_without_messages_there_is_no_request():
    server = Server()
    outbox = server.outbox(flush_us=0)
    outbox.add([])
    assert [*outbox.settled(), *outbox.finish()] == []
    assert server.attempts == []


def test_four_requests_are_in_flight_and_no_more():
    together, busy = threading.Barrier(4, timeout=20), threading.Semaphore(4)

    def send(_: str, messages: Sequence[OutboxMessage]) -> None:
        assert busy.acquire(blocking=False), "a fifth request"
        together.wait()
        busy.release()

    outbox = Outbox(TOPIC, 0, send=send)
    for message in numbered(12):
        outbox.add([message])
    assert total(outbox.finish()) == (12, [])


def test_what_waits_for_answers_is_bounded():
    read = sent = most = 0
    together = threading.Barrier(4, timeout=20)

    def large_ones() -> Iterator[OutboxMessage]:
        nonlocal read
        for _ in range(40):
            read += 1
            yield OutboxMessage(b"x" * 5_000_000, {})

    def send(_: str, messages: Sequence[OutboxMessage]) -> None:
        nonlocal sent, most
        together.wait()
        with lock:
            most = max(most, read - sent)
            sent += len(messages)

    lock = threading.Lock()
    outbox = Outbox(TOPIC, LONG_US, send=send)
    outbox.add(large_ones())
    assert total(outbox.finish()) == (40, [])
    assert most <= 4 + 2  # in flight, about to be sent, just read


# Failures


@pytest.mark.parametrize("kind", PASSING)
def test_a_passing_failure_is_tried_again_after_growing_pauses(kind):
    server = Server(lambda attempt, _: error_of(kind) if attempt <= 7 else None)
    assert deliver(server, b"a", b"b") == (2, [])
    assert server.attempts == [[b"a", b"b"]] * 8
    assert server.pauses == [0.1, 0.2, 0.4, 0.8, 1.6, 2.0, 2.0]


def test_patience_ends():
    server = Server(lambda *_: error_of(exceptions.ServiceUnavailable, "down\nfor  good"))
    cause = "UNAVAILABLE: down for good"
    assert deliver(server, b"a", b"b", patience_s=1.0) == (0, [(b"a", cause), (b"b", cause)])
    assert server.pauses == [0.1, 0.2, 0.4, 0.3]
    assert len(server.attempts) == 5


def test_when_patience_has_ended_the_others_get_one_attempt_until_one_succeeds():
    healthy = threading.Event()
    server = Server(lambda *_: None if healthy.is_set() else error_of(exceptions.ServiceUnavailable))
    outbox = server.outbox(flush_us=0, patience_s=1.0)
    outbox.add(messages_of(b"a"))
    assert total(wait_for(outbox)) == (0, [(b"a", "UNAVAILABLE: as told")])
    outbox.add(messages_of(b"b"))
    assert total(wait_for(outbox)) == (0, [(b"b", "UNAVAILABLE: as told")])
    assert server.attempts == [[b"a"]] * 5 + [[b"b"]]
    healthy.set()
    outbox.add(messages_of(b"c"))
    assert total(wait_for(outbox)) == (1, [])
    healthy.clear()
    outbox.add(messages_of(b"d"))
    assert total(outbox.finish()) == (0, [(b"d", "UNAVAILABLE: as told")])
    assert server.attempts[6:] == [[b"c"]] + [[b"d"]] * 5


@pytest.mark.parametrize("kind", FINAL)
def test_any_other_failure_is_final_for_its_request(kind):
    server = Server(lambda *_: error_of(kind))
    cause = f"{kind.grpc_status_code.name}: as told"
    assert deliver(server, b"a", b"b") == (0, [(b"a", cause), (b"b", cause)])
    assert server.attempts == [[b"a", b"b"]]
    assert server.pauses == []


@pytest.mark.parametrize("bad", [set(), {0}, {999}, {3, 4}, {0, 500, 999}, set(range(1000))])
def test_of_a_request_refused_for_its_content_only_what_is_wrong_is_refused(bad):
    wrong = {b"%05d" % n for n in bad}
    server = Server(lambda _, data: error_of(exceptions.InvalidArgument) if wrong & set(data) else None)
    outbox = server.outbox()
    outbox.add(numbered(1_000))
    taken, refused = total(outbox.finish())
    assert (taken, refused) == (1_000 - len(bad), [(data, "INVALID_ARGUMENT: as told") for data in sorted(wrong)])
    assert server.all_taken() == [one.data for one in numbered(1_000) if one.data not in wrong]
    assert server.pauses == []


def test_a_half_that_fails_for_a_passing_reason_is_tried_again():
    fails = iter([exceptions.InvalidArgument, exceptions.ServiceUnavailable])
    server = Server(lambda *_: error_of(kind) if (kind := next(fails, None)) else None)
    assert deliver(server, b"a", b"b") == (2, [])
    assert server.attempts == [[b"a", b"b"], [b"a"], [b"a"], [b"b"]]


def test_a_message_too_large_is_refused_before_it_is_sent():
    server = Server()
    large = b"x" * 10_000_001
    cause = "message data has 10000001 bytes; at most 10000000 are allowed"
    assert deliver(server, b"a", large, large[1:], b"b") == (3, [(large, cause)])
    assert sorted(map(len, server.all_taken())) == [1, 1, 10_000_000]


def test_a_defect_is_not_hidden():
    server = Server(lambda *_: ZeroDivisionError("defect"))
    with pytest.raises(ZeroDivisionError, match="defect"):
        deliver(server, b"a")


@pytest.mark.parametrize(
    ("text", "most", "cut"),
    [
        ("", 3, ""),
        ("abc", 3, "abc"),
        ("abcd", 3, "abc"),
        ("aé", 3, "aé"),
        ("aéb", 3, "aé"),
        ("abé", 3, "ab"),
        ("a\U0001f600", 4, "a"),
        ("a\U0001f600b", 5, "a\U0001f600"),
    ],
)
def test_a_text_is_cut_between_characters(text, most, cut):
    assert cut_text(text, most) == cut


# Real servers


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Let the client speak to an address, or to the real service."""
    return lambda address: monkeypatch.setenv("PUBSUB_EMULATOR_HOST", address)


@pytest.mark.xdist_group("emulator")  # one worker, so that Java starts once
class TestServers:
    def test_a_message_that_is_refused_among_others_leaves_them_whole(self, pubsub: PubSub, at):
        at(pubsub.address)
        topic = pubsub.new_topic()
        subscription = pubsub.new_subscription(topic)
        outbox = Outbox(topic, LONG_US)
        good = [OutboxMessage(b"%d\xff" % n, {"n": str(n), "empty": "", "é": "ü"}) for n in range(10)]
        outbox.add([*good[:7], OutboxMessage(b"", {}), *good[7:]])
        assert total(outbox.finish()) == (10, [(b"", "INVALID_ARGUMENT: Some messages are empty")])
        received = [one.message for one in pubsub.pull(subscription, 10)]
        found = sorted(((one.data, dict(one.attributes)) for one in received), key=lambda one: one[0])
        assert found == [(one.data, one.attributes) for one in good]
        assert {one.ordering_key for one in received} == {""}

    def test_a_topic_that_exists_is_fine(self, pubsub: PubSub, at):
        at(pubsub.address)
        check_topic("--alerts-topic", pubsub.new_topic())

    def test_a_topic_that_does_not_exist_is_named(self, pubsub: PubSub, at):
        at(pubsub.address)
        name = pubsub.new_name("topics")
        with pytest.raises(ConfigError) as raised:
            check_topic("--alerts-topic", name)
        assert str(raised.value) == f"--alerts-topic {name}: does not exist"


NO_ANSWER = f"--alerts-topic {TOPIC}: Pub/Sub does not answer (PUBSUB_EMULATOR_HOST, or the network)"


def test_where_nobody_listens_nobody_answers(at):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    at(f"127.0.0.1:{port}")
    with pytest.raises(ConfigError) as raised:
        check_topic("--alerts-topic", TOPIC)
    assert str(raised.value) == NO_ANSWER


def test_a_server_that_stays_silent_is_not_waited_for(at, monkeypatch):
    monkeypatch.setattr(client, "_ANSWER_S", 0.2)
    began = time.monotonic()
    with socket.create_server(("127.0.0.1", 0)) as server:
        at(f"127.0.0.1:{server.getsockname()[1]}")
        with pytest.raises(ConfigError) as raised:
            check_topic("--alerts-topic", TOPIC)
    assert str(raised.value) == NO_ANSWER
    assert time.monotonic() - began < 10  # gRPC itself gives a connection up after 20 s


def test_without_credentials_there_is_a_way_out(at, monkeypatch, tmp_path):
    at("")
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "missing.json"))
    with pytest.raises(ConfigError) as raised:
        check_topic("--alerts-topic", TOPIC)
    problem = "no credentials; set PUBSUB_EMULATOR_HOST, or run gcloud auth application-default login"
    assert str(raised.value) == f"--alerts-topic {TOPIC}: {problem}"


@pytest.fixture
def refusing(at) -> Iterator[Callable[[grpc.StatusCode], None]]:
    """A server that answers everything with a status, which is to be given."""
    status: list[grpc.StatusCode] = []

    class Refuse(grpc.GenericRpcHandler):
        def service(self, _: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
            return grpc.unary_unary_rpc_method_handler(lambda _, context: context.abort(status[0], "as told"))

    server = grpc.server(ThreadPoolExecutor(1), handlers=(Refuse(),))
    at(f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}")
    server.start()
    yield status.append
    server.stop(None).wait()


def test_a_topic_that_may_be_published_to_and_not_looked_at_is_fine(refusing):
    refusing(grpc.StatusCode.PERMISSION_DENIED)
    check_topic("--alerts-topic", TOPIC)


def test_what_else_pubsub_says_is_passed_on(refusing):
    refusing(grpc.StatusCode.UNAUTHENTICATED)
    with pytest.raises(ConfigError) as raised:
        check_topic("--alerts-topic", TOPIC)
    assert str(raised.value) == f"--alerts-topic {TOPIC}: as told"


@pytest.mark.parametrize("kind", [*PASSING, *FINAL, exceptions.InvalidArgument])
def test_a_failure_is_the_error_of_its_status(kind, refusing):
    refusing(kind.grpc_status_code)
    with pytest.raises(exceptions.GoogleAPICallError) as raised:
        send_request(TOPIC, messages_of(b"a"))
    assert raised.value.grpc_status_code == kind.grpc_status_code


def test_a_process_has_one_client_for_each_address(at, monkeypatch):
    made = []
    monkeypatch.setattr(client, "_CLIENTS", {})

    def connect(address: str) -> object:
        made.append(address)
        time.sleep(0.01)  # so that others ask while this one connects
        return object()

    monkeypatch.setattr(client, "_connect", connect)
    at("127.0.0.1:1")
    with ThreadPoolExecutor(8) as pool:
        first = set(pool.map(lambda _: client._client(), range(32)))
    at("127.0.0.1:2")
    assert len(first) == 1
    assert client._client() not in first
    assert made == ["127.0.0.1:1", "127.0.0.1:2"]
