"""Send one request to a webhook, with one attempt, in bounded time and memory.

The client is `http.client` of the standard library: it follows no redirect, reads no proxy and no password from
the environment or from ``~/.netrc``, and checks certificates and host names.
"""

import contextlib
import datetime as dt
import email.utils
import functools
import http.client
import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from telemetry import __version__
from telemetry.errors import TelemetryError
from telemetry.webhooks.address import Endpoint

MOST_ANSWER_BYTES: Final = 65_536
"""Bytes of an answer that are read."""
_SHOWN_CHARACTERS: Final = 200


@dataclass(frozen=True, slots=True)
class PostLimits:
    """Time that a request may take, seconds.

    Attributes:
        silent_s: wait for a connection, or for the next bytes.
        whole_s: all of it, from the connection to the end of the answer.
    """

    silent_s: float = 5.0
    whole_s: float = 10.0


@dataclass(frozen=True, slots=True)
class Answer:
    """Answer of a webhook.

    Attributes:
        status: of HTTP.
        text: beginning of its body in one line, without secrets.
        retry_after_s: how long it asks to wait before the next request, seconds; None if it does not.
    """

    status: int
    text: str = ""
    retry_after_s: float | None = None


class NoAnswerError(TelemetryError):
    """A request without an answer: the text says why, without secrets."""


Post = Callable[[bytes, Mapping[str, str]], Answer]
"""Sends a body with headers, with one attempt; raises NoAnswerError."""


def post(endpoint: Endpoint, body: bytes, headers: Mapping[str, str], limits: PostLimits | None = None) -> Answer:
    """Send a body to a webhook and return the answer, whatever its status.

    Args:
        endpoint: the webhook.
        body: JSON.
        headers: sent in addition to those of the protocol and of the authorization.
        limits: None for the defaults.

    Raises:
        NoAnswerError: if there is no answer of HTTP within the limits.
    """
    limits = limits or PostLimits()
    sent = {"Content-Type": "application/json", "User-Agent": f"telemetry/{__version__}", "Connection": "close"}
    if endpoint.authorization:
        sent["Authorization"] = endpoint.authorization
    watch = _Watch(limits.whole_s)
    connection = _connection(endpoint, limits)
    try:
        with contextlib.closing(connection), watch:
            connection.connect()
            watch.socket = connection.sock  # the connection lets go of it with the head of the answer
            connection.request("POST", endpoint.path, body, sent | dict(headers))
            answer = connection.getresponse()
            content = answer.read(MOST_ANSWER_BYTES)
    except (OSError, http.client.HTTPException) as error:
        raise NoAnswerError(endpoint.scrub(_cause(error, limits, late=watch.expired))) from None
    if watch.expired:
        raise NoAnswerError(_late(limits))
    text = endpoint.scrub(" ".join(content.decode("utf-8", "replace").split()))
    wait_s = _seconds(answer.getheader("Retry-After"), answer.getheader("Date"))
    return Answer(answer.status, text[:_SHOWN_CHARACTERS], wait_s)


class _Watch:
    """Ends a connection when its time is over: time limits of sockets only count from one byte to the next."""

    def __init__(self, seconds: float) -> None:
        self.socket: socket.socket | None = None
        self.expired = False
        self._timer = threading.Timer(seconds, self._end)
        self._timer.daemon = True

    def __enter__(self) -> None:
        self._timer.start()

    def __exit__(self, *_error: object) -> None:
        self._timer.cancel()

    def _end(self) -> None:
        self.expired = True
        if self.socket is not None:
            with contextlib.suppress(OSError):
                # Not the method of an encrypted socket: that one changes the socket while it is being read.
                socket.socket.shutdown(self.socket, socket.SHUT_RDWR)


def _connection(endpoint: Endpoint, limits: PostLimits) -> http.client.HTTPConnection:
    if endpoint.secure:
        return http.client.HTTPSConnection(endpoint.host, endpoint.port, timeout=limits.silent_s, context=_trust())
    return http.client.HTTPConnection(endpoint.host, endpoint.port, timeout=limits.silent_s)


@functools.cache
def _trust() -> ssl.SSLContext:
    """Return what certificates are checked against: those of the system, or of the file in ``SSL_CERT_FILE``."""
    return ssl.create_default_context()


def _cause(error: Exception, limits: PostLimits, *, late: bool) -> str:
    match error:
        case _ if late:
            return _late(limits)
        case TimeoutError():
            return f"no answer for {limits.silent_s:g} s"
        case ssl.SSLCertVerificationError():
            return f"its certificate is not trusted: {error.verify_message}"
        case ssl.SSLError():
            return f"no encrypted connection: {error.reason or 'TLS failed'}"
        case socket.gaierror():
            return "its host is not known"
        case http.client.RemoteDisconnected():
            return "the connection was closed without an answer"
        case OSError():
            return error.strerror or type(error).__name__
    return "its answer is not one of HTTP"  # the text of these errors repeats what was received


def _late(limits: PostLimits) -> str:
    return f"no complete answer within {limits.whole_s:g} s"


def _seconds(retry_after: str | None, date: str | None) -> float | None:
    """Return the seconds that Retry-After asks for; a point in time is compared with the server's own clock."""
    if retry_after is None:
        return None
    if retry_after.strip().isdecimal():
        return float(retry_after)
    moments = [_moment(text) for text in (retry_after, date)]
    if moments[0] is None:
        return None
    return max(0.0, (moments[0] - (moments[1] or dt.datetime.now(dt.UTC))).total_seconds())


def _moment(text: str | None) -> dt.datetime | None:
    try:
        moment = email.utils.parsedate_to_datetime(text or "")
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=dt.UTC)
