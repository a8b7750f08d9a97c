"""Conformance of the embedded broker in ordering, late acknowledgements, retention, seek, snapshots and updates.

The same assertions run against Google's emulator (0.8.20). `TestDifferences` pins where the two differ; the list is in
docs/reference.md.
"""

import queue
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.api_core import exceptions

from tests.support.pubsub_fixtures import PROJECT, PubSub, embedded_broker, official_emulator, pubsub

__all__ = ["embedded_broker", "official_emulator", "pubsub"]  # fixtures, found by name
pytestmark = pytest.mark.xdist_group("emulator")  # one worker, so that Java starts once

HOUR = {"seconds": 3600}
SHORT = 0.7
"""Patience with a Pull that gets nothing, seconds."""


def _data(received) -> list[bytes]:
    return [one.message.data for one in received]


def _published(received) -> dict[bytes, datetime]:
    return {one.message.data: one.message.publish_time for one in received}


def _ordered(pubsub: PubSub, **fields: Any) -> tuple[str, str]:
    topic = pubsub.new_topic()
    return topic, pubsub.new_subscription(topic, enable_message_ordering=True, **fields)


def _retaining(pubsub: PubSub, **fields: Any) -> tuple[str, str]:
    topic = pubsub.new_topic()
    return topic, pubsub.new_subscription(topic, retain_acked_messages=True, **fields)


def _official(request: pytest.FixtureRequest) -> bool:
    return "official" in request.node.callspec.id


def _seek(pubsub: PubSub, subscription: str, **target: Any) -> None:
    pubsub.subscriber.seek(request={"subscription": subscription, **target}, timeout=10, retry=None)


def _update(pubsub: PubSub, subscription: str, *paths: str, **fields: Any) -> Any:
    request = {"subscription": {"name": subscription, **fields}, "update_mask": {"paths": paths}}
    return pubsub.subscriber.update_subscription(request=request, timeout=10, retry=None)


def _update_topic(pubsub: PubSub, topic: str, *paths: str, **fields: Any) -> Any:
    request = {"topic": {"name": topic, **fields}, "update_mask": {"paths": paths}}
    return pubsub.requests.update_topic(request=request, timeout=10, retry=None)


def _snapshot(pubsub: PubSub, subscription: str, name: str | None = None) -> str:
    request = {"name": pubsub.new_name("snapshots") if name is None else name, "subscription": subscription}
    return str(pubsub.subscriber.create_snapshot(request=request, timeout=10, retry=None).name)


def _take(pubsub: PubSub, subscription: str, count: int) -> list[Any]:
    """Pull and acknowledge."""
    received = pubsub.pull(subscription, count)
    pubsub.acknowledge(subscription, received)
    return received


@contextmanager
def _stream(pubsub: PubSub, subscription: str) -> Iterator[Iterator[Any]]:
    requests: queue.Queue[dict[str, Any] | None] = queue.Queue()
    requests.put({"subscription": subscription, "stream_ack_deadline_seconds": 60})
    stream = pubsub.subscriber.streaming_pull(iter(requests.get, None), timeout=60)
    try:
        yield stream
    finally:
        requests.put(None)
        stream.cancel()


