"""The job reads what a bridge brings from MQTT, with the device from the topic."""

import json
from pathlib import Path

import pytest

from pipeline.__main__ import main as run_pipeline
from telemetry.cli.main import main
from tests.support.mqtt_packets import CONNACK_5, SUBACK_5, answering, publish_packet
from tests.support.pubsub_fixtures import clients, embedded_broker
from tests.support.replayed_feeds import archived

__all__ = ["embedded_broker"]
pytestmark = pytest.mark.xdist_group("emulator")

PAYLOADS = [
    ("plants/n/boiler", b'{"t": 1594512000, "d": {"temp": "31.5 C"}}'),
    ("plants/n/pump", b'{"t": 1594512001, "d": {"temp": 12}}'),
    ("plants/n/pump", b"nonsense"),
]


def test_the_device_of_bridged_messages_is_a_level_of_their_topic(
    embedded_broker: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", embedded_broker)
    with clients(embedded_broker) as pubsub:
        topic = pubsub.new_topic()
        subscription = pubsub.new_subscription(topic, enable_message_ordering=True)
    packets = [publish_packet(number + 1, data, "5", name) for number, (name, data) in enumerate(PAYLOADS)]
    with answering(CONNACK_5, SUBACK_5 + b"\x01" + b"".join(packets)) as port:
        url = f"mqtt://127.0.0.1:{port}/plants/{{site}}/{{device}}"
        assert main(["bridge", url, "--topic", topic, "--limit", "3"]) == 0
    assert json.loads(capsys.readouterr().out)["rows_published"] == 3
    feed, out, summary = tmp_path / "feed.yaml", tmp_path / "out", tmp_path / "summary.json"
    feed.write_text(
        "version: 1\ntime: {column: t}\ndevice: {attribute: device}\nmetrics: {temp: {column: d.temp, unit: °C}}\n"
    )
    flags = ["--feed", str(feed), "--stop-after-idle", "1s", "--output", str(out), "--summary", str(summary)]
    assert run_pipeline(["--subscription", subscription, "--archive", *flags]) == 0
    assert archived(out, "temp") == [
        (1_594_512_000_000_000, "boiler", 31.5),
        (1_594_512_001_000_000, "pump", 12.0),
    ]
    assert json.loads(summary.read_text())["dead_letters"] == {"not_json": 1}
