"""Transitions of incidents on a topic: what each message says, and what becomes of those that it does not take."""

import base64
import json
from typing import Any

import pytest

from telemetry.model.record_batches import from_records, to_json_lines
from telemetry.model.records import Incident
from tests.support.counting import Tally
from tests.support.pubsub_fixtures import PROJECT, PubSub, embedded_broker, official_emulator, pubsub
from tests.support.records import START, batch_of, transition
from tests.support.run_transform import run_transform, stream_of
from transforms.outputs.alert_messages import incident_messages
from transforms.outputs.publish_messages import PublishIncidents

__all__ = ["embedded_broker", "official_emulator", "pubsub"]  # fixtures, found by name
pytestmark = pytest.mark.xdist_group("emulator")
TRANSITIONS = [
    transition(0),
    transition(1, flapping=True),
    transition(2, state="closed"),
    transition(0, incident_id="ff", device="Küche", metric="", condition="silence", value=None, worst=None),
]


def sent_of(one: Incident) -> tuple[bytes, dict[str, str]]:
    attributes = {
        "state": one.state,
        "severity": one.severity,
        "rule_id": one.rule_id,
        "device": one.device,
        "incident_id": one.incident_id,
        "sequence": str(one.sequence),
    }
    return to_json_lines(batch_of(one)).removesuffix(b"\n"), attributes


def test_a_transition_is_the_line_of_json_with_six_attributes() -> None:
    (message,) = incident_messages(batch_of(transition(2, state="closed")))
    assert message.attributes == {
        "state": "closed",
        "severity": "critical",
        "rule_id": "temp-high",
        "device": "b8:27:eb",
        "incident_id": "0123456789abcdef",
        "sequence": "2",
    }
    assert (message.message_id, message.event_us) == ("0123456789abcdef-2", START + 120_000_000)
    row = json.loads(message.data)
    assert list(row) == list(Incident.__struct_fields__)
    assert (row["opened_at"], row["closed_at"]) == ("2020-07-12T00:00:00.000000Z", "2020-07-12T00:02:00.000000Z")


def test_transitions_are_in_the_order_of_the_batch() -> None:
    messages = list(incident_messages(batch_of(*TRANSITIONS)))
    assert [(one.data, one.attributes) for one in messages] == [sent_of(one) for one in TRANSITIONS]
    assert list(incident_messages(from_records(Incident, []))) == []


@pytest.mark.parametrize("streamed", [False, True], ids=["bounded", "stream"])
def test_each_transition_is_a_message(
    streamed: bool, tally: Tally, pubsub: PubSub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", pubsub.address)
    topic = pubsub.new_topic()
    subscription = pubsub.new_subscription(topic)
    batches: list[Any] = [batch_of(*TRANSITIONS[:3]), batch_of(TRANSITIONS[3])]
    outputs = run_transform(stream_of(*([one] for one in batches)) if streamed else batches, PublishIncidents(topic))
    assert outputs == {"dead_letters": []}
    found = [(one.message.data, dict(one.message.attributes)) for one in pubsub.pull(subscription, 4)]
    assert sorted(found, key=str) == sorted(map(sent_of, TRANSITIONS), key=str)
    assert tally.counts == {"alerts_published": 4}


def test_a_transition_that_has_no_topic_is_a_dead_letter(
    tally: Tally, pubsub: PubSub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", pubsub.address)
    topic = f"{PROJECT}/topics/not-there"
    (letters,) = run_transform([batch_of(transition(1))], PublishIncidents(topic))["dead_letters"]
    (letter,) = letters.to_pylist()
    data, attributes = sent_of(transition(1))
    assert (letter["reason"], letter["stage"]) == ("not_delivered", "alerts")
    assert letter["error"] == f"{topic}: cannot be published to: NOT_FOUND: Topic not found"
    assert base64.b64decode(letter["payload"]) == data
    assert json.loads(letter["attributes"]) == attributes
    assert letter["message_id"] == "0123456789abcdef-1"
    assert tally.counts == {"dead_letters/not_delivered": 1}