class TestOrderedPull:
    def test_one_pull_delivers_a_run_of_a_key(self, pubsub: PubSub):
        topic, name = _ordered(pubsub)
        payloads = [b"%d" % i for i in range(50)]
        pubsub.publish(topic, *payloads[:20], key="k")
        pubsub.publish(topic, *payloads[20:], key="k")
        assert _data(pubsub.pull_now(name, 100)) == payloads

    def test_the_next_message_comes_only_after_the_whole_run_is_acknowledged(self, pubsub: PubSub):
        topic, name = _ordered(pubsub)
        pubsub.publish(topic, *(b"%d" % i for i in range(5)), key="k")
        first = pubsub.pull_now(name, 3)
        assert _data(first) == [b"0", b"1", b"2"]
        assert pubsub.pull_now(name, 3, SHORT) == []
        pubsub.acknowledge(name, first[:1])
        assert pubsub.pull_now(name, 3, SHORT) == []
        pubsub.acknowledge(name, first[2:])
        assert pubsub.pull_now(name, 3, SHORT) == []
        pubsub.acknowledge(name, first[1:2])
        assert _data(pubsub.pull_now(name, 3)) == [b"3", b"4"]

    def test_other_keys_and_messages_without_key_do_not_wait(self, pubsub: PubSub):
        topic, name = _ordered(pubsub)
        pubsub.publish(topic, b"a", key="k")
        assert _data(pubsub.pull(name, 1)) == [b"a"]
        pubsub.publish(topic, b"b", key="k")
        pubsub.publish(topic, b"c", key="other")
        pubsub.publish(topic, b"d")
        assert sorted(_data(pubsub.pull(name, 2))) == [b"c", b"d"]
        assert pubsub.pull_now(name, patience=SHORT) == []

    def test_another_key_goes_on_however_long_the_first_is_held(self, pubsub: PubSub):
        topic, name = _ordered(pubsub, ack_deadline_seconds=600)
        pubsub.publish(topic, b"held", b"withheld", key="k")
        assert _data(pubsub.pull(name, 1)) == [b"held"]
        payloads = [b"%d" % i for i in range(1500)]
        pubsub.publish(topic, *payloads[:1000], key="other")
        pubsub.publish(topic, *payloads[1000:], key="other")
        received: list[bytes] = []
        while len(received) < 1500:
            some = pubsub.pull_now(name)
            assert some != []
            received += _data(some)
            pubsub.acknowledge(name, some)
        assert received == payloads

    def test_without_ordering_the_next_message_does_not_wait(self, pubsub: PubSub):
        topic = pubsub.new_topic()
        name = pubsub.new_subscription(topic)
        pubsub.publish(topic, b"1", b"2", key="k")
        assert len(pubsub.pull(name, 1)) == len(pubsub.pull(name, 1)) == 1

    def test_a_message_of_the_middle_waits_for_the_ones_before(self, pubsub: PubSub):
        topic, name = _ordered(pubsub, ack_deadline_seconds=600)
        pubsub.publish(topic, b"0", b"1", b"2", key="k")
        first = pubsub.pull(name, 3)
        pubsub.nack(name, first[1:])
        assert pubsub.pull_now(name, patience=SHORT) == []
        pubsub.acknowledge(name, first[:1])
        assert _data(pubsub.pull(name, 2)) == [b"1", b"2"]

    def test_a_stream_keeps_its_key(self, pubsub: PubSub):
        topic, name = _ordered(pubsub)
        with _stream(pubsub, name) as stream:
            pubsub.publish(topic, b"0", key="k")
            held = list(next(stream).received_messages)
            pubsub.publish(topic, b"1", key="k")
            held += next(stream).received_messages
            assert _data(held) == [b"0", b"1"]
            pubsub.publish(topic, b"2", key="k")
            held += next(stream).received_messages
            assert pubsub.pull_now(name, patience=SHORT) == []
        assert _data(held) == [b"0", b"1", b"2"]


