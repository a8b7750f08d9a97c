"""Run replays into a broker, and read what arrived."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from publisher.__main__ import main
from publisher.broker import Broker
from tests.support.pubsub_fixtures import PubSub, clients

TOPIC = "projects/telemetry-test/topics/replay"
SUBSCRIPTION = "projects/telemetry-test/subscriptions/replay"
HEADER = "ts,device,temp,light\n"


class Replays:
    """Runs replays into a broker, and reads what arrived."""

    def __init__(self, pubsub: PubSub, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.pubsub, self.folder, self.capsys = pubsub, folder, capsys
        self.flags = ["--topic", TOPIC, "--create", "--subscription", SUBSCRIPTION, "--speed", "max"]

    def csv(self, *rows: str, name: str = "rows.csv", header: str = HEADER) -> str:
        path = self.folder / name
        path.write_text(header + "".join(f"{row}\n" for row in rows), encoding="utf-8")
        return str(path)

    def run(self, *args: object, code: int = 0) -> dict[str, Any]:
        """Replay; returns the summary."""
        assert main(["replay", *map(str, args), *self.flags]) == code
        out = self.capsys.readouterr().out
        summary: dict[str, Any] = json.loads(out)
        assert summary["rows_read"] == summary["rows_published"] + summary["rows_skipped"] + summary["failed"]
        return summary

    def received(self) -> list[Any]:
        """All messages that wait, in the order of delivery; they are acknowledged.

        The broker has each message before the replay ends, so that nobody has to wait for another one.
        """
        messages: list[Any] = []
        request = {"subscription": SUBSCRIPTION, "max_messages": 1_000, "return_immediately": True}
        while found := self.pull(request):
            messages.extend(entry.message for entry in found)
            self.pubsub.acknowledge(SUBSCRIPTION, found)
        return messages

    def pull(self, request: dict[str, Any]) -> list[Any]:
        with pytest.warns(DeprecationWarning, match="return_immediately"):
            return list(self.pubsub.subscriber.pull(request=request, timeout=60, retry=None).received_messages)

    def lines(self) -> list[str]:
        return [line for message in self.received() for line in message.data.decode().split("\n")]


@pytest.fixture
def replays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Replays]:
    with Broker() as broker, clients(broker.address) as pubsub:
        monkeypatch.setenv("PUBSUB_EMULATOR_HOST", broker.address)
        yield Replays(pubsub, tmp_path, capsys)
