"""Anomalies and dead letters on topics: what each message says, and that nothing is lost whatever the server does."""

import base64
import gzip
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import apache_beam as beam
import grpc
import msgspec
import pyarrow as pa
import pytest
from apache_beam.testing import test_stream
from google.api_core import exceptions
from google.pubsub_v1 import PublisherClient

from publisher.broker import Broker
from telemetry.model.record_batches import from_records, record_times, to_json_lines
from telemetry.model.records import Anomaly, DeadLetter
from telemetry.pubsub.outbox import RETRIES
from tests.support.counting import Tally
from tests.support.pubsub_fixtures import PROJECT, PubSub, clients, embedded_broker, official_emulator, pubsub
from tests.support.run_transform import run_transform, stream_of
from transforms.outputs.alert_messages import anomaly_messages, dead_alert
from transforms.outputs.publish_messages import (
    PublishAnomalies,
    PublishDeadLetters,
    letter_messages,
    with_attributes,
)
from transforms.outputs.sink_result import SinkResult

__all__ = ["embedded_broker", "official_emulator", "pubsub"]  # fixtures, found by name
pytestmark = pytest.mark.xdist_group("emulator")  # one worker, so that Java starts once
START = 1_594_512_000_000_000  # 2020-07-12T00:00:00Z
TOPIC = f"{PROJECT}/topics/alerts"
Sent = tuple[bytes, dict[str, str]]
"""Data and attributes of a message."""


def anomaly(number: int, device: str = "b8:27:eb", **changes: Any) -> Anomaly:
    found = Anomaly(
        anomaly_id=f"{number:032x}",
        rule_id="temp-high",
        severity="critical",
        device=device,
        metric="temp",
        value=30.0 + number / 7,
        threshold=30.0,
        threshold_upper=None,
        comparison="above",
        event_time=START + number,
        source_time=START + number - 5,
        message_id=f"m{number}",
        rules_version="v",
    )
    return msgspec.structs.replace(found, **changes)


def letter(payload: bytes, attributes: Mapping[str, str] | None = None, **changes: Any) -> DeadLetter:
    found = DeadLetter(
        reason="not_json",
        error="not JSON: é",
        stage="decode",
        payload=base64.b64encode(payload).decode(),
        line=3,
        attributes=json.dumps(dict(attributes or {})),
        message_id="m1",
        publish_time=START + 1,
        event_time=None,
    )
    return msgspec.structs.replace(found, **changes)


def batch_of(*records: Any) -> pa.RecordBatch:
    return from_records(type(records[0]), records)


def alert_of(one: Anomaly) -> Sent:
    """The message of an anomaly."""
    data = to_json_lines(batch_of(one)).removesuffix(b"\n")
    return data, {"rule_id": one.rule_id, "severity": one.severity, "device": one.device}


def dead_of(topic: str, cause: str, one: Anomaly) -> DeadLetter:
    """The dead letter of an anomaly that a topic refused."""
    data, attributes = alert_of(one)
    return DeadLetter(
        reason="not_delivered",
        error=f"{topic}: cannot be published to: {cause}",
        stage="alerts",
        payload=base64.b64encode(data).decode(),
        line=None,
        attributes=json.dumps(attributes, sort_keys=True, separators=(",", ":"), ensure_ascii=False),
        message_id=one.message_id,
        publish_time=None,
        event_time=one.event_time,
    )


# Content of a message


def test_an_alert_is_the_line_of_json_with_three_attributes():
    (message,) = anomaly_messages(batch_of(anomaly(7, "Küche")))
    assert message.attributes == {"rule_id": "temp-high", "severity": "critical", "device": "Küche"}
    assert (message.message_id, message.event_us) == ("m7", START + 7)
    assert (
        message.data
        == (
            '{"anomaly_id":"00000000000000000000000000000007","rule_id":"temp-high","severity":"critical",'
            '"device":"Küche","metric":"temp","value":31.0,"threshold":30.0,"threshold_upper":null,'
            '"comparison":"above","event_time":"2020-07-12T00:00:00.000007Z",'
            '"source_time":"2020-07-12T00:00:00.000002Z","message_id":"m7","rules_version":"v","job_id":""}'
        ).encode()
    )