@pytest.mark.parametrize("ordered", [False, True], ids=["unordered", "ordered"])
class TestLateAcknowledgement:
    def _leased(self, pubsub: PubSub, ordered: bool) -> tuple[str, list[Any]]:
        topic = pubsub.new_topic()
        name = pubsub.new_subscription(topic, enable_message_ordering=ordered, ack_deadline_seconds=600)
        pubsub.publish(topic, b"1", key="k")
        return name, pubsub.pull(name, 1)

    def test_after_a_negative_one_the_message_is_redelivered(self, pubsub: PubSub, ordered: bool):
        name, first = self._leased(pubsub, ordered)
        pubsub.nack(name, first)
        pubsub.acknowledge(name, first)
        (again,) = pubsub.pull(name, 1)
        assert again.message.message_id == first[0].message.message_id
        assert again.ack_id != first[0].ack_id

    def test_the_id_of_an_earlier_delivery_does_not_count(self, pubsub: PubSub, ordered: bool):
        name, first = self._leased(pubsub, ordered)
        pubsub.nack(name, first)
        again = pubsub.pull(name, 1)
        pubsub.acknowledge(name, first)
        pubsub.nack(name, again)
        assert _data(pubsub.pull(name, 1)) == [b"1"]

    def test_a_deadline_cannot_be_moved_after_a_negative_one(self, pubsub: PubSub, ordered: bool):
        name, first = self._leased(pubsub, ordered)
        pubsub.nack(name, first)
        pubsub.subscriber.modify_ack_deadline(subscription=name, ack_ids=[first[0].ack_id], ack_deadline_seconds=60)
        assert _data(pubsub.pull(name, 1)) == [b"1"]

    def test_a_negative_one_of_an_earlier_delivery_does_not_count(self, pubsub: PubSub, ordered: bool):
        name, first = self._leased(pubsub, ordered)
        pubsub.nack(name, first)
        pubsub.pull(name, 1)
        pubsub.nack(name, first)
        assert pubsub.pull_now(name, patience=SHORT) == []


class TestSeekToTime:
    def test_retained_acknowledged_messages_come_again_from_the_time_on(self, pubsub: PubSub):
        topic, name = _retaining(pubsub)
        pubsub.publish(topic, b"1", b"2")
        times = _published(_take(pubsub, name, 2))
        pubsub.publish(topic, b"3")
        times |= _published(_take(pubsub, name, 1))
        assert pubsub.pull_now(name, patience=SHORT) == []
        assert times[b"3"] > times[b"1"]

        _seek(pubsub, name, time=times[b"3"])
        assert _data(_take(pubsub, name, 1)) == [b"3"]
        assert pubsub.pull_now(name, patience=SHORT) == []

        _seek(pubsub, name, time=times[b"1"] - timedelta(seconds=1))
        assert sorted(_data(pubsub.pull(name, 3))) == [b"1", b"2", b"3"]

    def test_nothing_acknowledged_comes_again_unless_it_is_retained(self, pubsub: PubSub):
        topic = pubsub.new_topic()
        name = pubsub.new_subscription(topic)
        pubsub.publish(topic, b"1", b"2")
        received = pubsub.pull(name, 2)
        pubsub.acknowledge(name, received[:1])
        _seek(pubsub, name, time=datetime(2020, 1, 1, tzinfo=UTC))
        assert _data(pubsub.pull(name, 1)) == _data(received[1:])
        assert pubsub.pull_now(name, patience=SHORT) == []

    def test_a_seek_to_the_future_purges_what_is_there_and_nothing_later(self, pubsub: PubSub):
        topic = pubsub.new_topic()
        name = pubsub.new_subscription(topic)
        pubsub.publish(topic, b"old")
        _seek(pubsub, name, time=datetime.now(UTC) + timedelta(hours=1))
        pubsub.publish(topic, b"new")
        assert _data(pubsub.pull(name, 1)) == [b"new"]
        assert pubsub.pull_now(name, patience=SHORT) == []

    def test_a_seek_ends_leases_and_their_ack_ids(self, pubsub: PubSub):
        topic, name = _retaining(pubsub, ack_deadline_seconds=600)
        pubsub.publish(topic, b"1", b"2", b"3")
        first = pubsub.pull(name, 2)
        pubsub.acknowledge(name, first[:1])
        _seek(pubsub, name, time=datetime(2020, 1, 1, tzinfo=UTC))
        again = pubsub.pull(name, 3)
        assert sorted(_data(again)) == [b"1", b"2", b"3"]
        pubsub.acknowledge(name, first)
        pubsub.nack(name, again)
        assert sorted(_data(pubsub.pull(name, 3))) == [b"1", b"2", b"3"]

    def test_an_open_stream_gets_what_comes_again(self, pubsub: PubSub):
        topic, name = _retaining(pubsub)
        pubsub.publish(topic, b"1")
        _take(pubsub, name, 1)
        with _stream(pubsub, name) as stream:
            _seek(pubsub, name, time=datetime(2020, 1, 1, tzinfo=UTC))
            assert _data(next(stream).received_messages) == [b"1"]

    def test_other_subscriptions_are_not_touched(self, pubsub: PubSub):
        topic, name = _retaining(pubsub)
        other = pubsub.new_subscription(topic, retain_acked_messages=True)
        pubsub.publish(topic, b"1")
        _take(pubsub, name, 1)
        _take(pubsub, other, 1)
        _seek(pubsub, name, time=datetime(2020, 1, 1, tzinfo=UTC))
        assert _data(pubsub.pull(name, 1)) == [b"1"]
        assert pubsub.pull_now(other, patience=SHORT) == []

    def test_retention_enabled_later_retains_from_then_on(self, pubsub: PubSub):
        topic = pubsub.new_topic()
        name = pubsub.new_subscription(topic)
        pubsub.publish(topic, b"1")
        _take(pubsub, name, 1)
        assert _update(pubsub, name, "retain_acked_messages", retain_acked_messages=True).retain_acked_messages
        pubsub.publish(topic, b"2")
        _take(pubsub, name, 1)
        _seek(pubsub, name, time=datetime(2020, 1, 1, tzinfo=UTC))
        assert _data(pubsub.pull(name, 1)) == [b"2"]
        assert pubsub.pull_now(name, patience=SHORT) == []

    def test_a_subscription_without_topic_can_seek(self, pubsub: PubSub):
        topic, name = _retaining(pubsub)
        pubsub.publish(topic, b"1")
        _take(pubsub, name, 1)
        pubsub.requests.delete_topic(topic=topic)
        _seek(pubsub, name, time=datetime(2020, 1, 1, tzinfo=UTC))
        assert _data(pubsub.pull(name, 1)) == [b"1"]

    def test_invalid_seeks_are_refused(self, pubsub: PubSub):
        _, name = _retaining(pubsub)
        with pytest.raises(exceptions.InvalidArgument, match="No target was specified in the SeekRequest"):
            _seek(pubsub, name)
        with pytest.raises(exceptions.NotFound, match="Subscription does not exist"):
            _seek(pubsub, pubsub.new_name("subscriptions"), time=datetime(2020, 1, 1, tzinfo=UTC))
        with pytest.raises(exceptions.NotFound, match="Snapshot does not exist"):
            _seek(pubsub, name, snapshot=pubsub.new_name("snapshots"))
        with pytest.raises(exceptions.InvalidArgument, match=r"Invalid \[snapshots\] name: \(name=bad\)"):
            _seek(pubsub, name, snapshot="bad")


