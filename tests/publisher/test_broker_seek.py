"""Retention, seek and snapshots of the model, with clocks that the tests set."""

import pytest

from publisher.broker.broker_model import BrokerModel
from publisher.broker.errors import RequestError, Status
from publisher.broker.messages import MessageContent
from publisher.broker.settings import SubscriptionSettings, TopicSettings

TOPIC = "projects/p/topics/telemetry"
SUB = "projects/p/subscriptions/analytics"
SNAPSHOT = "projects/p/snapshots/before"
NS = 1_000_000_000
DAY_S = 24 * 3600


class Bench:
    """A model whose two clocks are one number of seconds, with one topic and one subscription."""

    def __init__(self, topic: TopicSettings | None = None, **settings) -> None:
        self.now = 1_700_000_000
        self.model = BrokerModel(lambda: float(self.now), lambda: self.now * NS)
        self.model.create_topic(TOPIC, topic)
        self.model.create_subscription(SUB, TOPIC, SubscriptionSettings(**settings))

    def publish(self, text: str, key: str = "") -> None:
        self.model.publish(TOPIC, [MessageContent(word.encode(), {}, key) for word in text.split()])

    def pull(self, name: str = SUB) -> str:
        return b" ".join(one.message.content.data for one in self.model.pull(name, 1000)).decode()

    def take(self) -> str:
        """Pull and acknowledge."""
        deliveries = self.model.pull(SUB, 1000)
        if deliveries:
            self.model.acknowledge(SUB, [one.ack_id for one in deliveries])
        return b" ".join(one.message.content.data for one in deliveries).decode()

    def seek(self, seconds_ago: int) -> None:
        self.model.seek_to_time(SUB, (self.now - seconds_ago) * NS)


def test_a_message_published_at_the_time_itself_comes_again():
    bench = Bench(retain_acked_messages=True)
    bench.publish("1")
    bench.now += 1
    bench.publish("2")
    assert bench.take() == "1 2"
    bench.seek(0)
    assert bench.take() == "2"
    bench.seek(1)
    assert bench.take() == "1 2"


def test_messages_come_again_in_order_of_publishing():
    bench = Bench(retain_acked_messages=True, enable_message_ordering=True)
    bench.publish("1 2", "a")
    bench.publish("3", "b")
    deliveries = bench.model.pull(SUB, 1000)
    for one in reversed(deliveries):
        bench.model.acknowledge(SUB, [one.ack_id])
    bench.publish("4", "a")
    bench.seek(100)
    assert bench.pull() == "1 2 3 4"


@pytest.mark.parametrize(
    ("topic", "subscription"),
    [(None, {"retain_acked_messages": True, "message_retention_duration": 600}), (TopicSettings({}, 600), {})],
    ids=["subscription", "topic"],
)
def test_acknowledged_messages_are_retained_for_the_retention_and_no_longer(topic, subscription):
    bench = Bench(topic, **subscription)
    bench.publish("1")
    bench.take()
    bench.now += 1
    bench.publish("2")
    bench.take()
    bench.now += 599
    bench.seek(DAY_S)
    assert bench.take() == "1 2"
    bench.now += 1
    bench.seek(DAY_S)
    assert bench.take() == "2"
    bench.publish("3")
    bench.take()
    bench.now += 601
    bench.publish("4")
    bench.take()
    retained = len(bench.model.topic(TOPIC).retained), len(bench.model.subscription(SUB).acknowledged)
    assert sum(retained) == 1  # the others are freed


def test_unacknowledged_messages_are_dropped_after_the_retention():
    bench = Bench(message_retention_duration=600, enable_message_ordering=True)
    bench.publish("1", "k")
    bench.publish("2")
    bench.now += 601
    bench.publish("3", "k")
    assert bench.pull() == "3"
    assert len(bench.model.subscription(SUB).backlog) == 1


