"""Messages between MQTT and Pub/Sub: what they become, and which are held until they are acknowledged."""

from publisher.bridge.held_messages import HeldMessages, MqttMessage
from publisher.bridge.messages import make_bridged, problem_of
from publisher.bridge.topic_pattern import parse_pattern

PATTERN = parse_pattern("plants/{site}/{device}")


def message(
    sequence: int = 7, topic: str = "plants/n/d1", payload: bytes = b"{}", connection: int = 1, retained: bool = False
) -> MqttMessage:
    return MqttMessage(sequence, topic, payload, 100 + sequence, connection, retained, False)


def test_a_message_with_its_attributes() -> None:
    made = make_bridged(message(payload=b"{}\n \n{}\n", retained=True), PATTERN, "run")
    assert (made.sequence, made.payload, made.rows, made.ordering_key) == (7, b"{}\n \n{}\n", 2, "d1")
    assert made.attributes == {
        "message_key": "run-7",
        "rows": "2",
        "run_id": "run",
        "mqtt_topic": "plants/n/d1",
        "site": "n",
        "device": "d1",
        "mqtt_retained": "true",
    }


def test_without_a_device_the_topic_is_the_ordering_key() -> None:
    assert make_bridged(message(), parse_pattern("plants/#"), "run").ordering_key == "plants/n/d1"
    assert make_bridged(message(topic="plants/n/"), PATTERN, "run").ordering_key == "plants/n/"


def test_devices_that_share_keys_have_each_the_same_key_always() -> None:
    topics = [f"plants/n/d{number}" for number in range(100)]
    keys = [make_bridged(message(topic=topic), PATTERN, "run", keys=8).ordering_key for topic in topics]
    assert set(keys) == {f"mqtt-{number}" for number in range(8)}
    assert keys == [make_bridged(message(topic=topic), PATTERN, "other", keys=8).ordering_key for topic in topics]


def test_a_key_by_content_is_that_of_topic_and_payload() -> None:
    def key(**fields: str | bytes | int) -> str:
        return make_bridged(message(**fields), PATTERN, "run", "content").attributes["message_key"]  # type: ignore[arg-type]

    assert key(sequence=1) == key(sequence=2)
    assert len({key(), key(topic="plants/n/d2"), key(payload=b"[]"), key(topic="plants/n/d", payload=b"1{}")}) == 4


def test_what_pubsub_does_not_take() -> None:
    fits = make_bridged(message(payload=b"x" * 9_998_000), PATTERN, "run")
    assert problem_of(fits) == ""
    large = make_bridged(message(payload=b"x" * 10_000_000), PATTERN, "run")
    assert problem_of(large) == "it has 10,000,000 bytes; Pub/Sub takes at most 10,000,000 with attributes"
    long = make_bridged(message(topic="plants/n/" + "ü" * 600), PATTERN, "run")
    assert problem_of(long) == "mqtt_topic has 1,209 bytes; Pub/Sub takes at most 1,024 in an attribute"


def test_messages_are_acknowledged_in_order_when_those_before_are_settled() -> None:
    held = HeldMessages(10)
    for number in range(4):
        held.add(message(number))
    held.settle(1)
    held.settle(2)
    assert held.take_settled(1) == []
    held.settle(0)
    assert held.take_settled(1) == [100, 101, 102]
    held.settle(3)
    assert (held.take_settled(1), held.take_settled(1)) == ([103], [])


def test_messages_of_an_earlier_connection_are_not_acknowledged() -> None:
    held = HeldMessages(10)
    held.add(message(0, connection=1))
    held.add(message(1, connection=2))
    held.settle(0)
    held.settle(1)
    assert held.take_settled(2) == [101]


def test_a_message_that_is_left_holds_nobody_up() -> None:
    held = HeldMessages(2)
    held.add(message(0))
    held.add(message(1))
    states = [held.is_full]
    held.leave(0)
    held.settle(1)
    assert held.take_settled(1) == [101]
    assert [*states, held.is_full] == [True, False]


def test_bytes_are_bounded_until_messages_are_settled() -> None:
    held = HeldMessages(10, most_bytes=5)
    states = []
    held.add(message(0, payload=b"1234"))
    states.append(held.is_full)
    held.add(message(1, payload=b"5"))
    states.append(held.is_full)
    held.settle(1)
    states.append(held.is_full)  # its payload is gone, though it waits for the one before
    assert states == [False, True, False]