class TestTopicRetention:
    def test_every_subscription_can_seek_to_what_the_topic_retains(self, pubsub: PubSub):
        request = {"name": pubsub.new_name("topics"), "message_retention_duration": HOUR}
        topic = str(pubsub.requests.create_topic(request=request).name)
        name = pubsub.new_subscription(topic)
        pubsub.publish(topic, b"1")
        _take(pubsub, name, 1)
        later = pubsub.new_subscription(topic)
        for subscription in (name, later):
            _seek(pubsub, subscription, time=datetime(2020, 1, 1, tzinfo=UTC))
            assert _data(pubsub.pull(subscription, 1)) == [b"1"]

    @pytest.mark.parametrize("seconds", [600, 3600, 31 * 24 * 3600])
    def test_a_retention_is_reported(self, pubsub: PubSub, seconds: int):
        request = {"name": pubsub.new_name("topics"), "message_retention_duration": {"seconds": seconds}}
        created = pubsub.requests.create_topic(request=request)
        assert created.message_retention_duration == timedelta(seconds=seconds)
        assert pubsub.requests.get_topic(topic=created.name) == created

    @pytest.mark.parametrize("seconds", [-1, 0, 599, 31 * 24 * 3600 + 1])
    def test_a_retention_out_of_bounds_is_refused(self, pubsub: PubSub, seconds: int):
        retention = {"message_retention_duration": {"seconds": seconds}}
        with pytest.raises(exceptions.InvalidArgument, match="message_retention_duration out of bounds"):
            pubsub.requests.create_topic(request={"name": pubsub.new_name("topics"), **retention})
        topic = pubsub.new_topic()
        with pytest.raises(exceptions.InvalidArgument, match="message_retention_duration out of bounds"):
            pubsub.new_subscription(topic, **retention)
        with pytest.raises(exceptions.InvalidArgument, match="message_retention_duration out of bounds"):
            _update_topic(pubsub, topic, "message_retention_duration", **retention)


