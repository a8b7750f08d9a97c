"""Run the real Mosquitto on this machine, and publish to it.

Import the fixture `mosquitto` into a test module. Without the program its tests are skipped.
"""

import os
import signal
import socket
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from tests.support import needs
from tests.support.emulators import Server

_STARTUP_S: Final = 60.0
_ANSWER_S: Final = 60.0
_CONFIG: Final = """
listener {port} 127.0.0.1
user {user}
persistence true
persistence_location {folder}/
max_queued_messages 0
set_tcp_nodelay true
log_type all
"""


class Mosquitto(Server):
    """Mosquitto that keeps messages of sessions over a restart, though not over a kill."""

    need = needs.MOSQUITTO

    def __init__(self, folder: Path, *settings: str) -> None:
        """Prepare, with further lines of configuration; without any, everybody may connect."""
        super().__init__(folder)
        user = "root" if os.geteuid() == 0 else "mosquitto"  # root would become another user, who may not write here
        lines = _CONFIG.format(port=self.port, user=user, folder=folder)
        (folder / "mosquitto.conf").write_text(lines + "\n".join(settings or ["allow_anonymous true"]) + "\n")

    @property
    def endpoint(self) -> str:
        return f"mqtt://127.0.0.1:{self.port}"

    def wait_for_subscriptions(self, count: int = 1) -> None:
        """Wait until so many subscriptions were made since the first start; their sessions get what is published."""
        until = time.monotonic() + _ANSWER_S
        while self._log.read_text(errors="replace").count("Sending SUBACK") < count:
            assert time.monotonic() < until, self._tail()
            time.sleep(0.005)

    def arguments(self) -> list[str]:
        return ["-c", str(self.folder / "mosquitto.conf")]

    def end(self) -> None:
        """Stop it in order: it writes its sessions and messages to disk."""
        self._signal(signal.SIGTERM)
        assert self._process is not None
        assert self._process.wait(timeout=60) == 0, self._tail()
        self._process = None

    def publish(self, messages: Iterable[tuple[str, bytes]], qos: int = 1, retain: bool = False) -> None:
        """Publish (topic, payload) in order; the broker has them when this returns."""
        with publisher(self.port) as client:
            sent = [client.publish(topic, payload, qos, retain) for topic, payload in messages]
            for one in sent:
                one.wait_for_publish(_ANSWER_S)
                assert one.is_published()

    def _wait_until_answering(self) -> None:
        until = time.monotonic() + _STARTUP_S
        while True:
            assert self._process is not None
            assert self._process.poll() is None, self._tail()
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=5).close()
            except OSError:
                assert time.monotonic() < until, self._tail()
                time.sleep(0.01)
            else:
                return


@contextmanager
def publisher(port: int) -> Iterator[Client]:
    """Connect a client that publishes."""
    client = Client(CallbackAPIVersion.VERSION2)
    client.max_inflight_messages = 1_000
    client.connect("127.0.0.1", port)
    client.loop_start()
    try:
        yield client
    finally:
        client.disconnect()
        client.loop_stop()


@contextmanager
def running(server: Mosquitto) -> Iterator[Mosquitto]:
    """Run a server for a block."""
    server.start()
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Mosquitto]:
    """A Mosquitto of the test's own."""
    needs.MOSQUITTO.path()
    with running(Mosquitto(tmp_path / "mosquitto")) as server:
        yield server