def test_alerts_are_in_the_order_of_the_batch_whatever_is_in_them():
    some = [anomaly(1, 'line\nbreak "quote"'), anomaly(2, ""), anomaly(3, "é", severity="info", rule_id="r.2")]
    assert [(one.data, one.attributes) for one in anomaly_messages(batch_of(*some))] == [alert_of(one) for one in some]
    assert list(anomaly_messages(from_records(Anomaly, []))) == []


@pytest.mark.parametrize(
    ("device", "attribute"),
    [
        ("d" * 1024, "d" * 1024),
        ("d" * 2000, "d" * 1024),
        ("d" + "é" * 1999, "d" + "é" * 511),
        ("\U0001f600" * 2000, None),
    ],
)
def test_a_long_device_is_cut_as_an_attribute_only(device, attribute):
    (message,) = anomaly_messages(batch_of(anomaly(1, device)))
    assert message.attributes["device"] == (attribute or "\U0001f600" * 256)
    assert json.loads(message.data)["device"] == device


def test_an_alert_that_is_refused_is_kept_whole():
    one = anomaly(1, "Küche")
    (message,) = anomaly_messages(batch_of(one))
    found = dead_alert(f"{TOPIC}: cannot be published to", message, "NOT_FOUND: Topic not found")
    assert found == dead_of(TOPIC, "NOT_FOUND: Topic not found", one)
    assert found.error == f"{TOPIC}: cannot be published to: NOT_FOUND: Topic not found"
    assert base64.b64decode(found.payload) == message.data
    assert found.attributes == '{"device":"Küche","rule_id":"temp-high","severity":"critical"}'


@pytest.mark.parametrize("payload", [b"", b"\xff\xfe\x00", b"a\r\nb\n", gzip.compress(b"{}", mtime=0)])
def test_a_letter_is_what_was_received_and_why_it_is_dead(payload):
    own = {"run_id": "r", "empty": "", "é": "ü"}
    whole, line = letter_messages(batch_of(letter(payload, own, line=None), letter(payload, own)))
    ours = {
        "dead_letter_reason": "not_json",
        "dead_letter_error": "not JSON: é",
        "dead_letter_stage": "decode",
        "dead_letter_message_id": "m1",
    }
    assert (whole.data, whole.attributes) == (payload, own | ours)
    assert (line.data, line.attributes) == (payload, own | ours | {"dead_letter_line": "3"})


def test_a_long_error_is_cut():
    (message,) = letter_messages(batch_of(letter(b"a", error="é" * 1000)))
    assert message.attributes["dead_letter_error"] == "é" * 512


OURS = ["reason", "error", "stage", "line", "message_id"]


@pytest.mark.parametrize(("own", "left"), [(0, 5), (95, 5), (96, 4), (97, 3), (99, 1), (100, 0), (101, 0)])
def test_attributes_beyond_a_hundred_are_left_out_from_the_end(own, left):
    attributes = {str(n): "" for n in range(own)}
    (message,) = letter_messages(batch_of(letter(b"a", attributes)))
    assert list(message.attributes) == list(attributes) + [f"dead_letter_{name}" for name in OURS[:left]]


@pytest.mark.parametrize(("size", "left"), [(9_990_000, 2), (9_998_940, 2), (9_998_945, 1), (9_999_000, 0)])
def test_attributes_that_make_a_message_too_large_are_left_out_from_the_end(size, left):
    added = {"a": "", "b": ""}
    own = {"own": ""}
    assert list(with_attributes(b"x" * size, own, added)) == ["own", "a", "b"][: 1 + left]


def test_a_value_too_long_for_an_attribute_is_left_out():
    (message,) = letter_messages(batch_of(letter(b"a", message_id="é" * 513)))
    assert list(message.attributes) == [f"dead_letter_{name}" for name in OURS[:4]]


