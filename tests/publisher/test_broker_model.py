"""The model of the broker without network or sleep, with a clock that the tests set."""

from collections import Counter, defaultdict

import pytest
from google.pubsub_v1.types import Subscription
from hypothesis import given, settings
from hypothesis import strategies as st

from publisher.broker.backlog import Backlog
from publisher.broker.backlog_entry import Consumer
from publisher.broker.broker_model import MAX_RESPONSE_BYTES, MAX_RESPONSE_MESSAGES, BrokerModel
from publisher.broker.errors import RequestError, Status
from publisher.broker.limits import MAX_DATA_BYTES
from publisher.broker.messages import BrokerDelivery, BrokerMessage, MessageContent
from publisher.broker.read_settings import subscription_settings
from publisher.broker.settings import SubscriptionSettings
from tests.support.law_checks import counts_checks

TOPIC = "projects/p/topics/telemetry"
SUB = "projects/p/subscriptions/analytics"
PUBLISHED_NS = 1_700_000_000_123_456_789


class Clock:
    """Seconds that pass only when told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Bench:
    """A model with one topic, one subscription and short ways to use them."""

    def __init__(self, ordered: bool = False) -> None:
        self.clock = Clock()
        self.model = BrokerModel(self.clock, lambda: PUBLISHED_NS)
        self.model.create_topic(TOPIC)
        self.model.create_subscription(SUB, TOPIC, SubscriptionSettings(enable_message_ordering=ordered))
        self.ids: dict[bytes, str] = {}  # ack id of the latest delivery of a payload

    @property
    def backlog(self) -> Backlog:
        return self.model.subscription(SUB).backlog

    def publish(self, text: str) -> None:
        """Publish the words of `text`, without ordering key."""
        self.model.publish(TOPIC, [MessageContent(word.encode()) for word in text.split()])

    def publish_keyed(self, text: str) -> None:
        """Publish words like ``a1``: the letter is the ordering key."""
        self.model.publish(TOPIC, [MessageContent(word.encode(), {}, word[0]) for word in text.split()])

    def pull(self, most: int = 1000, lease_s: int | None = None, consumer: Consumer | None = None) -> str:
        deliveries = self.model.pull(SUB, most, lease_s, consumer)
        self.ids |= {one.message.content.data: one.ack_id for one in deliveries}
        return _text(deliveries)

    def ack(self, text: str) -> None:
        self.model.acknowledge(SUB, [self.ids[word.encode()] for word in text.split()])

    def extend(self, text: str, seconds: int) -> None:
        self.model.modify_ack_deadline(SUB, [self.ids[word.encode()] for word in text.split()], seconds)

    def nack(self, text: str) -> None:
        self.extend(text, 0)


def _text(deliveries: list[BrokerDelivery]) -> str:
    return b" ".join(one.message.content.data for one in deliveries).decode()


def _numbers(deliveries: list[BrokerDelivery]) -> list[int]:
    return [one.message.number for one in deliveries]


class TestLeases:
    def test_messages_come_in_order_of_publishing_once(self):
        bench = Bench()
        bench.publish("1 2 3")
        assert bench.pull(2) == "1 2"
        assert bench.pull(2) == "3"
        assert bench.pull(2) == ""

    def test_a_delivery_carries_id_time_and_size(self):
        bench = Bench()
        bench.model.publish(TOPIC, [MessageContent(b"x" * 7, {"ab": "cde"}, "key")])
        (delivery,) = bench.model.pull(SUB, 1)
        message = BrokerMessage(
            1, PUBLISHED_NS, MessageContent(b"x" * 7, {"ab": "cde"}, "key"), size=7 + 3 + 10 + 2 + 3
        )
        assert delivery == BrokerDelivery(f"{SUB}:1-1", message)
        assert message.message_id == "1"

    def test_a_lease_ends_at_its_deadline_and_not_before(self):
        bench = Bench()
        bench.publish("1")
        bench.pull()
        bench.clock.now += 9.999
        assert bench.pull() == ""
        bench.clock.now += 0.001
        assert bench.pull() == "1"

    def test_the_lease_is_the_subscriptions_unless_the_pull_says_otherwise(self):
        bench = Bench()
        other = "projects/p/subscriptions/patient"
        bench.model.create_subscription(other, TOPIC, SubscriptionSettings(ack_deadline_seconds=600))
        bench.publish("1 2")
        bench.pull(1, lease_s=20)
        bench.pull(1)
        bench.model.pull(other, 2)
        bench.clock.now += 10
        assert bench.pull() == "2"
        bench.clock.now += 10
        assert bench.pull() == "1 2"
        assert _text(bench.model.pull(other, 2)) == ""

    def test_a_deadline_can_be_moved_later_and_earlier(self):
        bench = Bench()
        bench.publish("1 2")
        bench.pull()
        bench.extend("1", 60)
        bench.extend("2", 1)
        bench.clock.now += 1
        assert bench.pull() == "2"
        bench.ack("2")
        bench.clock.now += 58
        assert bench.pull() == ""
        bench.clock.now += 1
        assert bench.pull() == "1"

    def test_nothing_comes_after_an_acknowledgement(self):
        bench = Bench()
        bench.publish("1 2")
        bench.pull()
        bench.ack("1")
        bench.clock.now += 1000
        assert bench.pull() == "2"

    def test_an_acknowledgement_counts_after_the_lease_until_the_next_delivery(self):
        bench = Bench()
        bench.publish("1")
        bench.pull()
        late = bench.ids[b"1"]
        bench.clock.now += 10
        bench.backlog.expire()
        bench.model.acknowledge(SUB, [late])
        assert bench.pull() == ""
        assert len(bench.backlog) == 0

    def test_an_acknowledgement_of_an_earlier_delivery_is_ignored(self):
        bench = Bench()
        bench.publish("1")
        bench.pull()
        late = bench.ids[b"1"]
        bench.clock.now += 10
        assert bench.pull() == "1"
        bench.model.acknowledge(SUB, [late])
        bench.nack("1")
        assert bench.pull() == "1"

    @pytest.mark.parametrize("waited", [0, 10], ids=["leased", "expired"])
    @pytest.mark.parametrize("ordered", [False, True])
    def test_an_acknowledgement_after_a_negative_one_is_ignored(self, ordered: bool, waited: int):
        bench = Bench(ordered)
        bench.publish_keyed("a1")
        bench.pull()
        bench.clock.now += waited
        bench.backlog.expire()
        bench.nack("a1")
        bench.ack("a1")
        assert bench.pull() == "a1"

    def test_the_id_of_an_ended_lease_does_not_move_the_next_ones_deadline(self):
        bench = Bench()
        bench.publish("1")
        bench.pull()
        late = bench.ids[b"1"]
        bench.clock.now += 10
        bench.pull()
        bench.model.modify_ack_deadline(SUB, [late], 0)
        assert bench.pull() == ""
        bench.model.modify_ack_deadline(SUB, [late], 600)
        bench.clock.now += 10
        assert bench.pull() == "1"

    def test_returned_messages_alternate_with_fresh_ones(self):
        bench = Bench()
        bench.publish("1 2 3 4 5 6")
        bench.pull(2)
        bench.nack("1 2")
        assert sorted(bench.pull(4).split()) == ["1", "2", "3", "4"]

    def test_a_message_that_is_always_returned_does_not_delay_others(self):
        bench = Bench()
        bench.publish("bad good")
        seen = []
        for _ in range(3):
            seen.append(bench.pull(1))
            bench.nack("bad")
        assert "good" in seen


class TestOrdering:
    def test_returning_a_message_returns_all_later_ones_of_its_key(self):
        bench = Bench(ordered=True)
        bench.publish_keyed("a1 b1 a2 b2 a3")
        assert bench.pull(4) == "a1 b1 a2 b2"
        bench.nack("a1")
        assert bench.pull().split() == ["a1", "a2", "a3"]
        bench.clock.now += 10
        pulled = bench.pull().split()
        assert [word for word in pulled if word[0] == "a"] == ["a1", "a2", "a3"]
        assert [word for word in pulled if word[0] == "b"] == ["b1", "b2"]

    def test_returning_a_message_keeps_the_leases_of_earlier_ones(self):
        bench = Bench(ordered=True)
        bench.publish_keyed("a1 a2 a3 a4")
        bench.pull(3)
        bench.nack("a2")
        assert bench.pull() == ""
        bench.ack("a1")
        assert bench.pull() == "a2 a3 a4"

    def test_the_next_message_of_a_key_comes_after_all_outstanding_ones_are_acknowledged(self):
        bench = Bench(ordered=True)
        bench.publish_keyed("a1 b1 a2 a3 b2 a4")
        assert bench.pull(3) == "a1 b1 a2"
        assert bench.pull() == ""
        bench.ack("a2")
        assert bench.pull() == ""
        bench.ack("b1")
        assert bench.pull() == "b2"
        bench.publish_keyed("a5 c1")
        assert bench.pull() == "c1"
        bench.ack("a1")
        assert bench.pull() == "a3 a4 a5"

    def test_messages_that_waited_for_their_key_come_in_order_of_publishing(self):
        bench = Bench(ordered=True)
        bench.publish_keyed("b1 a1 a2 b2 b3 a3 c1")
        assert bench.pull(2) == "b1 a1"
        assert bench.pull() == "c1"
        bench.ack("b1 a1 c1")
        assert bench.pull() == "a2 b2 b3 a3"
        bench.ack("a2 b2 b3 a3")
        assert _held(bench.backlog) == (0, 0, 0)

    def test_messages_without_key_never_wait(self):
        bench = Bench(ordered=True)
        bench.publish("1 2")
        assert bench.pull(1) == "1"
        assert bench.pull() == "2"

    def test_a_stream_keeps_a_key_as_long_as_it_has_outstanding_messages_of_it(self):
        bench = Bench(ordered=True)
        first, second = Consumer(), Consumer()
        bench.publish_keyed("a1 a2 a3")
        assert bench.pull(1, consumer=first) == "a1"
        assert bench.pull(consumer=second) == ""
        assert bench.pull(1, consumer=first) == "a2"
        bench.publish_keyed("a4")
        assert bench.pull(consumer=second) == ""
        bench.ack("a1 a2")
        assert bench.pull(consumer=second) == "a3 a4"
        bench.publish_keyed("a5")
        assert bench.pull(consumer=first) == ""
        bench.clock.now += 10
        assert bench.pull(consumer=first) == "a3 a4 a5"

    def test_messages_returned_in_any_order_keep_their_order(self):
        bench = Bench(ordered=True)
        bench.publish_keyed("a1 a2 a3 a4")
        bench.pull()
        bench.nack("a3")
        bench.nack("a2")
        bench.nack("a4")
        bench.nack("a1")
        assert bench.pull() == "a1 a2 a3 a4"

    def test_a_message_with_an_expired_lease_is_returned(self):
        bench = Bench(ordered=True)
        bench.publish_keyed("a1 a2")
        bench.pull()
        bench.extend("a2", 60)
        bench.clock.now += 10
        assert bench.pull() == "a1 a2"

    def test_messages_may_be_acknowledged_out_of_order(self):
        bench = Bench(ordered=True)
        bench.publish_keyed("a1 a2 a3")
        bench.pull()
        bench.ack("a2")
        bench.nack("a1")
        assert bench.pull() == "a1 a3"

    def test_fresh_messages_of_a_key_wait_behind_returned_ones(self):
        bench = Bench(ordered=True)
        bench.publish_keyed("a1 a2")
        bench.pull()
        bench.nack("a1")
        bench.publish_keyed("a3 b1")
        assert bench.pull().split() in (["a1", "b1", "a2", "a3"], ["b1", "a1", "a2", "a3"])

    def test_without_ordering_only_the_returned_message_is_redelivered(self):
        bench = Bench(ordered=False)
        bench.publish_keyed("a1 a2 a3")
        bench.pull()
        bench.nack("a1")
        assert bench.pull() == "a1"

    def test_messages_without_key_are_independent(self):
        bench = Bench(ordered=True)
        bench.publish("1 2 3")
        bench.pull()
        bench.nack("1")
        assert bench.pull() == "1"


class TestRunAhead:
    def _pull(self, bench: Bench, run_ahead: int | None, most: int = 1000) -> str:
        deliveries = bench.model.pull(SUB, most, run_ahead=run_ahead)
        bench.ids |= {one.message.content.data: one.ack_id for one in deliveries}
        return _text(deliveries)

    def test_messages_are_taken_up_to_a_limit_beyond_the_first_withheld_one(self):
        bench = Bench(ordered=True)
        bench.publish_keyed("a1 b1 a2 b2 c1 b3 c2")
        assert self._pull(bench, 2, most=1) == "a1"
        assert self._pull(bench, 2) == "b1 b2 c1"  # a2, message 3, is withheld; 5 is the last
        assert bench.backlog.held_back
        assert self._pull(bench, 2) == ""
        assert bench.backlog.held_back
        bench.ack("a1 b1 b2 c1")
        assert self._pull(bench, 2) == "a2 b3 c2"
        assert not bench.backlog.held_back

    def test_messages_that_waited_are_limited_too(self):
        bench = Bench(ordered=True)
        bench.publish_keyed("a1 b1 c1 a2 a3 b2 b3 c2")
        assert self._pull(bench, None, most=3) == "a1 b1 c1"
        assert self._pull(bench, None) == ""  # so all others wait for their keys
        bench.ack("c1")
        assert self._pull(bench, 3) == ""
        assert bench.backlog.held_back
        assert self._pull(bench, 4) == "c2"

    def test_without_limit_everything_is_taken(self):
        bench = Bench(ordered=True)
        bench.publish_keyed("a1 a2 b1 b2 b3")
        assert self._pull(bench, None, most=1) == "a1"
        assert self._pull(bench, None) == "b1 b2 b3"
        assert not bench.backlog.held_back

    def test_nothing_is_held_back_unless_a_key_is_withheld(self):
        bench = Bench(ordered=True)
        bench.publish_keyed("a1 b1 b2 b3")
        assert self._pull(bench, 0, most=1) == "a1"
        assert self._pull(bench, 0) == "b1 b2 b3"


class TestMemory:
    @pytest.mark.parametrize("ordered", [False, True])
    def test_acknowledged_messages_are_freed(self, ordered: bool):
        bench = Bench(ordered)
        for round_ in range(200):
            bench.publish_keyed(" ".join(f"{chr(97 + round_ % 26)}{i}" for i in range(50)))
            words = bench.pull()
            bench.extend(words, 600)
            if round_ % 3 == 0:
                bench.nack(words)
                words = bench.pull()
            bench.ack(words)
            assert len(bench.backlog) == 0
        assert _held(bench.backlog) == (0, 0, 0)
        assert len(bench.backlog._expiries) < 200

    def test_repeated_extensions_of_leases_use_no_memory(self):
        bench = Bench()
        bench.publish("1 2")
        bench.pull()
        for _ in range(500):
            bench.extend("1 2", 600)
        assert len(bench.backlog._expiries) < 100
        bench.clock.now += 600
        assert sorted(bench.pull().split()) == ["1", "2"]

    def test_late_acknowledgements_free_returned_messages(self):
        bench = Bench(ordered=True)
        bench.publish_keyed("a1 a2 b1")
        bench.pull()
        bench.clock.now += 10
        bench.backlog.expire()
        bench.ack("a1 a2 b1")
        assert len(bench.backlog) == 0
        assert bench.pull() == ""
        assert _held(bench.backlog) == (0, 0, 0)

    def test_a_topic_without_subscription_keeps_nothing(self):
        bench = Bench()
        backlog = bench.backlog
        bench.model.delete_subscription(SUB)
        bench.publish("1")
        assert len(backlog) == 0
        bench.model.create_subscription(SUB, TOPIC)
        assert bench.pull() == ""


def _held(backlog: Backlog) -> tuple[int, int, int]:
    return len(backlog._fresh), len(backlog._entries), len(backlog._queues)


class TestLimits:
    @pytest.mark.parametrize(
        "content",
        [
            MessageContent(bytes(MAX_DATA_BYTES)),
            MessageContent(b"", {"a": ""}),
            MessageContent(b"x", {str(i): "v" for i in range(100)}),
            MessageContent(b"x", {"é" * 128: "é" * 512}),
            MessageContent(b"x", {}, "é" * 512),
        ],
        ids=["data", "no data", "attributes", "attribute", "key"],
    )
    def test_the_largest_allowed_message_is_accepted(self, content: MessageContent):
        bench = Bench()
        assert bench.model.publish(TOPIC, [content]) == ["1"]
        (delivery,) = bench.model.pull(SUB, 1)
        assert delivery.message.content == content

    @pytest.mark.parametrize(
        ("content", "problem"),
        [
            (
                MessageContent(bytes(MAX_DATA_BYTES + 1)),
                "Message data has 10000001 bytes; at most 10000000 are allowed",
            ),
            (
                MessageContent(b"x", {str(i): "v" for i in range(101)}),
                "Message has 101 attributes; at most 100 are allowed",
            ),
            (MessageContent(b"x", {"é" * 128 + "e": ""}), "Attribute key has 257 bytes; at most 256 are allowed"),
            (
                MessageContent(b"x", {"k": "é" * 512 + "e"}),
                "Value of attribute k has 1025 bytes; at most 1024 are allowed",
            ),
            (MessageContent(b"x", {}, "k" * 1025), "Ordering key has 1025 bytes; at most 1024 are allowed"),
            (MessageContent(b"", {}, "k"), "Some messages are empty"),
        ],
        ids=["data", "attributes", "attribute key", "attribute value", "ordering key", "empty"],
    )
    def test_a_message_above_a_limit_is_rejected_and_nothing_is_published(self, content: MessageContent, problem: str):
        bench = Bench()
        with pytest.raises(RequestError, match=f"^{problem}$") as refusal:
            bench.model.publish(TOPIC, [MessageContent(b"fine"), content])
        assert refusal.value.status is Status.INVALID_ARGUMENT
        assert bench.pull() == ""

    @pytest.mark.parametrize(("seconds", "deadline"), [(0, 10), (10, 10), (600, 600)])
    def test_ack_deadlines_within_bounds(self, seconds: int, deadline: int):
        settings = subscription_settings(Subscription.pb()(ack_deadline_seconds=seconds))
        name = "projects/p/subscriptions/other"
        assert Bench().model.create_subscription(name, TOPIC, settings).settings.ack_deadline_seconds == deadline

    @pytest.mark.parametrize("seconds", [-1, 1, 9, 601])
    def test_ack_deadlines_out_of_bounds(self, seconds: int):
        with pytest.raises(RequestError, match="ack_deadline_secs out of bounds"):
            Bench().model.create_subscription(
                "projects/p/subscriptions/other", TOPIC, SubscriptionSettings({}, seconds)
            )

    @pytest.mark.parametrize("seconds", [-1, 601])
    def test_new_deadlines_out_of_bounds_change_nothing(self, seconds: int):
        bench = Bench()
        bench.publish("1")
        bench.pull()
        with pytest.raises(RequestError, match="Ack deadline"):
            bench.extend("1", seconds)
        assert bench.pull() == ""

    def test_a_response_is_limited_in_bytes_but_has_one_message_at_least(self):
        bench = Bench()
        sizes = [MAX_RESPONSE_BYTES - 10, 10, 1, MAX_RESPONSE_BYTES + 1, 1]
        bench.model.publish(TOPIC, [MessageContent(bytes(size)) for size in sizes])
        responses = [[one.message.size for one in bench.model.pull(SUB, 1000)] for _ in range(4)]
        assert responses == [sizes[:2], sizes[2:3], sizes[3:4], sizes[4:]]

    @pytest.mark.parametrize("key", ["", "k"], ids=["no key", "key"])
    def test_messages_that_did_not_fit_come_next_and_in_order_also_after_being_returned(self, key: str):
        bench = Bench(ordered=True)
        size = MAX_RESPONSE_BYTES // 2  # with the key, one fits
        bench.model.publish(TOPIC, [MessageContent(b"%d" % i + bytes(size), {}, key) for i in range(4)])
        stream = Consumer()
        first = [bench.model.pull(SUB, 1, consumer=stream)[0] for _ in range(4)]
        bench.model.modify_ack_deadline(SUB, [one.ack_id for one in first], 0)
        for _ in range(2):  # twice, so that messages are set aside and leased, and set aside again
            again = []
            for expected in ([1], [2], [3], [4], []):
                again += (response := bench.model.pull(SUB, 1000, consumer=stream))
                assert _numbers(response) == expected
                assert len(bench.backlog._queues) <= (1 if key else 4)
            bench.model.modify_ack_deadline(SUB, [one.ack_id for one in again], 0)

    def test_a_response_is_limited_in_messages(self):
        bench = Bench()
        for _ in range(2):
            bench.model.publish(TOPIC, [MessageContent(b"x")] * 1000)
        assert len(bench.model.pull(SUB, 5000)) == MAX_RESPONSE_MESSAGES

    @pytest.mark.parametrize("most", [0, -1])
    def test_a_pull_of_no_messages_is_rejected(self, most: int):
        with pytest.raises(RequestError, match="No max_messages specified"):
            Bench().pull(most)


class TestFlowControl:
    def test_consumer_limits_the_number_of_messages(self):
        bench = Bench()
        bench.publish("1 2 3 4")
        consumer = Consumer(max_messages=2)
        assert bench.pull(consumer=consumer) == "1 2"
        assert bench.pull(consumer=consumer) == ""
        assert bench.pull(1) == "3"  # for others there is more
        bench.ack("1")
        assert bench.pull(consumer=consumer) == "4"

    def test_bytes_count_until_the_limit_is_reached(self):
        bench = Bench()
        bench.publish("aaa bbb ccc")
        consumer = Consumer(max_bytes=4)
        assert bench.pull(consumer=consumer) == "aaa bbb"
        bench.nack("aaa bbb")
        assert (consumer.messages, consumer.bytes) == (0, 0)

    def test_expired_and_returned_messages_are_not_outstanding(self):
        bench = Bench(ordered=True)
        bench.publish_keyed("a1 a2 b1")
        consumer = Consumer(max_messages=3)
        bench.pull(consumer=consumer)
        bench.nack("a1")
        assert consumer.messages == 1
        bench.clock.now += 10
        bench.backlog.expire()
        assert (consumer.messages, consumer.bytes) == (0, 0)


class TestResources:
    def test_a_deleted_topic_leaves_its_subscription(self):
        bench = Bench()
        bench.publish("1")
        bench.model.delete_topic(TOPIC)
        assert bench.model.subscription(SUB).topic == "_deleted-topic_"
        assert bench.pull() == "1"
        bench.model.delete_subscription(SUB)
        assert bench.model.subscriptions("projects/p") == []

    def test_listing_keeps_to_the_project(self):
        model = Bench().model
        model.create_topic("projects/pp/topics/other")
        assert [topic.name for topic in model.topics("projects/p")] == [TOPIC]
        assert [one.name for one in model.subscriptions("projects/p")] == [SUB]
        with pytest.raises(RequestError, match=r"Invalid \[projects\] name: \(name=p\)"):
            model.topics("p")

    @pytest.mark.parametrize("ack_id", ["", "1-1", f"{SUB}:", f"{SUB}:x-1", f"{SUB}:1", f"{SUB}:²-1", f"{SUB}x:1-1"])
    def test_an_invalid_ack_id_is_rejected_and_nothing_is_acknowledged(self, ack_id: str):
        bench = Bench()
        bench.publish("1")
        bench.pull()
        with pytest.raises(RequestError, match="nvalid ack"):
            bench.model.acknowledge(SUB, [bench.ids[b"1"], ack_id])
        assert len(bench.backlog) == 1


ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("publish"), st.integers(0, 3)),  # ordering key; 0 means none
        st.tuples(st.just("pull"), st.integers(1, 5)),
        st.tuples(st.just("ack"), st.integers(0, 30)),  # which delivery, modulo their number
        st.tuples(st.just("nack"), st.integers(0, 30)),
        st.tuples(st.just("extend"), st.integers(0, 30)),
        st.tuples(st.just("wait"), st.integers(1, 12)),
    ),
    max_size=80,
)


@counts_checks("redelivered in order", "keys withheld", "first deliveries in order")
@settings(max_examples=300)
@given(ordered=st.booleans(), actions=ACTIONS)
def test_every_message_is_delivered_and_keys_keep_their_order(
    checks: Counter[str], ordered: bool, actions: list[tuple[str, int]]
):
    clock = Clock()
    model = BrokerModel(clock, lambda: PUBLISHED_NS)
    model.create_topic(TOPIC)
    model.create_subscription(SUB, TOPIC, SubscriptionSettings(enable_message_ordering=ordered))
    published: list[bytes] = []
    delivered: list[BrokerDelivery] = []
    acknowledged: set[bytes] = set()
    numbers_of: dict[str, list[int]] = defaultdict(list)  # published under a key
    runs: dict[str, list[int]] = defaultdict(list)  # delivered under a key
    acknowledged_numbers: set[int] = set()
    valid: dict[int, str] = {}  # ack ids that count, by message number
    backlog = model.subscription(SUB).backlog

    def outstanding_keys() -> set[str]:
        backlog.expire()
        return {e.message.content.ordering_key for e in backlog._entries.values() if e.deadline is not None} - {""}

    def deliver(most: int) -> list[BrokerDelivery]:
        before = outstanding_keys() if ordered else set()
        deliveries = model.pull(SUB, most)
        assert not before.intersection(one.message.content.ordering_key for one in deliveries)
        checks["keys withheld"] += bool(before)
        valid.update({one.message.number: one.ack_id for one in deliveries})
        assert not acknowledged.intersection(one.message.content.data for one in deliveries)
        delivered.extend(deliveries)
        for one in deliveries:
            key, number = one.message.content.ordering_key, one.message.number
            if ordered and key and runs[key]:  # no unacknowledged message of the key is skipped
                checks["redelivered in order"] += runs[key][-1] >= number
                assert [
                    n for n in numbers_of[key] if runs[key][-1] < n < number and n not in acknowledged_numbers
                ] == []
            runs[key].append(number)
        return deliveries

    for action, number in actions:
        if action == "publish":
            published.append(b"%d" % len(published))
            key = "" if number == 0 else f"key-{number}"
            (message_id,) = model.publish(TOPIC, [MessageContent(published[-1], {}, key)])
            numbers_of[key].append(int(message_id))
        elif action == "pull":
            deliver(number)
        elif action == "wait":
            clock.now += number
        elif delivered:
            one = delivered[number % len(delivered)]
            if action == "ack":
                model.acknowledge(SUB, [one.ack_id])
                if valid.get(one.message.number) == one.ack_id:
                    acknowledged.add(one.message.content.data)
                    acknowledged_numbers.add(one.message.number)
            else:
                if action == "nack" and valid.get(one.message.number) == one.ack_id:
                    del valid[one.message.number]
                model.modify_ack_deadline(SUB, [one.ack_id], 0 if action == "nack" else 15)
        assert len(model.subscription(SUB).backlog) == len(published) - len(acknowledged)

    clock.now += 600
    while rest := deliver(3):
        model.acknowledge(SUB, [one.ack_id for one in rest])
        acknowledged.update(one.message.content.data for one in rest)
        acknowledged_numbers.update(one.message.number for one in rest)
    assert acknowledged == set(published)
    assert _held(model.subscription(SUB).backlog) == (0, 0, 0)
    if ordered:
        checks["first deliveries in order"] += any(numbers_of.keys() - {""})
        first_deliveries = {key: list(dict.fromkeys(numbers)) for key, numbers in runs.items() if key}
        assert first_deliveries == {key: numbers for key, numbers in numbers_of.items() if key}
