"""Receive webhooks on a port of this machine, and answer them as a test says."""

import contextlib
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

from telemetry.webhooks.address import Endpoint, expand_address


@dataclass(frozen=True)
class Received:
    """A request."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def content(self) -> Any:
        """Its body as JSON."""
        return json.loads(self.body)


@dataclass(frozen=True)
class Reply:
    """An answer.

    Attributes:
        status: of HTTP.
        headers: in addition to its length.
        body: of the answer.
        hang: before the answer, until the receiver is closed.
        drip: send the body byte by byte, each a moment after the one before, for as long as somebody listens.
        cut: close the connection without an answer.
    """

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    hang: bool = False
    drip: bool = False
    cut: bool = False


Answers = Callable[[int, Received], Reply]
"""Says how a request is answered, which has a number from 0."""


class Receiver:
    """A server for webhooks, in threads of the test.

    Attributes:
        received: the requests so far.
    """

    def __init__(self, answers: Answers = lambda _number, _request: Reply()) -> None:
        self.received: list[Received] = []
        self.answers = answers
        self.closing = threading.Event()
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.receiver = self
        self.port: int = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def endpoint(self, path: str = "/hook") -> Endpoint:
        """A path of it."""
        return expand_address(self.address + path, {})

    def take(self, request: Received) -> Reply:
        with self._lock:
            self.received.append(request)
            number = len(self.received) - 1
        return self.answers(number, request)

    def __enter__(self) -> "Receiver":
        self._thread.start()
        return self

    def __exit__(self, _kind: type | None, _error: BaseException | None, _trace: TracebackType | None) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    receiver: Receiver


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        receiver: Receiver = self.server.receiver  # type: ignore[attr-defined]
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        reply = receiver.take(Received(self.path, dict(self.headers.items()), body))
        if reply.hang:
            receiver.closing.wait()
        if reply.hang or reply.cut:
            self.close_connection = True
            return
        with contextlib.suppress(OSError):
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            pieces = [reply.body[n : n + 1] for n in range(len(reply.body))] if reply.drip else [reply.body]
            for piece in pieces:
                self.wfile.write(piece)
                if reply.drip and receiver.closing.wait(0.02):
                    return

    def log_message(self, format: str, *arguments: object) -> None:
        """Say nothing."""
