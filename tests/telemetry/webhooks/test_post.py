"""One request: what is sent, what comes back, and that nothing makes it longer, larger or less secret."""

import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from telemetry import __version__
from telemetry.webhooks import post as module
from telemetry.webhooks.address import expand_address
from telemetry.webhooks.post import MOST_ANSWER_BYTES, Answer, NoAnswerError, PostLimits, post
from tests.support.receivers import Receiver, Reply

SHORT = PostLimits(silent_s=0.3, whole_s=0.6)


def test_a_request_has_its_headers_and_its_body() -> None:
    with Receiver(lambda *_: Reply(202, body=b" some\n text ")) as receiver:
        endpoint = expand_address(f"{receiver.address}/hook?a=b", {}, "a-token")
        assert post(endpoint, b'{"a":1}', {"Idempotency-Key": "7"}) == Answer(202, "some text")
    (request,) = receiver.received
    assert (request.path, request.body) == ("/hook?a=b", b'{"a":1}')
    assert request.headers == {
        "Host": f"127.0.0.1:{receiver.port}",
        "Accept-Encoding": "identity",
        "Content-Length": "7",
        "Content-Type": "application/json",
        "User-Agent": f"telemetry/{__version__}",
        "Connection": "close",
        "Authorization": "Bearer a-token",
        "Idempotency-Key": "7",
    }


def test_without_a_token_there_is_no_authorization() -> None:
    with Receiver() as receiver:
        post(receiver.endpoint(), b"{}", {})
    assert "Authorization" not in receiver.received[0].headers


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_an_answer_and_is_not_followed(status: int) -> None:
    with Receiver() as other, Receiver(lambda *_: Reply(status, {"Location": f"{other.address}/x"})) as receiver:
        assert post(receiver.endpoint(), b"{}", {}).status == status
    assert (len(receiver.received), other.received) == (1, [])


def test_secrets_in_an_answer_are_hidden() -> None:
    with Receiver(lambda _, request: Reply(403, body=f"no {request.path} {request.headers}".encode())) as receiver:
        endpoint = expand_address(f"{receiver.address}/${{HOOK}}", {"HOOK": "s3cret"}, "t0ken")
        text = post(endpoint, b"{}", {}).text
    assert text.startswith("no /*** {")
    assert "s3cret" not in text
    assert "t0ken" not in text


def test_of_a_long_answer_only_the_beginning_is_read() -> None:
    with Receiver(lambda *_: Reply(200, body=b"x" * 40 * MOST_ANSWER_BYTES)) as receiver:
        assert post(receiver.endpoint(), b"{}", {}) == Answer(200, "x" * 200)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, None),
        ({"Retry-After": "7"}, 7.0),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "Sun, 12 Jul 2020 00:00:30 GMT", "Date": "Sun, 12 Jul 2020 00:00:10 GMT"}, 20.0),
        ({"Retry-After": "Sun, 12 Jul 2020 00:00:00 GMT"}, 0.0),
    ],
)
def test_an_answer_may_say_how_long_to_wait(headers: dict[str, str], expected: float | None) -> None:
    assert module._seconds(headers.get("Retry-After"), headers.get("Date")) == expected
    with Receiver(lambda *_: Reply(429, {"Retry-After": "7"})) as receiver:
        assert post(receiver.endpoint(), b"{}", {}).retry_after_s == 7.0


def test_nobody_listens() -> None:
    with Receiver() as receiver:
        endpoint = receiver.endpoint()
    with pytest.raises(NoAnswerError) as raised:
        post(endpoint, b"{}", {})
    assert str(raised.value) == "Connection refused"


def test_a_host_that_is_not_there() -> None:
    with pytest.raises(NoAnswerError) as raised:
        post(expand_address("http://${HOST}/", {"HOST": "s3cret.invalid"}), b"{}", {})
    assert str(raised.value) == "its host is not known"


@pytest.mark.parametrize(
    ("reply", "cause"),
    [
        (Reply(hang=True), "no answer for 0.3 s"),
        (Reply(body=b"x" * 10_000, drip=True), "no complete answer within 0.6 s"),
        (Reply(cut=True), "the connection was closed without an answer"),
    ],
)
def test_a_server_that_does_not_answer(reply: Reply, cause: str) -> None:
    with Receiver(lambda *_: reply) as receiver, pytest.raises(NoAnswerError) as raised:
        post(receiver.endpoint(), b"{}", {}, SHORT)
    assert str(raised.value) == cause


def test_a_head_that_never_ends_is_cut_off() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        stop = threading.Event()

        def drip() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.sendall(b"HTTP/1.1 200 OK\r\n")
                while not stop.wait(0.05):
                    try:
                        connection.sendall(b"A: b\r\n")
                    except OSError:
                        return

        thread = threading.Thread(target=drip, daemon=True)
        thread.start()
        endpoint = expand_address(f"http://127.0.0.1:{listener.getsockname()[1]}/", {})
        with pytest.raises(NoAnswerError, match=r"no complete answer within 0\.6 s"):
            post(endpoint, b"{}", {}, SHORT)
        stop.set()
        thread.join()


def test_something_that_speaks_no_http() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(10_000)
                connection.sendall(b"s3cret\r\n\r\n")

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        with pytest.raises(NoAnswerError) as raised:
            post(expand_address(f"http://127.0.0.1:{listener.getsockname()[1]}/", {}), b"{}", {})
        thread.join()
    assert str(raised.value) == "its answer is not one of HTTP"


@pytest.fixture
def encrypted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Receiver, Path]]:
    """A receiver with a certificate of its own, for localhost, and the file of that."""
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    command += ["-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    receiver = Receiver(lambda *_: Reply(200, body=b"x" * 100, drip=len(receiver.received) > 1))
    receiver._server.socket = context.wrap_socket(receiver._server.socket, server_side=True)
    module._trust.cache_clear()
    with receiver:
        yield receiver, certificate
    module._trust.cache_clear()


def test_a_certificate_is_checked(encrypted: tuple[Receiver, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    receiver, certificate = encrypted
    endpoint = expand_address(f"https://localhost:{receiver.port}/", {})
    with pytest.raises(NoAnswerError, match=r"its certificate is not trusted: self-signed certificate"):
        post(endpoint, b"{}", {})
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    module._trust.cache_clear()
    assert post(endpoint, b"{}", {}).status == 200
    with pytest.raises(NoAnswerError, match=r"its certificate is not trusted: IP address mismatch"):
        post(expand_address(f"https://127.0.0.1:{receiver.port}/", {}), b"{}", {})
    with pytest.raises(NoAnswerError, match=r"no complete answer within 0\.6 s"):
        post(endpoint, b"{}", {}, SHORT)
    assert len(receiver.received) == 2


def test_an_encrypted_connection_to_a_server_without_encryption() -> None:
    with Receiver() as receiver, pytest.raises(NoAnswerError, match="no encrypted connection: "):
        post(expand_address(f"https://127.0.0.1:{receiver.port}/", {}), b"{}", {})


def test_the_watch_ends_with_the_request() -> None:
    before = threading.active_count()
    with Receiver() as receiver:
        post(receiver.endpoint(), b"{}", {})
        until = time.monotonic() + 10
        while any(isinstance(thread, threading.Timer) for thread in threading.enumerate()):
            assert time.monotonic() < until
    assert threading.active_count() <= before + 1
