"""Recovery by seek, as docs/operations.md describes it: the same messages give the same results again."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from pipeline.__main__ import main
from publisher.__main__ import main as publish
from tests.support import oracle
from tests.support.jobs import check
from tests.support.pubsub_fixtures import PubSub, clients, embedded_broker

__all__ = ["embedded_broker"]  # a fixture, found by name

ROWS = 600
START = 1_594_512_000


@pytest.fixture
def server(embedded_broker: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[PubSub]:
    """The embedded broker: the emulator loses messages to the waiting Pulls of the job before, until a lease ends."""
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", embedded_broker)
    with clients(embedded_broker) as pubsub:
        yield pubsub


def _frame(first: int) -> pd.DataFrame:
    numbers = range(first, first + ROWS)
    return pd.DataFrame(
        {
            "ts": [float(START + 5 * n) for n in numbers],
            "device": [f"d{n % 7}" for n in numbers],
            **{metric: [n * 37 % 101 / 16 for n in numbers] for metric in ("co", "humidity", "lpg", "smoke")},
            "temp": [25.0 + n * 37 % 101 / 16 for n in numbers],
        }
    )


def _publish(frame: pd.DataFrame, topic: str, folder: Path) -> None:
    path = folder / "rows.csv"
    frame.to_csv(path, index=False)
    assert publish(["replay", str(path), "--topic", topic, "--speed", "max", "--rows-per-message", "20"]) == 0


def _run(subscription: str, output: Path) -> dict[str, Any]:
    summary = output.parent / f"{output.name}.summary.json"
    flags = ["--subscription", subscription, "--output", str(output), "--summary", str(summary)]
    assert main([*flags, "--stop-after-idle", "1s"]) == 0
    content: dict[str, Any] = json.loads(summary.read_text())
    return content


def _results(output: Path) -> tuple[set[str], pd.DataFrame]:
    return set(oracle.read_output(output, "anomalies").anomaly_id), oracle.truth(
        oracle.read_output(output, "aggregates")
    )


def _assert_same(one: Path, other: Path) -> None:
    (ids, windows), (other_ids, other_windows) = _results(one), _results(other)
    assert ids == other_ids != set()
    oracle.assert_same_aggregates(windows, other_windows)


@pytest.mark.parametrize("ordered", [False, True], ids=["unordered", "ordered"])
def test_a_seek_gives_the_same_results_again(ordered: bool, server: PubSub, tmp_path: Path) -> None:
    topic = server.new_topic()
    subscription = server.new_subscription(topic, retain_acked_messages=True, enable_message_ordering=ordered)
    first, second = _frame(0), _frame(ROWS)
    _publish(first, topic, tmp_path)
    assert _run(subscription, tmp_path / "first")["rows_decoded"] == ROWS
    between = datetime.now(UTC)
    _publish(second, topic, tmp_path)
    assert _run(subscription, tmp_path / "second")["rows_decoded"] == ROWS
    check(tmp_path / "second", second)
    assert server.pull_now(subscription, patience=0.7) == [], "all is acknowledged"

    server.subscriber.seek(request={"subscription": subscription, "time": between})
    assert _run(subscription, tmp_path / "again")["rows_decoded"] == ROWS
    _assert_same(tmp_path / "second", tmp_path / "again")

    server.subscriber.seek(request={"subscription": subscription, "time": datetime(2020, 1, 1, tzinfo=UTC)})
    assert _run(subscription, tmp_path / "all")["rows_decoded"] == 2 * ROWS
    check(tmp_path / "all", pd.concat([first, second], ignore_index=True))


def test_a_seek_to_a_snapshot_gives_the_same_results_again(server: PubSub, tmp_path: Path) -> None:
    topic = server.new_topic()
    subscription = server.new_subscription(topic)
    snapshot = server.new_name("snapshots")
    server.subscriber.create_snapshot(request={"name": snapshot, "subscription": subscription})
    _publish(_frame(0), topic, tmp_path)
    assert _run(subscription, tmp_path / "first")["rows_decoded"] == ROWS
    server.subscriber.seek(request={"subscription": subscription, "snapshot": snapshot})
    assert _run(subscription, tmp_path / "again")["rows_decoded"] == ROWS
    _assert_same(tmp_path / "first", tmp_path / "again")
    check(tmp_path / "again", _frame(0))
