"""Run `telemetry bridge` in processes that can be killed, and collect what reaches Pub/Sub."""

import json
import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Final

from telemetry.cli.main import main
from tests.support.pubsub_fixtures import PubSub

_PATIENCE_S: Final = 60.0
# A bridge is a fork of a process that has loaded its modules: twenty starts of Python take ten seconds and more.
_PROCESSES: Final = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload(["publisher.bridge.command", "tests.support.bridges"])


class BridgeProcess:
    """A bridge in a process of its own."""

    def __init__(self, folder: Path, emulator: str, *args: object, **variables: str) -> None:
        """Start it."""
        folder.mkdir(exist_ok=True)
        self._out, self._err = folder / "out", folder / "err"
        environment = {"PUBSUB_EMULATOR_HOST": emulator, **variables}
        words = ["bridge", *map(str, args)]
        self._process: BaseProcess = _PROCESSES.Process(
            target=_run, args=(words, environment, str(self._out), str(self._err)), daemon=True
        )
        self._process.start()

    def kill(self) -> None:
        """End it at once, as a power failure does."""
        assert self._process.pid is not None
        os.kill(self._process.pid, signal.SIGKILL)
        self._process.join()

    def stop(self) -> dict[str, Any]:
        """Ask it to end, after it has published something, and return its summary."""
        self._process.terminate()
        return self.summary()

    def summary(self, code: int = 0) -> dict[str, Any]:
        """Wait for its end and return its summary."""
        self._process.join(_PATIENCE_S)
        assert self._process.exitcode == code, self.errors()
        found: dict[str, Any] = json.loads(self._out.read_text())
        assert found["rows_read"] == found["rows_published"] + found["failed"]
        return found

    def errors(self) -> str:
        """Return what it has written to standard error so far."""
        return self._err.read_text() if self._err.exists() else ""


class Collector:
    """Collects the messages of a subscription.

    Attributes:
        messages: all messages so far, in the order of delivery.
    """

    def __init__(self, pubsub: PubSub, topic: str) -> None:
        """Subscribe to a topic."""
        self._pubsub = pubsub
        self._subscription = pubsub.new_subscription(topic, enable_message_ordering=True)
        self.messages: list[Any] = []

    def wait_for(self, count: int) -> None:
        """Collect until there are so many more messages."""
        wanted, end = len(self.messages) + count, time.monotonic() + _PATIENCE_S
        while len(self.messages) < wanted:
            assert time.monotonic() < end, f"{len(self.messages)} of {wanted} messages"
            self._collect()

    def wait_until_all(self, payloads: set[bytes]) -> None:
        """Collect until each of some payloads has come at least once."""
        end = time.monotonic() + _PATIENCE_S
        while missing := payloads - {message.data for message in self.messages}:
            assert time.monotonic() < end, f"{len(missing)} of {len(payloads)} messages are missing"
            self._collect()

    def rest(self) -> None:
        """Collect what Pub/Sub has, after the end of the bridges."""
        before = -1
        while len(self.messages) > before:
            before = len(self.messages)
            self._collect()

    def first_of(self, device: str) -> list[bytes]:
        """Return the payloads of a device in the order in which each came first."""
        return list(dict.fromkeys(one.data for one in self.messages if one.attributes.get("device") == device))

    def _collect(self) -> None:
        found = self._pubsub.pull_now(self._subscription, patience=0.5)
        if found:
            self._pubsub.acknowledge(self._subscription, found)
        self.messages += [one.message for one in found]


def until(is_done: Callable[[], bool], problem: str) -> None:
    """Wait for a condition."""
    end = time.monotonic() + _PATIENCE_S
    while not is_done():
        assert time.monotonic() < end, problem
        time.sleep(0.005)


def _run(words: list[str], environment: dict[str, str], out: str, err: str) -> None:
    os.environ.update(environment)
    for path, number in ((out, 1), (err, 2)):
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(file, number)
    raise SystemExit(main(words))
