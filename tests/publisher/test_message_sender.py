"""Retries of messages through a channel that fails in all possible ways."""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from google.api_core import exceptions
from google.cloud.pubsub_v1.publisher.exceptions import MessageTooLargeError, PublishToPausedOrderingKeyException

from publisher.replay import message_sender as module
from publisher.replay.message_builder import ReplayMessage
from publisher.replay.message_sender import MessageSender, PublishError
from telemetry.retries import RetryPolicy

Verdict = Callable[[ReplayMessage, int], BaseException | None]
UNAVAILABLE: BaseException = exceptions.ServiceUnavailable("down")


def message(sequence: int, key: str = "run", size: int = 10, rows: int = 2) -> ReplayMessage:
    return ReplayMessage(sequence, b"x" * size, {}, key, rows, None, None)


class Flaky:
    """A channel like the client: settles in another thread, and pauses an ordering key after a failure."""

    def __init__(self, verdict: Verdict) -> None:
        self.verdict = verdict
        self.received: list[int] = []
        self.attempts: dict[int, int] = {}
        self.paused: set[str] = set()
        self.most_in_flight = self.in_flight = 0
        self.lock = threading.Lock()
        self.pool = ThreadPoolExecutor(1)

    def publish(self, outgoing: ReplayMessage) -> "Future[str]":
        with self.lock:
            self.in_flight += 1
            self.most_in_flight = max(self.most_in_flight, self.in_flight)
        return self.pool.submit(self._settle, outgoing)

    def _settle(self, outgoing: ReplayMessage) -> str:
        with self.lock:
            self.in_flight -= 1
        if outgoing.ordering_key in self.paused:
            raise PublishToPausedOrderingKeyException(outgoing.ordering_key)
        attempt = self.attempts[outgoing.sequence] = self.attempts.get(outgoing.sequence, 0) + 1
        error = self.verdict(outgoing, attempt)
        if error is not None:
            if outgoing.ordering_key:
                self.paused.add(outgoing.ordering_key)
            raise error
        self.received.append(outgoing.sequence)
        return "id"

    def resume(self, ordering_key: str) -> None:
        self.paused.discard(ordering_key)


@pytest.fixture
def stopped() -> threading.Event:
    return threading.Event()


QUICK = RetryPolicy(patience_s=60.0, first_pause_s=0.0, longest_pause_s=0.0)


def deliver(channel: Flaky, messages: list[ReplayMessage], stopped: threading.Event, **options: Any) -> MessageSender:
    options = {"retries": QUICK, **options}
    delivery = MessageSender(channel, messages[0].sequence, stopped, **options)
    for outgoing in messages:
        delivery.send(outgoing)
    delivery.finish()
    return delivery


def test_messages_that_do_not_fail_arrive_once(stopped: threading.Event) -> None:
    channel = Flaky(lambda outgoing, attempt: None)
    delivery = deliver(channel, [message(n) for n in range(5, 25)], stopped)
    assert channel.received == list(range(5, 25))
    assert (delivery.messages, delivery.rows, delivery.bytes, delivery.failed_rows) == (20, 40, 200, 0)
    assert delivery.next_sequence == 25


@pytest.mark.parametrize("key", ["run", ""])
def test_every_third_attempt_fails_and_nothing_is_lost(key: str, stopped: threading.Event) -> None:
    attempts = iter(range(10_000))
    channel = Flaky(lambda outgoing, attempt: UNAVAILABLE if next(attempts) % 3 == 2 else None)
    delivery = deliver(channel, [message(n, key) for n in range(100)], stopped)
    assert sorted(channel.received) == list(range(100))
    assert key == "" or channel.received == list(range(100)), "under an ordering key the order is kept"
    assert (delivery.rows, delivery.failed_rows, delivery.next_sequence) == (200, 0, 100)


def test_keys_stay_in_order_each(stopped: threading.Event) -> None:
    channel = Flaky(lambda outgoing, attempt: UNAVAILABLE if attempt <= outgoing.sequence % 3 else None)
    deliver(channel, [message(n, key=f"device-{n % 4}") for n in range(60)], stopped)
    for device in range(4):
        mine = [n for n in channel.received if n % 4 == device]
        assert mine == sorted(mine)
    assert sorted(channel.received) == list(range(60))


