"""The broker as a server on a port."""

from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Final, Self

import grpc

from publisher.broker.publisher_service import FailPublish, PublisherService
from publisher.broker.shared import SharedModel
from publisher.broker.subscriber_service import SubscriberService
from telemetry.errors import ConfigError

_MAX_REQUEST_BYTES: Final = 12_000_000
"""A Publish request with one message of 10 MB and its attributes fits."""
_MAX_CALLS: Final = 256
"""Calls served at once; a waiting Pull and an open stream count, and each has a thread."""
_GRACE_S: Final = 2.0


class Broker:
    """An embedded Pub/Sub that the official clients use like Google's emulator.

    Everything is kept in memory and gone after `stop`. Use it as a context manager, or call
    `start` and `stop`.
    """

    def __init__(self, host: str = "127.0.0.1", port: int = 0, fail_publish: FailPublish | None = None) -> None:
        """Serve on `host` and `port` (0: any free port) once started.

        Args:
            host: address to listen on.
            port: TCP port.
            fail_publish: for tests of retry: asked before each Publish request with its running
                number, from 1, from several threads; a status makes the request fail with it.
        """
        self._host = host
        self._port = port
        self._shared = SharedModel()
        self._server = grpc.server(
            ThreadPoolExecutor(_MAX_CALLS, thread_name_prefix="broker"),
            options=[
                ("grpc.max_receive_message_length", _MAX_REQUEST_BYTES),
                ("grpc.max_send_message_length", -1),
                ("grpc.so_reuseport", 0),  # a port in use must be an error, not shared with another broker
            ],
        )
        self._server.add_generic_rpc_handlers(
            (PublisherService(self._shared, fail_publish).handler(), SubscriberService(self._shared).handler())
        )

    @property
    def address(self) -> str:
        """``HOST:PORT``, as ``PUBSUB_EMULATOR_HOST`` wants it; the port is known once started."""
        return f"{self._host}:{self._port}"

    def start(self) -> Self:
        """Listen; calls are served when this returns.

        Raises:
            ConfigError: if the port cannot be had.
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