def test_a_letter_that_died_again_tells_its_latest_death():
    own = {"dead_letter_reason": "too_late", "dead_letter_error": "before", "a": "b"}
    (message,) = letter_messages(batch_of(letter(b"a", own, line=None)))
    assert message.attributes["dead_letter_reason"] == "not_json"
    assert message.attributes["a"] == "b"
    full = own | {str(n): "" for n in range(97)}
    assert with_attributes(b"a", full, {"dead_letter_reason": "not_json", "new": ""}) == full | {
        "dead_letter_reason": "not_json"
    }


# Running


def interruption() -> None:
    """Do nothing in the middle of the batches, unless a test replaces this function."""


def interrupt(batches: Sequence[pa.RecordBatch | None]) -> Iterator[pa.RecordBatch]:
    """Yield batches; call `interruption` where there is None. Workers are threads of this process."""
    for batch in batches:
        if batch is None:
            interruption()
        else:
            yield batch


def run(
    inputs: test_stream.TestStream | Sequence[Any], transform: PublishAnomalies | PublishDeadLetters
) -> list[DeadLetter]:
    def publish(elements: beam.PCollection) -> Any:
        stored = elements | "Interrupt" >> beam.FlatMap(interrupt).with_output_types(pa.RecordBatch) | transform
        return stored if isinstance(stored, SinkResult) else {}

    outputs = run_transform(inputs, publish)
    assert list(outputs) == (["dead_letters"] if isinstance(transform, PublishAnomalies) else [])
    return dead(outputs.get("dead_letters", []))


def run_bounded(
    batches: Sequence[pa.RecordBatch | None], transform: PublishAnomalies | PublishDeadLetters
) -> list[DeadLetter]:
    """Publish batches, all in one bundle, and return the dead letters, in order of event time."""
    return run([batches], transform)


def run_stream(
    batches: Sequence[pa.RecordBatch | None], transform: PublishAnomalies | PublishDeadLetters
) -> list[DeadLetter]:
    """Publish batches, each in a bundle of its own, and return the dead letters, in order of event time."""
    return run(stream_of(*([[batch]] for batch in batches)), transform)


Run = Callable[[Sequence[pa.RecordBatch | None], PublishAnomalies | PublishDeadLetters], list[DeadLetter]]
RUNS = pytest.mark.parametrize("run", [run_bounded, run_stream], ids=["bounded", "stream"])


def dead(batches: list[pa.RecordBatch]) -> list[DeadLetter]:
    letters = []
    for batch in batches:
        for row, moment in zip(batch.to_pylist(), record_times(batch, "event_time").tolist(), strict=True):
            letters.append(DeadLetter(**row | {"event_time": moment}))
    return sorted(letters, key=lambda one: one.event_time or 0)


def received(pubsub: PubSub, subscription: str, count: int) -> list[Sent]:
    """Return all messages of a subscription in order of data; fail if there are not exactly so many."""
    found = pubsub.pull(subscription, count)
    pubsub.acknowledge(subscription, found)
    assert pubsub.pull_now(subscription, patience=0.2) == []
    assert {one.message.ordering_key for one in found} <= {""}
    return sorted(((one.message.data, dict(one.message.attributes)) for one in found), key=lambda one: one[0])


@pytest.fixture
def topic(pubsub: PubSub, monkeypatch: pytest.MonkeyPatch) -> str:
    """A topic of the server that the job will speak to."""
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", pubsub.address)
    return pubsub.new_topic()


# Anomalies


@RUNS
def test_each_anomaly_is_a_message(tally: Tally, pubsub: PubSub, topic: str, run: Run):
    subscription = pubsub.new_subscription(topic)
    some = [anomaly(n, f"é{n % 3}", severity=("info", "warning")[n % 2]) for n in range(250)]
    dead = run([batch_of(*some[:200]), batch_of(*some[200:249]), batch_of(some[249])], PublishAnomalies(topic))
    assert received(pubsub, subscription, 250) == [alert_of(one) for one in some]
    assert tally.counts == {"alerts_published": 250}
    assert dead == []


