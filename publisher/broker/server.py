"""Serve the broker on a TCP port."""

from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Final, Self

import grpc

from publisher.broker.open_calls import OpenCalls
from publisher.broker.publisher_service import FailPublish, PublisherService
from publisher.broker.shared_model import SharedModel
from publisher.broker.subscriber_service import SubscriberService
from telemetry.errors import ConfigError

_MAX_REQUEST_BYTES: Final = 12_000_000
"""Large enough for a Publish request with one message of 10 MB and its attributes."""
MAX_OPEN_CALLS: Final = 1000
"""Most waiting Pulls and open streams, each on its own thread; more are refused with RESOURCE_EXHAUSTED."""
_OTHER_CALLS: Final = 64
"""Threads beyond those of open calls, so that calls that do not wait are always answered."""
_GRACE_S: Final = 2.0


class Broker:
    """An embedded Pub/Sub that the official clients use like Google's emulator.

    The state is in memory and is lost at `stop`. Use the broker as a context manager, or call `start` and `stop`.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        fail_publish: FailPublish | None = None,
        max_open_calls: int = MAX_OPEN_CALLS,
    ) -> None:
        """Prepare the server without starting it.

        Args:
            host: address to listen on.
            port: TCP port; 0 for any free port.
            fail_publish: for tests of retry: called before each Publish request, from several threads, with its
                sequence number, from 1; the request fails with the returned status.
            max_open_calls: most waiting Pulls and open streams.
        """
        self._host = host
        self._port = port
        self._shared = SharedModel()
        self._server = grpc.server(
            ThreadPoolExecutor(max_open_calls + _OTHER_CALLS, thread_name_prefix="broker"),
            options=[
                ("grpc.max_receive_message_length", _MAX_REQUEST_BYTES),
                ("grpc.max_send_message_length", -1),
                ("grpc.so_reuseport", 0),  # a port in use must be an error, not shared with another broker
            ],
        )
        self._server.add_generic_rpc_handlers(
            (
                PublisherService(self._shared, fail_publish).handler(),
                SubscriberService(self._shared, OpenCalls(max_open_calls)).handler(),
            )
        )

    @property
    def address(self) -> str:
        """Address for ``PUBSUB_EMULATOR_HOST``, ``HOST:PORT``; the port is known after `start`."""
        return f"{self._host}:{self._port}"

    def start(self) -> Self:
        """Start to listen and to serve calls.

        Raises:
            ConfigError: if the broker cannot listen on the port.
        """
        try:
            self._port = self._server.add_insecure_port(self.address)
        except RuntimeError as error:
            raise ConfigError("--port", self._port, f"cannot listen on {self.address}; is the port in use?") from error
        self._server.start()
        return self

    def stop(self) -> None:
        """End all waiting calls and free the port."""
        self._shared.close()
        self._server.stop(_GRACE_S).wait()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()
