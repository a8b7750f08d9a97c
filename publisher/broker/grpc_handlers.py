"""Build gRPC handlers from plain functions that return a response or raise `RequestError`."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import grpc

from publisher.broker.errors import RequestError


@contextmanager
def set_error_status(context: grpc.ServicerContext) -> Iterator[None]:
    """Turn a `RequestError` into the status of the call."""
    try:
        yield
    except RequestError as error:
        context.abort(grpc.StatusCode[error.status.name], error.problem)


def unary_handler(
    function: Callable[[Any, grpc.ServicerContext], Any], request: Any, response: Any
) -> grpc.RpcMethodHandler:
    """Return a handler that calls `function`; `request` and `response` are protobuf classes."""

    def handle(message: Any, context: grpc.ServicerContext) -> Any:
        with set_error_status(context):
            return function(message, context)

    return grpc.unary_unary_rpc_method_handler(
        handle, request_deserializer=request.FromString, response_serializer=response.SerializeToString
    )


def page(items: list[Any], size: int, token: str, name_of: Callable[[Any], str]) -> tuple[list[Any], str]:
    """Return one page of `items` and the token of the next page, which is its first name.

    Args:
        items: all items, sorted by name.
        size: most items of a page; 0 or less for all items, as in Google's emulator.
        token: first name of the page; empty for the first page.
        name_of: returns the name of an item.
    """
    rest = [item for item in items if name_of(item) >= token]
    if size <= 0 or len(rest) <= size:
        return rest, ""
    return rest[:size], name_of(rest[size])
