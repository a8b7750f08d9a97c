"""Webhooks among the outputs of a job, from its flags to its logs and its summary."""

import json
import pickle
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import apache_beam as beam
import pyarrow as pa
import pytest

from pipeline.__main__ import main
from pipeline.config import JobConfig
from pipeline.graph import Outputs, outputs_of
from publisher.broker import Broker
from tests.support.jobs import config_of
from tests.support.pubsub_fixtures import clients
from tests.support.receivers import Receiver, Reply
from tests.support.records import batch_of, transition
from transforms.outputs.send_incidents import SendIncidents
from transforms.outputs.sink_result import SinkResult

ADDRESSES = "http://127.0.0.1:9/${HOOK}?key=${KEY},http://127.0.0.1:9/api/v2/alerts"


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOOK", "KEY", "TELEMETRY_WEBHOOK_TOKEN"):
        monkeypatch.setenv(name, f"s3cret-{name}")


@pytest.mark.parametrize(
    ("flags", "form", "patience_us"),
    [
        ([], "auto", 3_600_000_000),
        (["--alerts-webhook-form", "webhook", "--alerts-patience", "90s"], "webhook", 90_000_000),
    ],
)
def test_flags_reach_the_sink(flags: list[str], form: str, patience_us: int) -> None:
    given = ["--input", "rows.csv", "--output", "out", "--alerts-webhook", ADDRESSES, *flags]
    sink = outputs_of(config_of(*given))["incidents"]["Send incidents"]
    assert isinstance(sink, SendIncidents)
    assert [str(webhook) for webhook in sink.webhooks] == [
        "http://127.0.0.1:9/${HOOK}",
        "http://127.0.0.1:9/api/v2/alerts",
    ]
    assert {webhook.form for webhook in sink.webhooks} == {form}
    assert sink.patience_us == patience_us
    assert b"s3cret" not in pickle.dumps(sink)


def test_without_the_flag_nothing_is_posted() -> None:
    assert "Send incidents" not in outputs_of(config_of("--input", "rows.csv", "--output", "out"))["incidents"]


def test_a_template_reaches_the_sink(tmp_path: Path) -> None:
    path = tmp_path / "body.json"
    path.write_text('{"text": "$summary", "key": "${env:KEY}"}')
    flags = ["--alerts-webhook", "http://127.0.0.1:9/x", "--alerts-webhook-template", path]
    sink = outputs_of(config_of("--input", "rows.csv", "--output", "out", *flags))["incidents"]["Send incidents"]
    assert isinstance(sink, SendIncidents)
    assert sink.webhooks[0].variables == ["KEY"]
    assert b"s3cret" not in pickle.dumps(sink)


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_logs_and_summary_have_no_secret(log_format: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, summary = tmp_path / "rows.csv", tmp_path / "summary.json"
    source.write_text("ts,device,temp\n1594512000,a,21\n")
    flags = ["--input", source, "--output", tmp_path / "out", "--summary", summary, "--alerts-webhook", ADDRESSES]
    assert main([*map(str, flags), "--verbose", "--log-format", log_format]) == 0
    captured = capsys.readouterr()
    assert "http://127.0.0.1:9/${HOOK}, http://127.0.0.1:9/api/v2/alerts" in captured.err
    assert json.loads(summary.read_text())["alerts_sent"] == 0
    files = "".join(path.read_text() for path in tmp_path.rglob("*") if path.is_file())
    assert "s3cret" not in captured.out + captured.err + files


class _AsIncidents(beam.PTransform):
    """Sends each anomaly as the opening of an incident."""

    def __init__(self, sink: SendIncidents) -> None:
        super().__init__()
        self.sink = sink

    def expand(self, anomalies: beam.PCollection) -> SinkResult:
        opened = anomalies | "Open" >> beam.Map(_opened).with_output_types(pa.RecordBatch)
        result: SinkResult = opened | "Send" >> self.sink
        return result


def _opened(anomalies: pa.RecordBatch) -> pa.RecordBatch:
    return batch_of(*(transition(0, incident_id=name) for name in anomalies.column("device").to_pylist()))


@pytest.fixture
def stream(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., dict[str, Any]]]:
    """Return a function that publishes rows, runs a local stream until it is idle, and returns its summary."""

    def outputs(config: JobConfig) -> Outputs:
        found = dict(outputs_of(config))
        sink = found["incidents"].pop("Send incidents")
        assert isinstance(sink, SendIncidents)
        found["anomalies"] |= {"Send incidents": _AsIncidents(sink)}
        return found

    monkeypatch.setattr("pipeline.run.outputs_of", outputs)
    with Broker() as broker, clients(broker.address) as server:
        monkeypatch.setenv("PUBSUB_EMULATOR_HOST", broker.address)
        topic = server.new_topic()
        subscription = server.new_subscription(topic, enable_message_ordering=True)

        def run(address: str, *devices: str, flags: Sequence[str] = ()) -> dict[str, Any]:
            for device in devices:
                row = f'{{"ts":1594512000,"device":"{device}","temp":31}}'
                server.publisher.publish(topic, row.encode()).result(timeout=30)
            given = ["--subscription", subscription, "--output", str(tmp_path / "out"), "--alerts-webhook", address]
            summary = tmp_path / "summary.json"
            assert main([*given, "--stop-after-idle", "1s", "--summary", str(summary), *flags]) == 0
            content: dict[str, Any] = json.loads(summary.read_text())
            return content

        yield run


def keys(receiver: Receiver) -> list[str]:
    return [request.headers["Idempotency-Key"] for request in receiver.received]


def test_a_local_stream_posts(stream: Callable[..., dict[str, Any]]) -> None:
    with Receiver() as receiver:
        assert stream(receiver.address, "a", "b")["alerts_sent"] == 2
    assert sorted(keys(receiver)) == ["a-0", "b-0"]


def test_what_a_webhook_does_not_take_waits_for_the_next_start(stream: Callable[..., dict[str, Any]]) -> None:
    up: list[bool] = []
    with Receiver(lambda *_: Reply(200 if up else 503)) as receiver:
        first = stream(receiver.address, "a")
        assert (first["alerts_sent"], first["dead_letters"]) == (0, {})
        assert set(keys(receiver)) == {"a-0"}
        up.append(True)
        receiver.received.clear()
        assert stream(receiver.address)["alerts_sent"] == 1
        assert keys(receiver) == ["a-0"]
        assert stream(receiver.address, "b")["alerts_sent"] == 1
    assert keys(receiver) == ["a-0", "b-0"]


def test_a_drain_posts_what_waits(stream: Callable[..., dict[str, Any]]) -> None:
    up: list[bool] = []
    with Receiver(lambda *_: Reply(200 if up else 503)) as receiver:
        stream(receiver.address, "a")
        up.append(True)
        assert stream(receiver.address, flags=["--drain"])["alerts_sent"] == 1