def test_more_anomalies_than_a_request_holds_are_each_a_message(tally: Tally, pubsub: PubSub, topic: str):
    subscription = pubsub.new_subscription(topic)
    some = [anomaly(n) for n in range(2_300)]
    run_bounded([batch_of(*some[:1_500]), batch_of(*some[1_500:])], PublishAnomalies(topic, flush_us=10**9))
    assert received(pubsub, subscription, 2_300) == [alert_of(one) for one in some]
    assert tally.counts == {"alerts_published": 2_300}


def test_a_device_longer_than_an_attribute_may_be_is_published(pubsub: PubSub, topic: str):
    subscription = pubsub.new_subscription(topic)
    one = anomaly(1, "d" + "é" * 1_999)
    run_bounded([batch_of(one)], PublishAnomalies(topic))
    data, attributes = alert_of(one)
    assert received(pubsub, subscription, 1) == [(data, attributes | {"device": "d" + "é" * 511})]


@RUNS
def test_the_same_bundle_publishes_the_same_bytes_again(pubsub: PubSub, topic: str, run: Run):
    subscription = pubsub.new_subscription(topic)
    some = [anomaly(n) for n in range(20)]
    for _ in range(2):
        run([batch_of(*some)], PublishAnomalies(topic))
    assert received(pubsub, subscription, 40) == [alert_of(one) for one in some for _ in range(2)]


@RUNS
def test_what_a_deleted_topic_does_not_take_is_dead_letters(
    tally: Tally, pubsub: PubSub, topic: str, run: Run, monkeypatch: pytest.MonkeyPatch
):
    subscription = pubsub.new_subscription(topic)
    some = [anomaly(n, f"é{n}") for n in range(60)]
    found: list[Sent] = []

    def delete() -> None:
        found.extend(received(pubsub, subscription, 20))
        pubsub.requests.delete_topic(topic=topic)

    monkeypatch.setattr(f"{__name__}.interruption", delete)
    batches = [batch_of(*some[:20]), None, batch_of(*some[20:50]), batch_of(*some[50:])]
    dead = run(batches, PublishAnomalies(topic, flush_us=0))
    assert found == [alert_of(one) for one in some[:20]]
    assert dead == [dead_of(topic, "NOT_FOUND: Topic not found", one) for one in some[20:]]
    assert tally.counts == {"alerts_published": 20, "dead_letters/not_delivered": 40}


@RUNS
def test_a_message_refused_for_its_size_costs_no_other(tally: Tally, pubsub: PubSub, topic: str, run: Run):
    subscription = pubsub.new_subscription(topic)
    some = [anomaly(n) for n in range(9)]
    large = anomaly(9, "d" * 10_000_000)
    dead = run([batch_of(*some[:5], large, *some[5:])], PublishAnomalies(topic))
    assert received(pubsub, subscription, 9) == [alert_of(one) for one in some]
    assert tally.counts == {"alerts_published": 9, "dead_letters/not_delivered": 1}
    data, attributes = alert_of(large)
    cause = f"message data has {len(data)} bytes; at most 10000000 are allowed"
    (refused,) = dead
    assert refused.error == f"{topic}: cannot be published to: {cause}"
    assert base64.b64decode(refused.payload) == data
    assert json.loads(refused.attributes) == attributes | {"device": "d" * 1024}


