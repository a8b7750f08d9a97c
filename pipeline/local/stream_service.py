"""Serve the events of a stream to the runner of this process, and to no other user of the machine."""

import os
import tempfile
from collections.abc import Iterator
from typing import Any, Final, Protocol

from apache_beam.testing.test_stream_service import TestStreamServiceController

_MAX_PATH_BYTES: Final = 100
"""Longest path of a socket: the system allows 107 bytes on Linux and 103 on macOS."""
_SHORT: Final = "/tmp"


class EventReader(Protocol):
    """A source of events, as Beam's TestStream service calls it."""

    def read_multiple(self, labels: object) -> Iterator[Any]:
        """Yield the events of the stream."""


class StreamService(TestStreamServiceController):
    """Beam's TestStream service on a Unix socket, in a folder that only the user of the job may open.

    Beam would listen on a TCP port, where any user of the machine could take events, which then the job would miss.

    Attributes:
        endpoint: address of the service for the runner.
    """

    def __init__(self, reader: EventReader) -> None:
        """Make the folder; the service starts with `start`."""
        self._folder = _short_folder()
        super().__init__(reader, endpoint=f"unix:{os.path.join(self._folder.name, 'events')}")

    def stop(self) -> None:
        """Stop serving, and remove the folder."""
        super().stop()
        self._folder.cleanup()


def _short_folder() -> tempfile.TemporaryDirectory[str]:
    """Make a folder of mode 0700 whose path is short enough for a socket: below ``TMPDIR`` if possible."""
    parent = tempfile.gettempdir()
    if len(os.fsencode(parent)) > _MAX_PATH_BYTES - len("/telemetry-stream-________/events"):
        parent = _SHORT
    return tempfile.TemporaryDirectory(prefix="telemetry-stream-", dir=parent)
