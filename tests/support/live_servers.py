"""Start the live server on a free port, in a thread of the test or as the command in another process."""

import asyncio
import contextlib
import http.client
import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from tornado.httpserver import HTTPServer
from websockets.sync.client import ClientConnection, connect

from plotting.serve import server
from plotting.serve.access import Access
from plotting.serve.polling import ReadingsPoller, ResultsPoller
from plotting.serve.run_watcher import RunWatcher, watching
from plotting.serve.view_choice import ViewChoice
from telemetry.storage.result_store import FileStore

PATIENCE_S = 30.0
NOBODY_ELSE = Access()
PROGRAM = """
import sys
from plotting.serve.command import add_arguments, run
from telemetry.cli.commands import exit_code
from telemetry.cli.parser import OneLineParser

parser = OneLineParser()
add_arguments(parser)


parser.set_defaults(program="plotting")
sys.exit(exit_code("plotting", lambda: run(parser.parse_args(sys.argv[1:]))))
"""
T = TypeVar("T")


def until(true: Callable[[], Any]) -> Any:
    """Wait until the result of a call is true, and return it."""
    end = time.monotonic() + PATIENCE_S
    while not (found := true()):
        assert time.monotonic() < end, "never true"
        time.sleep(0.02)
    return found


class Served:
    """Server in another thread of the test."""

    def __init__(
        self, watcher: RunWatcher, default: ViewChoice, access: Access = NOBODY_ELSE, *, max_tabs: int = 64
    ) -> None:
        self.watcher = watcher
        self._sockets = server.listen("127.0.0.1", 0)
        self.address = server.address_of(self._sockets)
        self._access = access
        self.port: int = self._sockets[0].getsockname()[1]
        self._default, self._max_tabs = default, max_tabs
        self.loop = asyncio.new_event_loop()
        self.watching: asyncio.Task[None] | None = None
        self._stop = asyncio.Event()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: self.loop.run_until_complete(self._serve()), daemon=True)

    async def _serve(self) -> None:
        http_server = HTTPServer(
            server.application(self.watcher, self._default, "RUN <1>", self._access, max_tabs=self._max_tabs)
        )
        http_server.add_sockets(self._sockets)
        async with watching(self.watcher) as self.watching:
            self._ready.set()
            await self._stop.wait()
            http_server.stop()
            await http_server.close_all_connections()

    def __enter__(self) -> "Served":
        self._thread.start()
        assert self._ready.wait(PATIENCE_S)
        return self

    def __exit__(self, *_error: object) -> None:
        self.loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive()
        self.loop.close()

    def call(self, function: Callable[[], T]) -> T:
        """Call a function in the server's thread."""

        async def called() -> T:
            return function()

        return asyncio.run_coroutine_threadsafe(called(), self.loop).result(PATIENCE_S)

    def get(
        self, path: str, host: str | None = None, method: str = "GET", cookie: str = ""
    ) -> tuple[int, dict[str, str], bytes]:
        """Request a path; return status, headers and content."""
        connection = http.client.HTTPConnection(urlsplit(self.address).hostname or "", self.port, timeout=PATIENCE_S)
        headers = {"Host": host or f"127.0.0.1:{self.port}"} | ({"Cookie": cookie} if cookie else {})
        with contextlib.closing(connection):
            connection.request(method, path, headers=headers)
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()

    @contextlib.contextmanager
    def tab(self, parameters: str = "", **options: Any) -> Iterator["Page"]:
        """Open a socket, as the page does."""
        address = f"ws://127.0.0.1:{self.port}/socket?{parameters}&width=480"
        with connect(address, proxy=None, max_size=None, open_timeout=PATIENCE_S, **options) as socket:
            yield Page(socket)


class Page:
    """Client of the WebSocket protocol that the page uses."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket

    def send(self, kind: str, **content: Any) -> None:
        self.socket.send(json.dumps({"type": kind, **content}))

    def hear(self, kind: str, accept: Callable[[dict[str, Any]], bool] = lambda _message: True) -> dict[str, Any]:
        """Return the next message of a kind that is accepted; messages before it are skipped."""
        end = time.monotonic() + PATIENCE_S
        while True:
            message = self.socket.recv(timeout=max(end - time.monotonic(), 0.01))
            if isinstance(message, str):
                content: dict[str, Any] = json.loads(message)
                if content["type"] == kind and accept(content):
                    return content


@contextlib.contextmanager
def serving(
    folder: Path | str,
    default: ViewChoice | None = None,
    *,
    readings: tuple[str, ...] = (),
    access: Access = NOBODY_ELSE,
    max_tabs: int = 64,
) -> Iterator[Served]:
    """Serve a folder of results, polled ten times a second."""
    watcher = RunWatcher(ResultsPoller(FileStore(str(folder))), ReadingsPoller(readings), 0.1)
    with Served(watcher, default or ViewChoice(width=480), access, max_tabs=max_tabs) as served:
        yield served


def start(*arguments: object) -> tuple["subprocess.Popen[str]", str]:
    """Start the command; return its process and the address it prints."""
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *map(str, arguments)],
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    if " at http" not in line:
        raise AssertionError(f"did not start: {line!r} {process.communicate(timeout=PATIENCE_S)}")
    return process, line.split(" at ")[1].split()[0]


def end(process: "subprocess.Popen[str]", number: int = signal.SIGINT) -> tuple[int, str, str]:
    """End a process as Ctrl-C does; return its exit code and the rest of both outputs."""
    process.send_signal(number)
    said, complained = process.communicate(timeout=PATIENCE_S)
    return process.returncode, said, complained
