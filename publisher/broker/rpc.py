"""gRPC handlers out of plain functions: request in, response out, refusals as statuses."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import grpc

from publisher.broker.refusal import RefusedError


@contextmanager
def refusals_as_status(context: grpc.ServicerContext) -> Iterator[None]:
    """Turn a `RefusedError` into the status of the call."""
    try:
        yield
    except RefusedError as refusal:
        context.abort(grpc.StatusCode[refusal.status.name], refusal.problem)


def unary(function: Callable[[Any, grpc.ServicerContext], Any], request: Any, response: Any) -> grpc.RpcMethodHandler:
    """Serve `function`, which may raise `RefusedError`; `request` and `response` are protobuf classes."""

    def handle(message: Any, context: grpc.ServicerContext) -> Any:
        with refusals_as_status(context):
            return function(message, context)

    return grpc.unary_unary_rpc_method_handler(
        handle, request_deserializer=request.FromString, response_serializer=response.SerializeToString
    )


def page(items: list[Any], size: int, token: str, name_of: Callable[[Any], str]) -> tuple[list[Any], str]:
    """Return one page of `items`, which are sorted by name, and the token of the next: its first name.

    A size of 0 or less means everything, as in Google's emulator.
    """
    rest = [item for item in items if name_of(item) >= token]
    if size <= 0 or len(rest) <= size:
        return rest, ""
    return rest[:size], name_of(rest[size])