def test_messages_in_flight_are_bounded(stopped: threading.Event, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_MESSAGES", 7)
    channel = Flaky(lambda outgoing, attempt: None)
    deliver(channel, [message(n) for n in range(100)], stopped)
    assert 1 <= channel.most_in_flight <= 7


def test_bytes_in_flight_are_bounded(stopped: threading.Event, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_BYTES", 100)
    channel = Flaky(lambda outgoing, attempt: None)
    deliver(channel, [message(n, size=30) for n in range(50)], stopped)
    assert 1 <= channel.most_in_flight <= 3


def test_a_message_above_the_bound_is_sent_alone(stopped: threading.Event, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_BYTES", 100)
    channel = Flaky(lambda outgoing, attempt: None)
    deliver(channel, [message(n, size=500) for n in range(5)], stopped)
    assert (channel.received, channel.most_in_flight) == (list(range(5)), 1)


def test_a_missing_topic_ends_sending_at_once(stopped: threading.Event) -> None:
    channel = Flaky(lambda outgoing, attempt: exceptions.NotFound("no topic") if outgoing.sequence >= 3 else None)
    delivery = MessageSender(channel, 0, stopped, QUICK)
    with pytest.raises(PublishError, match="no topic"):
        for number in range(1000):
            delivery.send(message(number))
        delivery.finish()
    assert channel.received == [0, 1, 2]
    assert delivery.next_sequence == 3
    assert delivery.rows == 6
    assert delivery.failed_rows > 0
    assert "no topic" in delivery.error


def test_every_sent_message_is_counted_as_published_or_failed(stopped: threading.Event) -> None:
    channel = Flaky(lambda outgoing, attempt: UNAVAILABLE if outgoing.sequence >= 5 else None)
    delivery = MessageSender(channel, 0, stopped, replace(QUICK, patience_s=0.0))
    sent = 0
    with pytest.raises(PublishError, match="down"):
        for number in range(100):
            sent += 1
            delivery.send(message(number))
        delivery.finish()
    assert delivery.rows + delivery.failed_rows == 2 * sent
    assert delivery.next_sequence == 5


@pytest.mark.parametrize("error", [exceptions.InvalidArgument("bad"), MessageTooLargeError("too large")])
@pytest.mark.parametrize("key", ["run", ""])
def test_an_invalid_message_fails_alone(key: str, error: Exception, stopped: threading.Event) -> None:
    channel = Flaky(lambda outgoing, attempt: error if outgoing.sequence == 4 else None)
    delivery = deliver(channel, [message(n, key) for n in range(10)], stopped)
    assert sorted(channel.received) == [0, 1, 2, 3, 5, 6, 7, 8, 9]
    assert (delivery.rows, delivery.failed_rows) == (18, 2)
    assert delivery.next_sequence <= 4, "another try begins no later than with the message that failed"
    assert str(error.args[0]) in delivery.error


def test_a_request_that_fails_for_one_of_its_messages(stopped: threading.Event) -> None:
    """Messages go out in one request at first, and one by one when it is refused."""
    culprit = exceptions.InvalidArgument("bad")
    channel = Flaky(lambda outgoing, attempt: culprit if attempt == 1 or outgoing.sequence == 7 else None)
    delivery = deliver(channel, [message(n, "") for n in range(10)], stopped)
    assert sorted(channel.received) == [n for n in range(10) if n != 7]
    assert delivery.failed_rows == 2


def test_a_client_that_rejects_a_message_before_sending(stopped: threading.Event) -> None:
    class Refusing(Flaky):
        def publish(self, outgoing: ReplayMessage) -> "Future[str]":
            if outgoing.sequence == 1:
                raise MessageTooLargeError("too large")
            return super().publish(outgoing)

    channel = Refusing(lambda outgoing, attempt: None)
    delivery = deliver(channel, [message(n) for n in range(3)], stopped)
    assert (channel.received, delivery.failed_rows) == ([0, 2], 2)


@pytest.mark.parametrize("key", ["run", ""])
@pytest.mark.parametrize(
    "error", [AssertionError("Publish after stop() or publish error."), RuntimeError("stopped"), KeyError("batch")]
)
def test_a_client_that_raises_has_failed_to_send(key: str, error: Exception, stopped: threading.Event) -> None:
    """The client's ordered sequencer raises while a batch that has failed is not paused yet."""

    raised: set[int] = set()

    class Raising(Flaky):
        def publish(self, outgoing: ReplayMessage) -> "Future[str]":
            if outgoing.sequence % 4 == 1 and outgoing.sequence not in raised:
                raised.add(outgoing.sequence)
                raise error
            return super().publish(outgoing)

    channel = Raising(lambda outgoing, attempt: None)
    delivery = deliver(channel, [message(n, key) for n in range(20)], stopped)
    assert channel.received == list(range(20))
    assert (delivery.rows, delivery.failed_rows, delivery.error) == (40, 0, "")


def test_a_client_that_always_raises_is_given_up_in_one_line(stopped: threading.Event) -> None:
    class Broken(Flaky):
        def publish(self, outgoing: ReplayMessage) -> "Future[str]":
            raise AssertionError("Publish after stop() or publish error.")

    delivery = MessageSender(Broken(lambda outgoing, attempt: None), 0, stopped, replace(QUICK, patience_s=0.0))
    delivery.send(message(0))
    with pytest.raises(PublishError, match=r"^Publish after stop\(\) or publish error\.$"):
        delivery.finish()
    assert (delivery.rows, delivery.failed_rows) == (0, 2)


def test_a_cancelled_publish_is_sent_again(stopped: threading.Event) -> None:
    cancelled: set[int] = set()

    class Cancelling(Flaky):
        def publish(self, outgoing: ReplayMessage) -> "Future[str]":
            if outgoing.sequence in cancelled:
                return super().publish(outgoing)
            cancelled.add(outgoing.sequence)
            future: Future[str] = Future()
            future.cancel()
            return future

    channel = Cancelling(lambda outgoing, attempt: None)
    assert deliver(channel, [message(n) for n in range(5)], stopped).failed_rows == 0
    assert channel.received == list(range(5))


def test_a_key_that_cannot_be_resumed_is_tried_again(stopped: threading.Event) -> None:
    class Stubborn(Flaky):
        refused = 0

        def resume(self, ordering_key: str) -> None:
            self.refused += 1
            if self.refused == 1:
                raise AssertionError("not paused yet")
            super().resume(ordering_key)

    channel = Stubborn(lambda outgoing, attempt: UNAVAILABLE if (outgoing.sequence, attempt) == (3, 1) else None)
    assert deliver(channel, [message(n) for n in range(8)], stopped).failed_rows == 0
    assert (channel.received, channel.refused >= 2) == (list(range(8)), True)


def test_success_in_between_renews_the_patience(stopped: threading.Event) -> None:
    now = [1.0]

    def verdict(outgoing: ReplayMessage, attempt: int) -> BaseException | None:
        now[0] += 1.0
        return UNAVAILABLE if attempt <= 5 else None

    delivery = deliver(
        Flaky(verdict),
        [message(n) for n in range(20)],
        stopped,
        retries=replace(QUICK, patience_s=10.0),
        clock=lambda: now[0],
    )
    assert delivery.failed_rows == 0


def test_a_stop_shortens_the_patience(stopped: threading.Event) -> None:
    now = [1.0]

    def verdict(outgoing: ReplayMessage, attempt: int) -> BaseException | None:
        now[0] += 1.0
        return UNAVAILABLE

    stopped.set()
    delivery = MessageSender(Flaky(verdict), 0, stopped, replace(QUICK, patience_s=1000.0), lambda: now[0])
    delivery.send(message(0))
    with pytest.raises(PublishError):
        delivery.finish()
    assert now[0] < 20.0


class Witness:
    """An observer that keeps what it hears."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, int]] = []

    def published(self, outgoing: ReplayMessage) -> None:
        self.heard.append(("published", outgoing.sequence))

    def failed(self, outgoing: ReplayMessage) -> None:
        self.heard.append(("failed", outgoing.sequence))

    def refused(self, outgoing: ReplayMessage, error: str) -> None:
        self.heard.append((error, outgoing.sequence))


def test_an_observer_hears_of_each_message_before_the_end(stopped: threading.Event) -> None:
    witness = Witness()
    bad: BaseException = exceptions.InvalidArgument("bad")

    def verdict(outgoing: ReplayMessage, attempt: int) -> BaseException | None:
        if outgoing.sequence == 1:
            return bad
        return UNAVAILABLE if (outgoing.sequence, attempt) == (2, 1) else None

    deliver(Flaky(verdict), [message(n, "") for n in range(4)], stopped, observer=witness)
    published = [n for what, n in witness.heard if what == "published"]
    assert sorted(published) == [0, 2, 3]
    assert {("failed", 1), ("failed", 2), ("INVALID_ARGUMENT: bad", 1)} <= set(witness.heard)


def test_failed_messages_are_sent_again_when_there_is_nothing_else_to_send(stopped: threading.Event) -> None:
    failed = threading.Event()
    witness = Witness()
    witness.failed = lambda outgoing: failed.set()  # type: ignore[method-assign]
    channel = Flaky(lambda outgoing, attempt: UNAVAILABLE if attempt == 1 else None)
    delivery = MessageSender(channel, 0, stopped, QUICK, observer=witness)
    delivery.retry()
    delivery.send(message(0))
    assert failed.wait(60)
    delivery.retry()
    delivery.finish()
    assert (channel.received, channel.attempts) == ([0], {0: 2})
