"""`telemetry bridge` between the real Mosquitto and the embedded Pub/Sub, whatever is killed or away."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from pipeline.__main__ import main as run_pipeline
from publisher.broker import Broker
from telemetry.cli.main import main
from tests.support import needs
from tests.support.bridges import BridgeProcess, Collector, until
from tests.support.mosquitto import Mosquitto, mosquitto, publisher, running
from tests.support.pubsub_fixtures import clients

__all__ = ["mosquitto"]
pytestmark = [pytest.mark.xdist_group("bridge"), needs.MOSQUITTO.mark]

DEVICES = ("d1", "d2", "d3")
NUMBERED = [(f"plants/north/{DEVICES[n % 3]}", f'{{"ts":{1_594_512_000 + n},"device":"d","temp":21}}'.encode())
            for n in range(300)]  # fmt: skip


class PubSubSide:
    """A broker, a topic on it, and what arrives there.

    Attributes:
        is_away: whether each attempt to publish fails.
        failures: attempts that failed so far.
        status: how they fail.
    """

    def __init__(self) -> None:
        self.is_away = False
        self.failures = 0
        self.status = grpc.StatusCode.UNAVAILABLE
        self.broker = Broker(fail_publish=self._answer).start()
        self._clients = clients(self.broker.address)
        pubsub = self._clients.__enter__()
        self.topic = pubsub.new_topic()
        self.collector = Collector(pubsub, self.topic)

    def _answer(self, _number: int) -> grpc.StatusCode | None:
        if not self.is_away:
            return None
        self.failures += 1
        return self.status

    def close(self) -> None:
        self._clients.__exit__(None, None, None)
        self.broker.stop()

    def check(self, published: list[tuple[str, bytes]]) -> None:
        """Compare what has arrived with what was published: nothing is missing, and each device is in order."""
        self.collector.rest()
        for device in DEVICES:
            assert self.collector.first_of(device) == [data for topic, data in published if topic.endswith(device)]
        assert {one.data for one in self.collector.messages} == {data for _, data in published}
        assert {one.ordering_key for one in self.collector.messages} == {topic[-2:] for topic, _ in published}


@pytest.fixture
def side(monkeypatch: pytest.MonkeyPatch) -> Iterator[PubSubSide]:
    found = PubSubSide()
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", found.broker.address)
    yield found
    found.close()


def start(side: PubSubSide, server: Mosquitto, folder: Path, *args: object, **variables: str) -> BridgeProcess:
    url = f"{server.endpoint}/plants/{{site}}/{{device}}"
    return BridgeProcess(folder, side.broker.address, url, "--topic", side.topic, *args, **variables)


def bridge(capsys: pytest.CaptureFixture[str], url: str, topic: str, *args: object, code: int = 0) -> dict[str, Any]:
    """Bridge in this process until nothing comes; returns the summary."""
    capsys.readouterr()
    assert main(["bridge", url, "--topic", topic, "--stop-after-idle", "300ms", *map(str, args)]) == code
    summary: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert summary["rows_read"] == summary["rows_published"] + summary["failed"]
    return summary


def refusal(capsys: pytest.CaptureFixture[str], url: str, *args: object) -> str:
    """Return the one line about a bridge that cannot begin."""
    capsys.readouterr()
    assert main(["bridge", url, *map(str, args)]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    return err.removeprefix("telemetry bridge: error: ").rstrip("\n")


# Whatever is killed or away


def test_a_bridge_that_is_killed_20_times_loses_nothing(side: PubSubSide, mosquitto: Mosquitto, tmp_path: Path) -> None:
    start(side, mosquitto, tmp_path / "first", "--limit", 1)
    first, *others = NUMBERED
    mosquitto.wait_for_subscriptions()
    mosquitto.publish([first])
    side.collector.wait_for(1)
    with publisher(mosquitto.port) as device:
        for number in range(20):
            sent = [device.publish(*one, qos=1) for one in others[10 * number : 10 * number + 10]]
            killed = start(side, mosquitto, tmp_path / f"killed-{number}")
            side.collector.wait_for(5)
            killed.kill()
            for one in sent:
                one.wait_for_publish(60)
    last = start(side, mosquitto, tmp_path / "last", "--stop-after-idle", "300ms")
    summary = last.summary()
    assert summary["failed"] == 0
    side.check(NUMBERED[:201])


def test_an_mqtt_broker_that_restarts_while_messages_are_in_flight(
    side: PubSubSide, mosquitto: Mosquitto, tmp_path: Path
) -> None:
    one = start(side, mosquitto, tmp_path / "bridge")
    mosquitto.wait_for_subscriptions()
    mosquitto.publish(NUMBERED[:100])
    side.collector.wait_for(100)
    side.is_away = True
    mosquitto.publish(NUMBERED[100:200])
    until(lambda: side.failures > 0, "nothing is in flight")
    mosquitto.end()
    until(lambda: "trying again" in one.errors(), "the loss is not noticed")
    mosquitto.restart()
    until(lambda: "connected again" in one.errors(), "no new connection")
    side.is_away = False
    mosquitto.publish(NUMBERED[200:])
    side.collector.wait_until_all({data for _, data in NUMBERED})
    summary = one.stop()
    lost, again = one.errors().splitlines()
    assert lost.startswith(f"telemetry bridge: {mosquitto.endpoint}: ")
    assert again == f"telemetry bridge: {mosquitto.endpoint}: connected again"
    assert (summary["connections"], summary["sessions_lost"], summary["interrupted"]) == (2, 0, True)
    assert summary["redelivered"] > 0
    side.check(NUMBERED)


def test_pubsub_that_is_away_holds_messages_back(side: PubSubSide, mosquitto: Mosquitto, tmp_path: Path) -> None:
    one = start(side, mosquitto, tmp_path / "bridge", "--max-unacknowledged", 50)
    mosquitto.wait_for_subscriptions()
    side.is_away = True
    mosquitto.publish(NUMBERED)
    until(lambda: side.failures >= 5, "no attempt has failed")
    side.is_away = False
    side.collector.wait_until_all({data for _, data in NUMBERED})
    summary = one.stop()
    assert {name: summary[name] for name in ("rows_published", "failed", "redelivered")} == {
        "rows_published": 300,
        "failed": 0,
        "redelivered": 0,
    }
    assert len(side.collector.messages) == 300, "a message that Pub/Sub did not take is published once"
    side.check(NUMBERED)


def test_a_topic_that_is_deleted_ends_the_bridge_and_the_messages_stay(
    side: PubSubSide, mosquitto: Mosquitto, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    url = f"{mosquitto.endpoint}/plants/+/+"
    bridge(capsys, url, side.topic)
    one = BridgeProcess(tmp_path / "bridge", side.broker.address, url, "--topic", side.topic)
    mosquitto.wait_for_subscriptions(2)
    with clients(side.broker.address) as pubsub:
        pubsub.requests.delete_topic(topic=side.topic)
        mosquitto.publish(NUMBERED[:10])
        summary = one.summary(code=1)
        assert (summary["rows_published"], summary["failed"]) == (0, 10)
        (line,) = one.errors().splitlines()
        assert line.startswith("telemetry bridge: error: NOT_FOUND: ")
        pubsub.requests.create_topic(name=side.topic)
        again = Collector(pubsub, side.topic)
        assert bridge(capsys, url, side.topic)["redelivered"] == 10
        again.wait_for(10)
        assert sorted(one.data for one in again.messages) == sorted(data for _, data in NUMBERED[:10])


def test_a_missing_permission_is_one_line(
    side: PubSubSide, mosquitto: Mosquitto, capsys: pytest.CaptureFixture[str]
) -> None:
    url = f"{mosquitto.endpoint}/plants/+/+"
    bridge(capsys, url, side.topic)
    mosquitto.publish(NUMBERED[:3])
    side.is_away, side.status = True, grpc.StatusCode.PERMISSION_DENIED
    assert main(["bridge", url, "--topic", side.topic]) == 1
    assert capsys.readouterr().err.startswith("telemetry bridge: error: PERMISSION_DENIED: ")
    side.is_away = False
    assert bridge(capsys, url, side.topic)["redelivered"] == 3
    assert refusal(capsys, url, "--topic", f"{side.topic}-none") == f"--topic {side.topic}-none: does not exist"


# One message


def test_topic_levels_are_attributes_and_the_payload_is_untouched(
    side: PubSubSide, mosquitto: Mosquitto, capsys: pytest.CaptureFixture[str]
) -> None:
    url = f"{mosquitto.endpoint}/plants/{{site}}/{{device}}/%23"
    bridge(capsys, url, side.topic)
    payload = bytes(range(256)) + b"\n{}\n\n{}"
    mosquitto.publish([("plants/süd/d 1/inside", payload), ("plants/north/d2", b"")])
    summary = bridge(capsys, url, side.topic)
    side.collector.wait_for(2)
    first, second = sorted(side.collector.messages, key=lambda one: int(one.attributes["message_key"][-1]))
    run_id = summary["run_id"]
    assert (first.data, first.ordering_key, second.data, second.ordering_key) == (payload, "d 1", b"", "d2")
    assert dict(first.attributes) == {
        "mqtt_topic": "plants/süd/d 1/inside",
        "site": "süd",
        "device": "d 1",
        "run_id": run_id,
        "message_key": f"{run_id}-0",
        "rows": "4",
    }
    assert (summary["rows_published"], summary["messages"], summary["bytes"]) == (4, 2, len(payload))


def test_devices_can_share_ordering_keys_and_content_can_be_the_message_key(
    side: PubSubSide, mosquitto: Mosquitto, capsys: pytest.CaptureFixture[str]
) -> None:
    url, args = f"{mosquitto.endpoint}/plants/+/+", ["--ordering-keys", 1, "--message-key", "content"]
    bridge(capsys, url, side.topic, *args)
    for _ in range(2):
        mosquitto.publish(NUMBERED[:2])
        bridge(capsys, url, side.topic, *args)
    side.collector.wait_for(4)
    assert {one.ordering_key for one in side.collector.messages} == {"mqtt-0"}
    keys = [one.attributes["message_key"] for one in side.collector.messages]
    assert (len(set(keys)), keys[:2]) == (2, keys[2:])


def test_retained_messages_are_marked_or_skipped(
    side: PubSubSide, mosquitto: Mosquitto, capsys: pytest.CaptureFixture[str]
) -> None:
    mosquitto.publish(NUMBERED[:1], retain=True)
    for version in ("5", "3.1.1"):
        args = ["--mqtt-version", version, "--client-id", f"skips-{version}"]
        skipping = bridge(capsys, f"{mosquitto.endpoint}/plants/+/+", side.topic, "--skip-retained", *args)
        assert (skipping["messages"], skipping["failed"]) == (0, 0)
        args = ["--mqtt-version", version, "--client-id", f"takes-{version}"]
        taking = bridge(capsys, f"{mosquitto.endpoint}/plants/+/+", side.topic, *args)
        assert (taking["messages"], taking["retained"]) == (1, 1)
    side.collector.wait_for(2)
    assert [one.attributes["mqtt_retained"] for one in side.collector.messages] == ["true", "true"]


def test_qos_0_is_counted(side: PubSubSide, mosquitto: Mosquitto, tmp_path: Path) -> None:
    one = start(side, mosquitto, tmp_path / "bridge", "--limit", 2)
    mosquitto.wait_for_subscriptions()
    mosquitto.publish(NUMBERED[:1])
    side.collector.wait_for(1)
    mosquitto.publish(NUMBERED[1:2], qos=0)
    summary = one.summary()
    assert (summary["messages_received"], summary["qos_0"]) == (2, 1)


@pytest.mark.parametrize("version", ["5", "3.1.1"])
def test_a_message_that_is_too_large_stays_until_a_folder_takes_it(
    version: str, side: PubSubSide, mosquitto: Mosquitto, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    args = [f"{mosquitto.endpoint}/plants/+/+", side.topic, "--mqtt-version", version]
    bridge(capsys, *args)
    large = b"x" * 10_000_001
    mosquitto.publish([NUMBERED[0], ("plants/north/d2", large), NUMBERED[2]])
    assert main(["bridge", args[0], "--topic", *args[1:], "--limit", "3"]) == 1
    out, err = capsys.readouterr()
    assert err == (
        "telemetry bridge: message on plants/north/d2: it has 10,000,001 bytes; Pub/Sub takes at most 10,000,000 with "
        "attributes; left with the MQTT broker (--dead-letters keeps such messages)\n"
    )
    assert json.loads(out)["messages_refused"] == 1
    summary = bridge(capsys, *args, "--dead-letters", tmp_path / "letters", code=1)
    assert (summary["messages_received"], summary["redelivered"], summary["failed"]) == (1, 1, 1)
    (file,) = (tmp_path / "letters").iterdir()
    (letter,) = map(json.loads, file.read_text().splitlines())
    assert (letter["reason"], letter["stage"], len(letter["payload"])) == ("too_large", "bridge", 13_333_336)
    assert json.loads(letter["attributes"])["mqtt_topic"] == "plants/north/d2"
    assert bridge(capsys, *args)["messages_received"] == 0
    side.collector.wait_for(2)
    assert {one.data for one in side.collector.messages} == {NUMBERED[0][1], NUMBERED[2][1]}


# The end of a bridge


def test_a_limit_leaves_the_rest_with_the_broker(
    side: PubSubSide, mosquitto: Mosquitto, capsys: pytest.CaptureFixture[str]
) -> None:
    url = f"{mosquitto.endpoint}/plants/+/+"
    bridge(capsys, url, side.topic)
    mosquitto.publish(NUMBERED[:30])
    assert bridge(capsys, url, side.topic, "--limit", 7)["messages"] == 7
    assert bridge(capsys, url, side.topic, "--mqtt-version", "3.1.1")["messages"] == 23
    side.check(NUMBERED[:30])
    assert len(side.collector.messages) == 30


def test_the_ledger_check_covers_a_bridge(
    side: PubSubSide, mosquitto: Mosquitto, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    url, files = f"{mosquitto.endpoint}/plants/+/+", []
    with clients(side.broker.address) as pubsub:
        subscription = pubsub.new_subscription(side.topic, enable_message_ordering=True)
    bridge(capsys, url, side.topic)
    mosquitto.publish([*NUMBERED[:50], ("plants/x/y", b"no reading\nnor this"), ("plants/x/y", b"")])
    for limit in (20, 100):
        summary = bridge(capsys, url, side.topic, "--limit", limit)
        files += ["--published", str(tmp_path / f"{limit}.json")]
        Path(files[-1]).write_text(json.dumps(summary))
    flags = ["--stop-after-idle", "1s", "--output", str(tmp_path / "results")]
    assert run_pipeline(["--subscription", subscription, *flags]) == 0
    assert main(["reconcile", "--output", str(tmp_path / "results"), *files]) == 0
    out = capsys.readouterr().out
    total = next(line.split() for line in out.splitlines() if line.startswith("total"))
    assert total == ["total", "52", "50", "2", "0", "0", "50"]


def test_two_bridges_of_one_session_are_told_of(side: PubSubSide, mosquitto: Mosquitto, tmp_path: Path) -> None:
    """This Mosquitto does not say that a session is taken over; both connect again, after growing pauses."""
    both = [start(side, mosquitto, tmp_path / name, "--client-id", "twins") for name in ("first", "second")]
    hint = "telemetry bridge: the connection breaks again and again: does another bridge use the client id twins?\n"
    until(lambda: any(hint in one.errors() for one in both), "nobody is told")
    both[0].kill()
    mosquitto.publish(NUMBERED[:1])
    side.collector.wait_for(1)
    assert both[1].stop()["rows_published"] == 1


# Who may connect


def test_user_and_password_come_from_the_environment(
    side: PubSubSide, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    passwords = tmp_path / "passwords"
    passwords.write_text("gateway:s3cret\n")
    subprocess.run([needs.MOSQUITTO.path().parents[1] / "bin/mosquitto_passwd", "-U", passwords], check=True)
    passwords.chmod(0o644)
    with running(Mosquitto(tmp_path / "mosquitto", "allow_anonymous false", f"password_file {passwords}")) as server:
        url, topic = f"{server.endpoint}/plants/+/+", ["--topic", side.topic]
        wrong = f"URL {server.endpoint}: refuses the client: Not authorized (MQTT_USERNAME and MQTT_PASSWORD)"
        assert refusal(capsys, url, *topic) == wrong
        assert refusal(capsys, url, *topic, "--mqtt-version", "3.1.1") == wrong
        monkeypatch.setenv("MQTT_PASSWORD", "s3cret")
        assert refusal(capsys, url, *topic) == "MQTT_PASSWORD: is set without MQTT_USERNAME"
        monkeypatch.setenv("MQTT_USERNAME", "gateway")
        assert bridge(capsys, url, side.topic)["connections"] == 1


def test_tls(
    side: PubSubSide, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    command += ["-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True)
    files = [f"cafile {certificate}", f"certfile {certificate}", f"keyfile {key}", "require_certificate true"]
    with running(Mosquitto(tmp_path / "mosquitto", "allow_anonymous true", *files)) as server:
        url, topic = f"mqtts://localhost:{server.port}/plants/+/+", ["--topic", side.topic]
        problem = refusal(capsys, url, *topic)
        assert (
            problem == f"URL mqtts://localhost:{server.port}: its certificate is not trusted: self-signed certificate"
        )
        ca, own = ["--ca-file", certificate], ["--cert-file", certificate, "--key-file", key]
        by_address = refusal(capsys, url.replace("localhost", "127.0.0.1"), *topic, *ca)
        assert "its certificate is not trusted: IP address mismatch" in by_address
        assert refusal(capsys, url, *topic, *ca).startswith(f"URL mqtts://localhost:{server.port}: ")
        without_tls = refusal(capsys, f"{server.endpoint}/a", *topic)
        assert without_tls.startswith(f"URL {server.endpoint}: does not answer like an MQTT broker")
        assert bridge(capsys, url, side.topic, *ca, *own)["connections"] == 1
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        assert bridge(capsys, url, side.topic, *own)["connections"] == 1
