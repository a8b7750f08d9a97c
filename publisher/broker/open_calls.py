"""Limit the calls that wait for messages, so that other calls always find a thread."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from publisher.broker.errors import RequestError, Status


class OpenCalls:
    """Number of waiting Pulls and open streams; thread safe."""

    def __init__(self, most: int) -> None:
        """Allow `most` calls at a time."""
        self._most = most
        self._count = 0
        self._lock = threading.Lock()

    @contextmanager
    def counted(self) -> Iterator[None]:
        """Count a call while it lasts.

        Raises:
            RequestError: RESOURCE_EXHAUSTED if there are too many already.
        """
        with self._lock:
            if self._count >= self._most:
                raise RequestError(
                    Status.RESOURCE_EXHAUSTED,
                    f"{self._most} Pull and StreamingPull calls are open; the broker accepts no more",
                )
            self._count += 1
        try:
            yield
        finally:
            with self._lock:
                self._count -= 1