@RUNS
def test_a_broker_that_is_killed_and_restarted_loses_nothing(tally: Tally, run: Run, monkeypatch: pytest.MonkeyPatch):
    some = [anomaly(n) for n in range(90)]
    found: list[Sent] = []
    restarted: list[Broker] = []
    answers, failures = watch_publishes(monkeypatch)
    knows_topic = threading.Event()
    command = [sys.executable, "-m", "publisher", "broker", "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    address = process.stdout.readline().split()[-1]
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", address)

    def kill() -> None:
        found.extend(received(server, subscription, 30))
        wait_until(lambda: len(answers) == 1)  # else it would be sent again, and come twice
        process.kill()
        process.wait()
        restart.start()

    def start_again() -> None:
        wait_until(lambda: len(failures) >= 2)
        port = int(address.rpartition(":")[2])
        restarted.append(
            Broker(port=port, fail_publish=lambda _: None if knows_topic.is_set() else grpc.StatusCode.UNAVAILABLE)
        )
        restarted[0].start()
        with clients(address) as again:
            again.requests.create_topic(name=topic)
            again.subscriber.create_subscription(name=subscription, topic=topic)
        knows_topic.set()

    restart = threading.Thread(target=start_again)
    monkeypatch.setattr(f"{__name__}.interruption", kill)
    try:
        with clients(address) as server:
            topic = server.new_topic()
            subscription = server.new_subscription(topic)
            batches = [batch_of(*some[:30]), None, batch_of(*some[30:70]), batch_of(*some[70:])]
            dead = run(batches, PublishAnomalies(topic, flush_us=0))
        restart.join()
        with clients(address) as server:
            assert found + received(server, subscription, 60) == [alert_of(one) for one in some]
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        for broker in restarted:
            broker.stop()
    assert dead == []
    assert tally.counts == {"alerts_published": 90}
    assert {str(error.grpc_status_code) for error in failures} == {"StatusCode.UNAVAILABLE"}


def watch_publishes(monkeypatch: pytest.MonkeyPatch) -> tuple[list[Any], list[exceptions.GoogleAPICallError]]:
    """The lists to which each answer and each failure of the client will be added."""
    answers: list[Any] = []
    failures: list[exceptions.GoogleAPICallError] = []
    publish = PublisherClient.publish

    def watched(*args: Any, **named: Any) -> Any:
        try:
            answers.append(publish(*args, **named))
        except exceptions.GoogleAPICallError as error:
            failures.append(error)
            raise
        return answers[-1]

    monkeypatch.setattr(PublisherClient, "publish", watched)
    return answers, failures


def wait_until(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < until, "nothing happened"
        time.sleep(0.01)


# Options


def published_with(
    monkeypatch: pytest.MonkeyPatch, fail_publish: Callable[[int], grpc.StatusCode | None], **options: Any
) -> None:
    """Publish two batches of ten anomalies in one bundle to a broker."""
    some = [anomaly(n) for n in range(20)]
    with Broker(fail_publish=fail_publish) as broker, clients(broker.address) as server:
        monkeypatch.setenv("PUBSUB_EMULATOR_HOST", broker.address)
        topic = server.new_topic()
        run_bounded([batch_of(*some[:10]), batch_of(*some[10:])], PublishAnomalies(topic, **options))


@pytest.mark.parametrize(("flush_us", "requests"), [(0, 2), (10**9, 1)])
def test_so_long_anomalies_of_a_bundle_wait_for_each_other(tally: Tally, flush_us, requests, monkeypatch):
    numbers: list[int] = []
    published_with(monkeypatch, numbers.append, flush_us=flush_us)
    assert sorted(numbers) == list(range(1, requests + 1))
    assert tally.counts == {"alerts_published": 20}


@pytest.mark.parametrize(
    ("patience_s", "counted"), [(30.0, {"alerts_published": 20}), (0.0, {"dead_letters/not_delivered": 20})]
)
def test_so_long_a_failing_request_is_tried_again(tally: Tally, patience_s, counted, monkeypatch):
    policy = replace(RETRIES, patience_s=patience_s)
    fail_publish = {1: grpc.StatusCode.UNAVAILABLE, 2: grpc.StatusCode.INTERNAL}.get
    published_with(monkeypatch, fail_publish, flush_us=10**9, retries=policy)
    assert tally.counts == counted


# Dead letters


@RUNS
def test_each_dead_letter_is_a_message_byte_for_byte(tally: Tally, pubsub: PubSub, topic: str, run: Run):
    subscription = pubsub.new_subscription(topic)
    payloads = [
        b"",
        b"\x00\xff\xfe",
        b"{\r\n}\n",
        gzip.compress(b"{}", mtime=0),
        "é".encode("utf-16"),
        b"x" * 1_500_000,
    ]
    some = [letter(payload, {"content-encoding": "gzip", "n": str(n)}) for n, payload in enumerate(payloads)]
    run([batch_of(*some[:3]), batch_of(*some[3:])], PublishDeadLetters(topic))
    ours = {
        "dead_letter_reason": "not_json",
        "dead_letter_error": "not JSON: é",
        "dead_letter_stage": "decode",
        "dead_letter_line": "3",
        "dead_letter_message_id": "m1",
    }
    own = [{"content-encoding": "gzip", "n": str(n)} for n in range(len(payloads))]
    expected = [(payload, attributes | ours) for payload, attributes in zip(payloads, own, strict=True)]
    assert received(pubsub, subscription, len(payloads)) == sorted(expected, key=lambda one: one[0])
    assert tally.counts == {"letters_published": len(payloads)}


def test_an_alert_that_is_dead_can_be_published_as_it_was(pubsub: PubSub, topic: str):
    subscription = pubsub.new_subscription(topic)
    one = anomaly(1, "Küche")
    run_bounded([batch_of(dead_of("t", "down", one))], PublishDeadLetters(topic))
    ((data, attributes),) = received(pubsub, subscription, 1)
    assert (data, {k: v for k, v in attributes.items() if not k.startswith("dead_letter_")}) == alert_of(one)


@RUNS
def test_a_dead_letter_that_has_no_topic_fails_the_job(
    tally: Tally, pubsub: PubSub, monkeypatch: pytest.MonkeyPatch, run: Run
):
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", pubsub.address)
    topic = pubsub.new_name("topics")
    problem = f"--dead-letter-topic {topic}: cannot be published to: NOT_FOUND: Topic not found"
    with pytest.raises(Exception, match=problem):
        run([batch_of(letter(b"a"))], PublishDeadLetters(topic))
    assert tally.counts == {}


def too_large(letters: pa.RecordBatch) -> pa.RecordBatch:
    """Return letters of which the first has one byte too many, made here because Beam compresses all that it passes."""
    _, *others = dead([letters])
    return batch_of(letter(b"x" * 10_000_001), *others)


def test_a_dead_letter_too_large_fails_the_job(pubsub: PubSub, topic: str):
    problem = f"--dead-letter-topic {topic}: cannot be published to: message data has 10000001 bytes; at most 10000000"
    with pytest.raises(Exception, match=problem):
        run_bounded([batch_of(letter(b"x"))], beam.Map(too_large) | PublishDeadLetters(topic))


def test_a_dead_letter_too_large_that_is_kept_elsewhere_is_only_counted(tally: Tally, pubsub: PubSub, topic: str):
    subscription = pubsub.new_subscription(topic)
    letters = batch_of(letter(b"x"), letter(b"a"))
    run_bounded([letters], beam.Map(too_large) | PublishDeadLetters(topic, kept_elsewhere=True))
    assert [data for data, _ in received(pubsub, subscription, 1)] == [b"a"]
    assert tally.counts == {"letters_published": 1, "rows_refused": 1}


@pytest.mark.parametrize(("patience_s", "published"), [(30.0, True), (0.0, False)])
def test_so_long_a_failing_request_of_dead_letters_is_tried_again(tally: Tally, patience_s, published, monkeypatch):
    policy = replace(RETRIES, patience_s=patience_s)
    with (
        Broker(fail_publish={1: grpc.StatusCode.UNAVAILABLE}.get) as broker,
        clients(broker.address) as server,
    ):
        monkeypatch.setenv("PUBSUB_EMULATOR_HOST", broker.address)
        topic = server.new_topic()
        if published:
            run_bounded([batch_of(letter(b"a"))], PublishDeadLetters(topic, policy))
        else:
            with pytest.raises(
                Exception, match="cannot be published to: UNAVAILABLE: Publish request 1 is made to fail"
            ):
                run_bounded([batch_of(letter(b"a"))], PublishDeadLetters(topic, policy))
    assert tally.counts == ({"letters_published": 1} if published else {})