def test_without_retention_nothing_is_kept():
    bench = Bench()
    bench.publish("1 2")
    bench.take()
    assert len(bench.model.topic(TOPIC).retained) == len(bench.model.subscription(SUB).acknowledged) == 0


def test_a_retention_that_ends_frees_the_messages():
    bench = Bench(TopicSettings(message_retention_duration=600), retain_acked_messages=True)
    bench.publish("1")
    bench.take()
    bench.model.update_topic(TOPIC, TopicSettings())
    bench.model.update_subscription(SUB, SubscriptionSettings())
    assert len(bench.model.topic(TOPIC).retained) == len(bench.model.subscription(SUB).acknowledged) == 0
    bench.seek(DAY_S)
    assert bench.pull() == ""


def test_seeking_again_and_again_neither_loses_nor_repeats():
    bench = Bench(TopicSettings(message_retention_duration=600), retain_acked_messages=True)
    for word in "1234":
        bench.publish(word)
        bench.now += 1
    for ago, expected in ((1, "4"), (3, "2 3 4"), (0, ""), (4, "1 2 3 4"), (2, "3 4"), (9, "1 2 3 4")):
        bench.seek(ago)
        bench.seek(ago)
        assert bench.take() == expected


class TestSnapshots:
    def test_a_snapshot_expires_seven_days_after_its_oldest_message(self):
        bench = Bench()
        bench.publish("1")
        bench.now += DAY_S
        snapshot = bench.model.create_snapshot(SNAPSHOT, SUB)
        assert snapshot.expire_ns == (bench.now + 6 * DAY_S) * NS
        bench.now += 6 * DAY_S - 1
        assert bench.model.snapshots.get(SNAPSHOT) is snapshot
        bench.now += 1
        with pytest.raises(RequestError, match="Snapshot does not exist"):
            bench.model.snapshots.get(SNAPSHOT)
        assert bench.model.topic(TOPIC).snapshots == {}

    def test_a_snapshot_that_would_expire_within_the_hour_is_refused(self):
        bench = Bench(message_retention_duration=31 * DAY_S)
        bench.publish("1")
        bench.now += 7 * DAY_S - 3599
        with pytest.raises(RequestError, match="less than an hour") as refusal:
            bench.model.create_snapshot(SNAPSHOT, SUB)
        assert refusal.value.status is Status.FAILED_PRECONDITION

    def test_a_snapshot_brings_back_acknowledged_messages_that_nothing_else_retains(self):
        bench = Bench()
        bench.publish("1 2")
        bench.model.create_snapshot(SNAPSHOT, SUB)
        bench.publish("3")
        assert bench.take() == "1 2 3"
        bench.model.seek_to_snapshot(SUB, SNAPSHOT)
        assert bench.pull() == "1 2 3"

    def test_a_deleted_snapshot_no_longer_receives_messages(self):
        bench = Bench()
        snapshot = bench.model.create_snapshot(SNAPSHOT, SUB)
        bench.model.snapshots.delete(SNAPSHOT)
        bench.publish("1")
        assert snapshot.messages == []

    def test_a_snapshot_of_a_topic_that_was_created_again_does_not_match(self):
        bench = Bench()
        bench.model.create_snapshot(SNAPSHOT, SUB)
        bench.model.delete_topic(TOPIC)
        bench.model.create_topic(TOPIC)
        bench.model.create_subscription(f"{SUB}-2", TOPIC)
        with pytest.raises(RequestError, match="created again is another topic"):
            bench.model.seek_to_snapshot(f"{SUB}-2", SNAPSHOT)
        bench.model.seek_to_snapshot(SUB, SNAPSHOT)

    def test_listing_keeps_to_the_project(self):
        bench = Bench()
        bench.model.create_snapshot(SNAPSHOT, SUB, {"a": "b"})
        bench.model.create_snapshot("projects/pp/snapshots/other", SUB)
        assert [(one.name, one.labels) for one in bench.model.snapshots.all("projects/p")] == [(SNAPSHOT, {"a": "b"})]
