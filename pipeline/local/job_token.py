"""Authenticate the worker processes of a job to its services, by a token that is random for each job.

The token reaches a worker in its environment, which other users of the machine cannot read, and never on a command
line, which they can. A worker presents it with each call.
"""

import hmac
import secrets
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import grpc

VARIABLE: Final = "TELEMETRY_JOB_TOKEN"
"""Environment variable of a worker process; the worker removes it when it has read it."""
_HEADER: Final = "telemetry-job-token"


def new_token() -> str:
    """Return a random token of 256 bits."""
    return secrets.token_urlsafe(32)


class RequireToken(grpc.ServerInterceptor):
    """Refuse every call to a server, of any method, that does not present the token."""

    def __init__(self, token: str) -> None:
        """Require this token."""
        self._token = token.encode()

    def intercept_service(self, continuation: Callable[[Any], Any], details: Any) -> Any:
        """Return the handler of the called method, or one that refuses the call before it reads a request."""
        given = next((value for name, value in details.invocation_metadata if name == _HEADER), "")
        if hmac.compare_digest(given.encode(), self._token):
            return continuation(details)
        return grpc.stream_stream_rpc_method_handler(_refuse)


def _refuse(_requests: object, context: grpc.ServicerContext) -> None:
    context.abort(grpc.StatusCode.UNAUTHENTICATED, "only the workers of this job are served")


class _CallDetails(NamedTuple):
    """Details of a call, as interceptors pass them on."""

    method: str
    timeout: float | None
    metadata: list[tuple[str, str]]
    credentials: Any
    wait_for_ready: bool | None
    compression: Any


class PresentToken(
    grpc.UnaryUnaryClientInterceptor,
    grpc.UnaryStreamClientInterceptor,
    grpc.StreamUnaryClientInterceptor,
    grpc.StreamStreamClientInterceptor,
):
    """Present the token with each call of a channel."""

    def __init__(self, token: str) -> None:
        """Present this token."""
        self._token = token

    def _call(self, continuation: Callable[[Any, Any], Any], details: Any, request: Any) -> Any:
        metadata = [*(details.metadata or ()), (_HEADER, self._token)]
        others = (details.credentials, details.wait_for_ready, details.compression)
        return continuation(_CallDetails(details.method, details.timeout, metadata, *others), request)

    intercept_unary_unary = intercept_unary_stream = intercept_stream_unary = intercept_stream_stream = _call


def channel_with_token(channel: grpc.Channel, token: str) -> grpc.Channel:
    """Return a channel that presents the token with each call."""
    return grpc.intercept_channel(channel, PresentToken(token))
