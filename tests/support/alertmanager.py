"""Run the real Alertmanager on this machine, with notifications to a receiver of the test.

Import the fixture `alertmanager` into a test module. Without the program its tests are skipped.
"""

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support import needs
from tests.support.emulators import Server
from tests.support.receivers import Receiver

_CONFIG = """
global:
  resolve_timeout: 1s
route:
  receiver: test
  group_by: ['...']
  group_wait: 0s
  group_interval: 1s
  repeat_interval: 1h
receivers:
- name: test
  webhook_configs:
  - url: {address}/notify
    send_resolved: true
"""


class Alertmanager(Server):
    """Alertmanager that resolves an alert without an end after a second, and notifies a receiver at once.

    Attributes:
        receiver: gets the notifications.
    """

    need = needs.ALERTMANAGER
    keeps_data = False  # it keeps notifications that were sent, and no alerts

    def __init__(self, folder: Path, receiver: Receiver) -> None:
        super().__init__(folder)
        self.receiver = receiver
        (folder / "config.yml").write_text(_CONFIG.format(address=receiver.address))

    @property
    def api(self) -> str:
        """The address to which alerts are posted."""
        return f"{self.endpoint}/api/v2/alerts"

    def arguments(self) -> list[str]:
        places = [f"--config.file={self.folder / 'config.yml'}", f"--storage.path={self.folder / 'data'}"]
        return [*places, f"--web.listen-address=127.0.0.1:{self.port}", "--cluster.listen-address="]

    def firing(self) -> list[dict[str, Any]]:
        """Return the alerts that are not over, by incident."""
        with urllib.request.urlopen(self.api, timeout=10) as answer:
            found: list[dict[str, Any]] = json.load(answer)
        return sorted(found, key=lambda alert: str(alert["labels"].get("incident_id")))

    def notified(self) -> list[tuple[str, str]]:
        """Return (incident, firing or resolved) of each alert in each notification so far, in order."""
        notifications = [request.content for request in list(self.receiver.received)]
        return [(alert["labels"]["incident_id"], alert["status"]) for one in notifications for alert in one["alerts"]]


@pytest.fixture
def alertmanager(tmp_path: Path) -> Iterator[Alertmanager]:
    """An Alertmanager of the test's own."""
    needs.ALERTMANAGER.path()
    with Receiver() as receiver:
        server = Alertmanager(tmp_path / "alertmanager", receiver)
        server.start()
        try:
            yield server
        finally:
            server.stop()