class TestSnapshots:
    def test_a_snapshot_is_found_and_listed_until_deleted(self, pubsub: PubSub):
        topic = pubsub.new_topic()
        subscription = pubsub.new_subscription(topic)
        name = _snapshot(pubsub, subscription)
        found = pubsub.subscriber.get_snapshot(request={"snapshot": name})
        assert (found.name, found.topic) == (name, topic)
        left = found.expire_time - datetime.now(UTC)
        assert timedelta(days=6, hours=23) < left <= timedelta(days=7)
        assert name in [one.name for one in pubsub.subscriber.list_snapshots(project=PROJECT)]
        assert list(pubsub.requests.list_topic_snapshots(request={"topic": topic})) == [name]
        pubsub.subscriber.delete_snapshot(snapshot=name)
        assert name not in [one.name for one in pubsub.subscriber.list_snapshots(project=PROJECT)]
        with pytest.raises(exceptions.NotFound, match="Snapshot does not exist"):
            pubsub.subscriber.get_snapshot(request={"snapshot": name})

    def test_a_snapshot_brings_back_what_was_unacknowledged_and_what_came_later(self, pubsub: PubSub):
        topic = pubsub.new_topic()
        name = pubsub.new_subscription(topic, ack_deadline_seconds=600)
        pubsub.publish(topic, b"1", b"2", b"3")
        received = pubsub.pull(name, 3)
        pubsub.acknowledge(name, received[:1])
        snapshot = _snapshot(pubsub, name)
        pubsub.acknowledge(name, received[1:])
        pubsub.publish(topic, b"4")
        _take(pubsub, name, 1)
        _seek(pubsub, name, snapshot=snapshot)
        assert sorted(_data(pubsub.pull(name, 3))) == sorted([*_data(received[1:]), b"4"])
        assert pubsub.pull_now(name, patience=SHORT) == []

    def test_a_snapshot_acknowledges_what_was_acknowledged(self, pubsub: PubSub):
        topic, name = _retaining(pubsub)
        pubsub.publish(topic, b"1", b"2")
        received = pubsub.pull(name, 2)
        pubsub.acknowledge(name, received[:1])
        snapshot = _snapshot(pubsub, name)
        _seek(pubsub, name, time=datetime(2020, 1, 1, tzinfo=UTC))
        _seek(pubsub, name, snapshot=snapshot)
        assert _data(pubsub.pull(name, 1)) == _data(received[1:])
        assert pubsub.pull_now(name, patience=SHORT) == []

    def test_another_subscription_of_the_topic_can_seek_to_it(self, pubsub: PubSub):
        topic = pubsub.new_topic()
        name = pubsub.new_subscription(topic)
        other = pubsub.new_subscription(topic, retain_acked_messages=True)
        pubsub.publish(topic, b"1", b"2")
        received = pubsub.pull(name, 2)
        pubsub.acknowledge(name, received[:1])
        snapshot = _snapshot(pubsub, name)
        _take(pubsub, other, 2)
        _seek(pubsub, other, snapshot=snapshot)
        assert _data(pubsub.pull(other, 1)) == _data(received[1:])

    def test_a_snapshot_outlives_its_subscription(self, pubsub: PubSub):
        name = pubsub.new_subscription(pubsub.new_topic())
        snapshot = _snapshot(pubsub, name)
        pubsub.subscriber.delete_subscription(subscription=name)
        assert pubsub.subscriber.get_snapshot(request={"snapshot": snapshot}).name == snapshot

    def test_a_snapshot_of_another_topic_is_refused(self, pubsub: PubSub):
        snapshot = _snapshot(pubsub, pubsub.new_subscription(pubsub.new_topic()))
        other = pubsub.new_subscription(pubsub.new_topic())
        with pytest.raises(exceptions.FailedPrecondition, match="is different from that of the snapshot"):
            _seek(pubsub, other, snapshot=snapshot)

    def test_invalid_snapshots_are_refused(self, pubsub: PubSub):
        name = pubsub.new_subscription(pubsub.new_topic())
        snapshot = _snapshot(pubsub, name)
        with pytest.raises(exceptions.AlreadyExists, match="Snapshot already exists"):
            _snapshot(pubsub, name, snapshot)
        with pytest.raises(exceptions.InvalidArgument, match=r"Invalid \[snapshots\] name: \(name=bad\)"):
            _snapshot(pubsub, name, "bad")
        with pytest.raises(exceptions.NotFound, match="Subscription does not exist"):
            _snapshot(pubsub, pubsub.new_name("subscriptions"))
        pubsub.subscriber.delete_snapshot(snapshot=snapshot)
        with pytest.raises(exceptions.NotFound, match="Snapshot does not exist"):
            pubsub.subscriber.delete_snapshot(snapshot=snapshot)


