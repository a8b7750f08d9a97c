"""Check that a server with the token of a job answers only those who present it."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest

from pipeline.local.job_token import RequireToken, channel_with_token, new_token

TOKEN = "the token"
ROUTES = ("unary_unary", "unary_stream", "stream_unary", "stream_stream")


def answer(request, context):
    return b"unary"


def answers(request, context):
    yield b"one"
    yield b"two"


HANDLERS = {
    route: getattr(grpc, f"{route}_rpc_method_handler")(answers if route.endswith("stream") else answer)
    for route in ROUTES
}


@pytest.fixture
def channel():
    """Yield a channel to a server with a method of each shape."""
    server = grpc.server(ThreadPoolExecutor(4), interceptors=[RequireToken(TOKEN)])
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("tests", HANDLERS)])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with grpc.insecure_channel(f"127.0.0.1:{port}") as plain:
        yield plain
    server.stop(0).wait()


def call(channel: grpc.Channel, route: str, method: str | None = None, **options: Any) -> Any:
    request = iter([b"request"]) if route.startswith("stream") else b"request"
    answered = getattr(channel, route)(f"/tests/{method or route}")(request, **options)
    return list(answered) if route.endswith("stream") else answered


@pytest.mark.parametrize("route", ROUTES)
def test_who_presents_the_token_is_answered(channel, route):
    own = channel_with_token(channel, TOKEN)
    expected = [b"one", b"two"] if route.endswith("stream") else b"unary"
    assert call(own, route) == expected
    assert call(own, route, metadata=[("worker_id", "w")]) == expected
    with pytest.raises(grpc.RpcError) as caught:
        call(own, route, method="no_such_method")
    assert caught.value.code() == grpc.StatusCode.UNIMPLEMENTED


@pytest.mark.parametrize("method", [None, "no_such_method"])
@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("token", [None, "", "another", TOKEN + "x", TOKEN[:-1]])
def test_who_does_not_is_refused_whatever_the_method(channel, token, route, method):
    stranger = channel if token is None else channel_with_token(channel, token)
    with pytest.raises(grpc.RpcError) as caught:
        call(stranger, route, method)
    assert caught.value.code() == grpc.StatusCode.UNAUTHENTICATED
    assert TOKEN not in caught.value.details()


def test_a_request_that_never_comes_is_not_waited_for(channel):
    calling = channel.stream_stream("/tests/stream_stream")
    endless = iter(lambda: b"request", None)
    with pytest.raises(grpc.RpcError) as caught:
        list(calling(endless, timeout=60))
    assert caught.value.code() == grpc.StatusCode.UNAUTHENTICATED


def test_every_job_has_another_token():
    tokens = {new_token() for _ in range(100)}
    assert len(tokens) == 100
    assert min(map(len, tokens)) >= 43
