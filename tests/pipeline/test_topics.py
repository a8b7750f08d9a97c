"""The job beside Pub/Sub: alerts and dead letters out, duplicates away, and the whole way round in balance."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.__main__ import main
from pipeline.graph import outputs_of
from publisher.__main__ import main as publish
from telemetry.cli.exit_codes import NOTHING_USABLE
from tests.support import oracle
from tests.support.jobs import config_of
from tests.support.pubsub_fixtures import PubSub, embedded_broker, official_emulator, pubsub

__all__ = ["embedded_broker", "official_emulator", "pubsub"]
pytestmark = pytest.mark.xdist_group("emulator")
ALERTS, DEAD = "projects/p/topics/alerts", "projects/p/topics/dead"
START = 1_594_512_000
ROWS = [(START + 5 * n, f"device-{n % 3}", 20.5 + n % 13) for n in range(2_000)]
BAD = ["soon,device-1,21.5", "not a row", "-7,device-1,21.5"]


@pytest.fixture
def server(pubsub: PubSub, monkeypatch: pytest.MonkeyPatch) -> PubSub:
    """Each server in turn, and the programs told of it."""
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", pubsub.address)
    return pubsub


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "telemetry.csv"
    lines = [",".join(map(str, row)) for row in ROWS]
    lines[500:500] = BAD
    path.write_text("ts,device,temp\n" + "\n".join(lines) + "\n")
    return path


def summary_of(capsys: pytest.CaptureFixture[str], *args: object) -> dict[str, Any]:
    """Return the output of the publisher."""
    capsys.readouterr()
    assert publish(list(map(str, args))) == 0
    summary: dict[str, Any] = json.loads(capsys.readouterr().out)
    return summary


def job(*flags: object) -> int:
    return main(list(map(str, flags)))


def test_alerts_and_dead_letters_reach_their_topics(server: PubSub, source: Path, tmp_path: Path) -> None:
    alerts, dead = server.new_topic(), server.new_topic()
    hot = server.new_subscription(alerts)
    letters = server.new_subscription(dead)
    flags: list[object] = ["--alerts-topic", alerts, "--alerts", "readings", "--dead-letter-topic", dead]
    flags += ["--summary", tmp_path / "s.json"]
    assert job("--input", source, "--output", tmp_path / "out", *flags) == 0

    stored = oracle.read_output(tmp_path / "out", "anomalies")
    received = server.pull(hot, len(stored))
    rows = [json.loads(one.message.data) for one in received]
    assert sorted(row["anomaly_id"] for row in rows) == sorted(stored.anomaly_id)
    for one, row in zip(received, rows, strict=True):
        assert dict(one.message.attributes) == {name: row[name] for name in ("rule_id", "severity", "device")}

    found = {one.message.data: dict(one.message.attributes) for one in server.pull(letters, len(BAD))}
    kept = oracle.read_output(tmp_path / "out", "dead_letters")
    assert set(found) == {base64.b64decode(text) for text in kept.payload} == {line.encode() for line in BAD}
    assert found[b"not a row"]["dead_letter_reason"] == "bad_row"
    assert server.pull_now(hot, patience=0.5) == server.pull_now(letters, patience=0.5) == []
    summary = json.loads((tmp_path / "s.json").read_text())
    assert (summary["alerts_published"], summary["letters_published"]) == (len(stored), len(BAD))


def test_alerts_that_cannot_be_delivered_are_dead_letters(
    server: PubSub, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    alerts = server.new_topic()
    monkeypatch.setattr("telemetry.pubsub.client.check_topic", lambda *_: server.requests.delete_topic(topic=alerts))
    flags = ["--alerts-topic", alerts, "--alerts", "readings", "--summary", tmp_path / "s.json"]
    assert job("--input", source, "--output", tmp_path / "out", *flags) == 0
    anomalies = oracle.read_output(tmp_path / "out", "anomalies")
    letters = oracle.read_output(tmp_path / "out", "dead_letters")
    lost = letters[letters.reason == "not_delivered"]
    payloads = [json.loads(base64.b64decode(text)) for text in lost.payload]
    assert sorted(row["anomaly_id"] for row in payloads) == sorted(anomalies.anomaly_id)
    assert set(lost.stage) == {"alerts"}
    assert json.loads((tmp_path / "s.json").read_text())["dead_letters"]["not_delivered"] == len(anomalies)
    assert job("reconcile", "--output", tmp_path / "out") == 0


@pytest.mark.parametrize(
    ("flags", "anomalies", "incidents"),
    [
        ([], [], ["Publish incidents"]),
        (["--alerts", "incidents"], [], ["Publish incidents"]),
        (["--alerts", "readings"], ["Publish anomalies"], []),
    ],
)
def test_the_topic_receives_incidents_unless_told_otherwise(
    flags: list[str], anomalies: list[str], incidents: list[str]
) -> None:
    config = config_of("--input", "rows.csv", "--dead-letter-topic", DEAD, "--alerts-topic", ALERTS, *flags)
    outputs = outputs_of(config)
    assert (list(outputs["anomalies"]), list(outputs["incidents"])) == (anomalies, incidents)


@pytest.mark.parametrize("flag", ["--alerts-topic", "--dead-letter-topic"])
def test_a_topic_that_is_not_there_is_found_before_the_job(
    flag: str, server: PubSub, source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = server.new_name("topics")
    assert job("--input", source, "--output", tmp_path / "out", flag, name) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"pipeline: error: {flag} {name}: does not exist")
    assert not list((tmp_path / "out").rglob("*.jsonl"))


@pytest.mark.parametrize("flag", ["--alerts-topic", "--dead-letter-topic"])
def test_a_topic_that_feeds_the_job_itself_is_found_before_the_job(
    flag: str, server: PubSub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    topic = server.new_topic()
    subscription = server.new_subscription(topic)
    for source in (("--subscription", subscription), ("--topic", topic)):
        assert job(*source, "--output", tmp_path / "out", "--state", "none", flag, topic) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith(f"pipeline: error: {flag} {topic}: is ")
    assert not list((tmp_path / "out").rglob("*.jsonl"))


def test_what_came_before_is_removed_and_counted(
    server: PubSub, source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A replay sent twice, as by somebody whose checkpoint was lost: the same keys, the same rows."""
    topic = server.new_topic()
    subscription = server.new_subscription(topic, enable_message_ordering=True)
    replay = ("replay", source, "--topic", topic, "--speed", "max", "--rows-per-message", "100")
    published = []
    for number in range(2):
        path = tmp_path / f"{number}.json"
        path.write_text(json.dumps(summary_of(capsys, *replay)))
        published += ["--published", path]
    flags = ["--subscription", subscription, "--stop-after-idle", "1s", "--watermark-lag", "1d"]
    assert job(*flags, "--output", tmp_path / "out", "--dedup", "1h", "--summary", tmp_path / "s.json") == 0
    summary = json.loads((tmp_path / "s.json").read_text())
    assert (summary["rows_decoded"], summary["duplicates"], summary["rows_duplicate"]) == (2_000, 21, 2_003)
    assert len(oracle.read_output(tmp_path / "out", "anomalies")) == sum(row[2] > 30 for row in ROWS)
    capsys.readouterr()
    assert job("reconcile", "--output", tmp_path / "out", *published) == 0
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert "total 4,006 2,000 3 2,003 0 2,000" in lines