class TestUpdates:
    def test_the_fields_of_the_mask_and_no_others_change(self, pubsub: PubSub):
        name = pubsub.new_subscription(pubsub.new_topic())
        changed = _update(
            pubsub,
            name,
            "ack_deadline_seconds",
            "message_retention_duration",
            ack_deadline_seconds=33,
            message_retention_duration=HOUR,
            retain_acked_messages=True,
        )
        assert (changed.ack_deadline_seconds, changed.retain_acked_messages) == (33, False)
        assert changed.message_retention_duration == timedelta(hours=1)
        assert pubsub.subscriber.get_subscription(subscription=name) == changed

    def test_the_default_ack_deadline_is_set_by_0(self, pubsub: PubSub):
        name = pubsub.new_subscription(pubsub.new_topic(), ack_deadline_seconds=60)
        assert _update(pubsub, name, "ack_deadline_seconds").ack_deadline_seconds == 10

    def test_the_retention_of_a_topic_changes(self, pubsub: PubSub):
        topic = pubsub.new_topic()
        changed = _update_topic(pubsub, topic, "message_retention_duration", message_retention_duration=HOUR)
        assert changed.message_retention_duration == timedelta(hours=1)
        assert pubsub.requests.get_topic(topic=topic) == changed

    @pytest.mark.parametrize(
        ("path", "fields", "problem"),
        [
            ("nonsense", {}, "nonsense is not a known Subscription field"),
            ("name", {}, "the name field in the Subscription is not mutable"),
            ("topic", {"topic": f"{PROJECT}/topics/abc"}, "the topic field in the Subscription is not mutable"),
            (
                "enable_message_ordering",
                {"enable_message_ordering": True},
                "enable_message_ordering field .* not mutable",
            ),
            ("ack_deadline_seconds", {"ack_deadline_seconds": 601}, "ack_deadline_secs out of bounds"),
            ("message_retention_duration", {"message_retention_duration": {"seconds": 1}}, "out of bounds"),
        ],
        ids=lambda value: value if isinstance(value, str) and " " not in value else "",
    )
    def test_an_invalid_change_is_refused_and_changes_nothing(self, pubsub: PubSub, path: str, fields, problem: str):
        name = pubsub.new_subscription(pubsub.new_topic())
        before = pubsub.subscriber.get_subscription(subscription=name)
        with pytest.raises(exceptions.InvalidArgument, match=problem):
            _update(pubsub, name, path, **fields)
        assert pubsub.subscriber.get_subscription(subscription=name) == before

    def test_an_empty_mask_is_refused(self, pubsub: PubSub):
        topic = pubsub.new_topic()
        with pytest.raises(exceptions.InvalidArgument, match="must contain a non-empty paths list"):
            _update(pubsub, pubsub.new_subscription(topic), ack_deadline_seconds=33)
        with pytest.raises(exceptions.InvalidArgument, match="must contain a non-empty paths list"):
            _update_topic(pubsub, topic, labels={"a": "b"})

    def test_unknown_resources_are_not_found(self, pubsub: PubSub):
        with pytest.raises(exceptions.NotFound):
            _update(pubsub, pubsub.new_name("subscriptions"), "ack_deadline_seconds", ack_deadline_seconds=33)
        with pytest.raises(exceptions.NotFound):
            _update_topic(
                pubsub, pubsub.new_name("topics"), "message_retention_duration", message_retention_duration=HOUR
            )

    def test_an_unknown_field_of_a_topic_is_refused(self, pubsub: PubSub):
        with pytest.raises(exceptions.InvalidArgument, match="nonsense is not a known Topic field"):
            _update_topic(pubsub, pubsub.new_topic(), "nonsense")

    def test_an_unknown_schema_is_not_found(self, pubsub: PubSub):
        settings = {"schema_settings": {"schema": f"{PROJECT}/schemas/unknown", "encoding": "JSON"}}
        with pytest.raises(exceptions.NotFound, match="Schema could not be found"):
            pubsub.requests.create_topic(request={"name": pubsub.new_name("topics"), **settings})
        with pytest.raises(exceptions.NotFound, match="Schema could not be found"):
            _update_topic(pubsub, pubsub.new_topic(), "schema_settings", **settings)

    def test_no_push_is_accepted(self, pubsub: PubSub):
        name = pubsub.new_subscription(pubsub.new_topic())
        pubsub.subscriber.modify_push_config(subscription=name, push_config={})
        assert not pubsub.subscriber.get_subscription(subscription=name).push_config.push_endpoint

    @pytest.mark.parametrize("policy", [{}, {"ttl": {"seconds": 86_400}}], ids=["never", "a day"])
    def test_an_expiration_policy_is_reported(self, pubsub: PubSub, policy):
        name = pubsub.new_subscription(pubsub.new_topic(), expiration_policy=policy)
        found = pubsub.subscriber.get_subscription(subscription=name)
        assert "expiration_policy" in found
        assert found.expiration_policy.ttl == timedelta(seconds=86_400 if policy else 0)


