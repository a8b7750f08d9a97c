"""Serve the page, its script, Matplotlib's script, a WebSocket per tab, and pictures to save."""

import asyncio
import errno
import html
import json
import signal
import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from string import Template
from typing import Any, Final

import matplotlib as mpl
from matplotlib.backends.backend_webagg_core import FigureManagerWebAgg
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, HTTPError, RequestHandler, StaticFileHandler
from tornado.websocket import WebSocketHandler

from plotting.figures import FILE_METADATA
from plotting.serve.access import TOKEN, Access
from plotting.serve.run_watcher import RunWatcher, watching
from plotting.serve.tab_session import TabSession
from plotting.serve.view_choice import FIGURES, RECENT_RANGES_S, ViewChoice, read_choice
from plotting.serve.words import WORDS
from telemetry.errors import ConfigError

_HERE: Final = Path(__file__).parent
_TYPES: Final = {"png": "image/png", "svg": "image/svg+xml", "pdf": "application/pdf"}
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' blob: data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Policy that lets the page contact only this server. Matplotlib's script needs inline styles."""
_MAX_TABS: Final = 64
_ANSWER_S: Final = 20.0


def listen(host: str, port: int) -> list[socket.socket]:
    """Bind a port before anything is read.

    Raises:
        ConfigError: if the address or the port cannot be bound.
    """
    try:
        return bind_sockets(port, host)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise ConfigError(
                "--port", port, f"is taken on {host}; choose another, or 0 for any that is free"
            ) from error
        if error.errno == errno.EACCES:
            raise ConfigError("--port", port, "may not be taken; choose one above 1023") from error
        raise ConfigError("--host", host, f"cannot be listened on: {error.strerror or error}") from error


def address_of(sockets: list[socket.socket], token: str = "") -> str:
    """Return the address of the page, with the token if there is one."""
    host, port = sockets[0].getsockname()[:2]
    address = f"http://{f'[{host}]' if ':' in host else host}:{port}/"
    return f"{address}?{TOKEN}={token}" if token else address


async def serve(
    sockets: list[socket.socket],
    watcher: RunWatcher,
    default: ViewChoice,
    where: str,
    access: Access,
    ready: Callable[[], None],
) -> None:
    """Serve requests until SIGINT or SIGTERM.

    Args:
        sockets: sockets from `listen`.
        watcher: watcher of the run.
        default: choice for parameters that are missing in the address.
        where: name of the results, shown to the user.
        access: who may see the page.
        ready: called when the server accepts requests.
    """
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    server = HTTPServer(application(watcher, default, where, access))
    server.add_sockets(sockets)
    async with watching(watcher) as task:
        ready()
        stopped = asyncio.create_task(stop.wait())
        await asyncio.wait({task, stopped}, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        server.stop()
        await server.close_all_connections()
        if task.done():
            await task  # it only ends by an error, which this raises


def application(
    watcher: RunWatcher, default: ViewChoice, where: str, access: Access, *, max_tabs: int = _MAX_TABS
) -> Application:
    """Return the web application.

    Args:
        watcher: watcher of the run.
        default: choice for parameters that are missing in the address.
        where: name of the results, shown to the user.
        access: who may see the page.
        max_tabs: number of tabs that may be open at a time.
    """
    shared = {"watcher": watcher, "default": default, "where": where, "access": access, "max_tabs": max_tabs}
    pictures = str(Path(mpl.get_data_path(), "images"))
    script = FigureManagerWebAgg.get_javascript
    style = Path(FigureManagerWebAgg.get_static_file_path(), "css", "mpl.css")  # type: ignore[no-untyped-call]
    return Application(
        [
            (r"/", _Page, shared),
            (r"/page\.js", _Text, shared | {"kind": "text/javascript", "text": lambda: _read("page.js")}),
            (r"/page\.css", _Text, shared | {"kind": "text/css", "text": lambda: _read("page.css")}),
            (r"/mpl\.js", _Text, shared | {"kind": "text/javascript", "text": script}),
            (r"/mpl\.css", _Text, shared | {"kind": "text/css", "text": lambda: style.read_text("utf-8")}),
            (r"/_images/([a-z_]+\.png)", _Image, shared | {"path": pictures}),
            (r"/socket", _Socket, shared),
            (r"/save/([\w-]+)\.([a-z]+)", _Save, shared),
        ],
        default_handler_class=_Nothing,
        default_handler_args=shared,
        websocket_ping_interval=_ANSWER_S,
        websocket_max_message_size=1 << 20,
        log_function=lambda _handler: None,
    )


def _read(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")


class _Handler(RequestHandler):
    refusal = ""

    def initialize(
        self, watcher: RunWatcher, default: ViewChoice, where: str, access: Access, max_tabs: int, **others: Any
    ) -> None:
        self.watcher, self.default, self.where, self.access = watcher, default, where, access
        self.max_tabs, self.others = max_tabs, others

    def prepare(self) -> None:
        """Refuse a request under a foreign host name, or without the token."""
        connection: Any = self.request.connection
        client = connection.stream.socket  # None if the client has left: nobody reads the answer
        connected = client.getsockname() if client is not None else ("", 0)
        if not self.access.allows_host(self.request.host_name, connected[0]):
            self.refusal = "refused_host"
            raise HTTPError(403)
        cookie = f"telemetry_serve_{connected[1]}"  # browsers send cookies to every port of a host
        given = self.get_query_argument(TOKEN, None)
        if not self.access.allows_token(given if given is not None else self.get_cookie(cookie, "") or ""):
            self.refusal = "refused_token"
            raise HTTPError(403)
        if self.access.token and given:  # the page finds its parts, and the socket, without the token in their address
            self.set_cookie(cookie, given, httponly=True, samesite="Lax")

    def write_error(self, status_code: int, **details: Any) -> None:
        """Answer a refused request with a page that says why, and what to do."""
        if not self.refusal:
            super().write_error(status_code, **details)
            return
        words = WORDS[self.default.language]
        text = html.escape(words[self.refusal].format(host=self.request.host_name))
        title = html.escape(words["refused_title"])
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.finish(
            f'<!DOCTYPE html><html lang="{self.default.language}"><meta charset="utf-8"><title>{title}</title>'
            f"<h1>{title}</h1><p>{text}</p></html>\n"
        )

    def set_default_headers(self) -> None:
        self.set_header("Content-Security-Policy", _POLICY)
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Referrer-Policy", "no-referrer")
        self.set_header("Cache-Control", "no-store")
        self.clear_header("Server")


class _Page(_Handler):
    def get(self) -> None:
        language = self.get_query_argument("lang", self.default.language)
        language = language if language in WORDS else self.default.language
        words: Mapping[str, str] = WORDS[language]
        embedded = {
            "words": dict(words),
            "defaults": {
                "figure": self.default.figure,
                "metric": self.default.metric,
                "device": list(self.default.devices),
                "lang": self.default.language,
                "theme": self.default.theme,
            },
            "figures": FIGURES,
            "ranges": list(RECENT_RANGES_S),
            "formats": list(FILE_METADATA),
        }
        parts = {f"w_{name}": html.escape(text) for name, text in words.items()}
        parts |= {"lang": language, "where": html.escape(self.where)}
        parts["data"] = json.dumps(embedded).replace("<", "\\u003c")
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.finish(Template(_read("page.html")).substitute(parts))


class _Text(_Handler):
    def get(self) -> None:
        self.set_header("Content-Type", f"{self.others['kind']}; charset=utf-8")
        self.finish(self.others["text"]())


class _Image(StaticFileHandler, _Handler):
    def initialize(self, path: str, **shared: Any) -> None:  # type: ignore[override]
        StaticFileHandler.initialize(self, path)
        _Handler.initialize(self, **shared)


class _Nothing(_Handler):
    def prepare(self) -> None:
        super().prepare()
        raise HTTPError(404)


class _Save(_Handler):
    def get(self, name: str, kind: str) -> None:
        session = self.watcher.sessions.get(name)
        if session is None or kind not in _TYPES:
            raise HTTPError(404)
        self.set_header("Content-Type", _TYPES[kind])
        self.set_header("Content-Disposition", f'attachment; filename="{session.choice.figure}.{kind}"')
        self.finish(session.saved_picture(kind))


class _Socket(WebSocketHandler, _Handler):
    session: TabSession | None = None

    def prepare(self) -> None:
        _Handler.prepare(self)
        if len(self.watcher.sessions) >= self.max_tabs:
            raise HTTPError(503, reason=f"{self.max_tabs} tabs are open")

    def open(self, *_args: str, **_options: str) -> None:
        names = self.request.query_arguments.keys() - {TOKEN}
        parameters = {name: list(self.get_query_arguments(name)) for name in names}
        try:
            choice = read_choice(parameters, self.default)
        except ConfigError as error:
            self.send_json({"type": "refused", "problem": str(error)})
            choice = self.default
        self.session = TabSession(self.watcher.run, choice, self, self.default)
        self.watcher.add_tab(self.session)
        self.session.start()

    def on_message(self, message: str | bytes) -> None:
        try:
            content = json.loads(message)
            assert self.session is not None, "messages arrive after the socket is open"
            self.session.handle_message(content)
        except (KeyError, TypeError, ValueError, RecursionError) as error:
            self.close(1007, f"not understood: {type(error).__name__}")

    def on_close(self) -> None:
        if self.session is not None:
            self.watcher.remove_tab(self.session)
            self.session = None

    def send_json(self, content: dict[str, Any]) -> None:
        """Send a message, unless the connection is closed."""
        self._send(json.dumps(content))

    def send_binary(self, blob: bytes) -> None:
        """Send a picture, unless the connection is closed."""
        self._send(blob)

    def _send(self, content: str | bytes) -> None:
        # A closing connection refuses messages, and `on_close` is called only afterwards.
        if self.ws_connection is not None and not self.ws_connection.is_closing():
            sent = self.write_message(content, binary=isinstance(content, bytes))
            sent.add_done_callback(lambda done: done.cancelled() or done.exception())  # ignore a connection lost here