def test_without_dedup_the_ledger_check_shows_what_came_twice(
    server: PubSub, source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    topic = server.new_topic()
    subscription = server.new_subscription(topic, enable_message_ordering=True)
    replay = ("replay", source, "--topic", topic, "--speed", "max", "--rows-per-message", "100")
    summary_of(capsys, *replay)
    (tmp_path / "second.json").write_text(json.dumps(summary_of(capsys, *replay)))
    flags = ["--subscription", subscription, "--stop-after-idle", "1s", "--watermark-lag", "1d"]
    assert job(*flags, "--output", tmp_path / "out") == 0
    assert job("reconcile", "--output", tmp_path / "out", "--published", tmp_path / "second.json") == 1
    assert "4,006 of 2,003, 2,003 too many" in capsys.readouterr().out


def test_dead_letters_are_sent_again_and_counted_once(
    server: PubSub, source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing was mended, so they die again: as a run of their own, which the ledger tells from the first."""
    topic = server.new_topic()
    subscription = server.new_subscription(topic, enable_message_ordering=True)
    first = summary_of(capsys, "replay", source, "--topic", topic, "--speed", "max", "--rows-per-message", "100")
    flags = ["--subscription", subscription, "--stop-after-idle", "1s", "--watermark-lag", "1d", "--dedup", "1h"]
    assert job(*flags, "--output", tmp_path / "out") == 0
    flags[1] = server.new_subscription(topic, enable_message_ordering=True)  # no pull of the first job waits there
    flags += ["--state", "none", "--append"]
    again = summary_of(capsys, "reprocess", tmp_path / "out", "--topic", topic)
    assert (again["rows_published"], first["rows_published"]) == (len(BAD), 2_003)
    assert job(*flags, "--output", tmp_path / "out") == NOTHING_USABLE
    published = []
    for number, summary in enumerate((first, again)):
        (tmp_path / f"{number}.json").write_text(json.dumps(summary))
        published += ["--published", tmp_path / f"{number}.json"]
    capsys.readouterr()
    code = job("reconcile", "--output", tmp_path / "out", *published)
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert f"{again['run_id']} 3 0 3 0 0 0" in lines
    assert "total 2,006 2,000 6 0 0 2,000" in lines
    assert code == 0