class TestDifferences:
    """Each test says what Google's emulator does and what the broker does, as the service documents it."""

    def test_a_pull_delivers_up_to_a_hundred_or_a_thousand_messages(self, pubsub: PubSub, request):
        topic = pubsub.new_topic()
        name = pubsub.new_subscription(topic)
        pubsub.publish(topic, *[b"x"] * 1000)
        assert len(pubsub.pull_now(name, 1000)) == (100 if _official(request) else 1000)

    def test_a_returned_message_comes_before_or_after_later_ones_of_its_key(self, pubsub: PubSub, request):
        topic, name = _ordered(pubsub)
        pubsub.publish(topic, b"0", b"1", key="k")
        first = pubsub.pull(name, 1)
        pubsub.nack(name, first)
        expected = [b"1", b"0"] if _official(request) else [b"0", b"1"]
        assert _data(pubsub.pull(name, 2)) == expected

    def test_a_new_subscription_gets_what_the_topic_retains_only_from_the_emulator(self, pubsub: PubSub, request):
        name = pubsub.new_name("topics")
        pubsub.requests.create_topic(request={"name": name, "message_retention_duration": HOUR})
        pubsub.publish(name, b"before")
        subscription = pubsub.new_subscription(name)
        expected = [b"before"] if _official(request) else []
        assert _data(pubsub.pull_now(subscription, patience=SHORT)) == expected

    def test_messages_purged_by_a_seek_are_retained_only_in_the_broker(self, pubsub: PubSub, request):
        topic, name = _retaining(pubsub)
        pubsub.publish(topic, b"1")
        _seek(pubsub, name, time=datetime.now(UTC) + timedelta(hours=1))
        assert pubsub.pull_now(name, patience=SHORT) == []
        _seek(pubsub, name, time=datetime(2020, 1, 1, tzinfo=UTC))
        expected = [] if _official(request) else [b"1"]
        assert _data(pubsub.pull_now(name, patience=SHORT)) == expected

    def test_an_update_with_one_invalid_field_changes_nothing_only_in_the_broker(self, pubsub: PubSub, request):
        name = pubsub.new_subscription(pubsub.new_topic())
        paths = ["retain_acked_messages", "ack_deadline_seconds"]
        with pytest.raises(exceptions.InvalidArgument, match="ack_deadline_secs out of bounds"):
            _update(pubsub, name, *paths, retain_acked_messages=True, ack_deadline_seconds=601)
        retains = pubsub.subscriber.get_subscription(subscription=name).retain_acked_messages
        assert retains == _official(request)

    def test_an_ordered_subscription_can_seek_only_in_the_broker(self, pubsub: PubSub, request):
        topic, name = _ordered(pubsub, retain_acked_messages=True, ack_deadline_seconds=600)
        pubsub.publish(topic, *(b"%d" % i for i in range(4)), key="k")
        pubsub.acknowledge(name, pubsub.pull(name, 2)[:1])
        target = datetime(2020, 1, 1, tzinfo=UTC)
        if _official(request):
            with pytest.raises(exceptions.MethodNotImplemented):
                _seek(pubsub, name, time=target)
        else:
            _seek(pubsub, name, time=target)
            assert _data(pubsub.pull_now(name)) == [b"0", b"1", b"2", b"3"]

    def test_a_snapshot_serves_a_subscription_that_is_younger_only_in_the_broker(self, pubsub: PubSub, request):
        topic = pubsub.new_topic()
        name = pubsub.new_subscription(topic)
        pubsub.publish(topic, b"1")
        snapshot = _snapshot(pubsub, name)
        younger = pubsub.new_subscription(topic)
        _seek(pubsub, younger, snapshot=snapshot)
        expected = [] if _official(request) else [b"1"]
        assert _data(pubsub.pull_now(younger, patience=SHORT)) == expected

    def test_labels_can_be_updated_only_in_the_broker(self, pubsub: PubSub, request):
        topic = pubsub.new_topic()
        name = pubsub.new_subscription(topic)
        if _official(request):
            with pytest.raises(exceptions.InvalidArgument, match="labels is not a known"):
                _update(pubsub, name, "labels", labels={"a": "b"})
        else:
            assert dict(_update(pubsub, name, "labels", labels={"a": "b"}).labels) == {"a": "b"}
            assert dict(_update_topic(pubsub, topic, "labels", labels={"c": "d"}).labels) == {"c": "d"}

    def test_a_retention_without_value_ends_or_becomes_the_longest(self, pubsub: PubSub, request):
        topic = pubsub.new_topic()
        _update_topic(pubsub, topic, "message_retention_duration", message_retention_duration=HOUR)
        left = _update_topic(pubsub, topic, "message_retention_duration").message_retention_duration
        assert left == (timedelta(days=31) if _official(request) else timedelta(0))

    def test_a_subscription_retains_up_to_seven_or_31_days(self, pubsub: PubSub, request):
        topic = pubsub.new_topic()
        retention = {"message_retention_duration": {"seconds": 31 * 24 * 3600}}
        if _official(request):
            with pytest.raises(exceptions.InvalidArgument, match="out of bounds"):
                pubsub.new_subscription(topic, **retention)
        else:
            found = pubsub.subscriber.get_subscription(subscription=pubsub.new_subscription(topic, **retention))
            assert found.message_retention_duration == timedelta(days=31)

    @pytest.mark.parametrize(
        "fields", [{"kms_key_name": "projects/p/locations/l/keyRings/r/cryptoKeys/k"}, {"tags": {"a": "b"}}], ids=str
    )
    def test_unsupported_fields_of_a_topic_are_refused_by_the_broker_alone(self, pubsub: PubSub, request, fields):
        topic = {"name": pubsub.new_name("topics"), **fields}
        if _official(request):
            assert pubsub.requests.create_topic(request=topic).name == topic["name"]
        else:
            with pytest.raises(exceptions.MethodNotImplemented, match=f"does not support {next(iter(fields))}$"):
                pubsub.requests.create_topic(request=topic)
