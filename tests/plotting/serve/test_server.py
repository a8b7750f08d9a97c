"""Check the server over HTTP and WebSocket."""

import gc
import json
import logging
import re
import socket
import weakref
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from plotting.serve import server
from plotting.serve.view_choice import ViewChoice
from plotting.serve.words import WORDS
from tests.support.live_servers import serving, until
from tests.support.runs import MINUTE, T0, anomaly, window, write, write_run

FOREIGN = ("evil.example", "evil.example:80", "127.0.0.1.evil.example", "10.0.0.1")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    windows = [window(device, minute) for device in "ab" for minute in range(5)]
    return write_run(tmp_path_factory.mktemp("run"), windows, [anomaly("a", T0 + MINUTE)])


@pytest.fixture(scope="module")
def shared(folder):
    with serving(folder) as found:
        with found.tab() as page:
            page.hear("run", lambda message: message["windows"] == "10")  # later tabs begin with all results
        yield found


@pytest.fixture
def served(shared, caplog):
    """The module's server; whoever uses it leaves no session, no stack trace, and a server that still follows."""
    caplog.set_level(logging.WARNING)
    yield shared
    until(lambda: not shared.watcher.sessions)
    assert not shared.watching.done()
    logged = [record for phase in ("setup", "call", "teardown") for record in caplog.get_records(phase)]
    assert [record for record in logged if record.levelno >= logging.ERROR or record.exc_info] == []


def only(served) -> Any:
    """Return the one session there is."""
    (session,) = until(lambda: list(served.watcher.sessions.values()))
    return session


def test_the_page_is_served_with_its_policy(served):
    status, headers, content = served.get("/")
    assert status == 200
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "http" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert "Server" not in headers
    page = content.decode()
    assert "RUN &lt;1&gt;" in page
    assert "<script>" not in page
    assert json.loads(re.findall(r'id="data">(.*?)</script>', page)[0])["words"] == dict(WORDS["en"])


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/page.js", "text/javascript; charset=utf-8"),
        ("/page.css", "text/css; charset=utf-8"),
        ("/mpl.js", "text/javascript; charset=utf-8"),
        ("/mpl.css", "text/css; charset=utf-8"),
        ("/_images/home.png", "image/png"),
    ],
)
def test_what_the_page_needs_is_there(served, path, kind):
    status, headers, content = served.get(path)
    assert (status, headers["Content-Type"]) == (200, kind)
    assert content


@pytest.mark.parametrize(("language", "said"), [("fr", "fr"), ("en", "en"), ("<b>", "en"), ("", "en")])
def test_the_page_speaks_the_language_of_its_address(served, language, said):
    _, _, content = served.get(f"/?lang={language}".replace("<", "%3C").replace(">", "%3E"))
    assert f'<html lang="{said}">' in content.decode()
    assert f"<h1>{WORDS[said]['title']}</h1>" in content.decode()


@pytest.mark.parametrize("host", FOREIGN)
@pytest.mark.parametrize("path", ["/", "/page.js", "/save/x.png", "/socket", "/_images/home.png", "/nothing"])
def test_under_a_foreign_name_nothing_is_said(served, host, path):
    assert served.get(path, host)[0] == 403


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "LOCALHOST:1", "[::1]:80"])
def test_this_machine_has_several_names(served, host):
    assert served.get("/", host)[0] == 200


@pytest.mark.parametrize("path", ["/nothing", "/_images/../matplotlibrc", "/_images/x.py", "/save/x", "/page.py"])
def test_there_is_nothing_else(served, path):
    assert served.get(path)[0] in (403, 404)


@pytest.mark.parametrize("origin", ["http://evil.example", "http://127.0.0.1:1", "null"])
def test_a_page_of_another_origin_gets_no_socket(served, origin):
    with pytest.raises(InvalidStatus) as caught, served.tab(origin=origin):
        pass
    assert caught.value.response.status_code == 403
    with served.tab(origin=served.address.rstrip("/")) as page:
        assert page.hear("session")["id"]


MOUSE = {"x": 5, "y": 5, "button": 0, "buttons": 0, "modifiers": [], "guiEvent": {}}
NOT_UNDERSTOOD = [
    "",
    "{",
    "[]",
    '"text"',
    "5",
    "null",
    "{}",
    '{"type": ["draw"]}',
    "[" * 100_000,
    b"\xff\xfe",
    *(
        json.dumps(message)
        for message in (
            {"type": "choose"},
            {"type": "choose", "parameters": []} | {"parameters": 5},
            {"type": "choose", "parameters": {"metric": [5]}},
            {"type": "choose", "parameters": {"figure": 5}},
            {"type": "choose", "parameters": [["start", [1]]]},
            {"type": "find"},
            {"type": "toolbar_button"},
            {"type": "toolbar_button", "name": "__init__"},
            {"type": "toolbar_button", "name": "download"},
            {"type": "set_device_pixel_ratio"},
            {"type": "set_device_pixel_ratio", "device_pixel_ratio": "é" * 200},
            {"type": "set_device_pixel_ratio", "device_pixel_ratio": float("nan")},
            {"type": "button_press"},
            {"type": "button_press"} | MOUSE | {"x": "5"},
            {"type": "motion_notify"} | MOUSE | {"y": float("inf")},
            {"type": "motion_notify"} | MOUSE | {"buttons": "all"},
            {"type": "key_press"},
        )
    ),
]


@pytest.mark.parametrize("message", NOT_UNDERSTOOD, ids=lambda message: repr(message[:50]))
def test_what_is_not_understood_closes_the_socket_and_nothing_else(served, message):
    with served.tab() as page:
        page.hear("run")
        page.socket.send(message)
        with pytest.raises(ConnectionClosed) as caught:
            page.hear("never")
    assert caught.value.rcvd is not None
    assert caught.value.rcvd.code == 1007
    assert served.get("/")[0] == 200


@pytest.mark.parametrize("kind", ["unknown", "closing", "supports_binary", "send_image_mode", "ack"])
def test_what_matplotlib_s_script_may_say_is_heard(served, kind):
    with served.tab() as page:
        page.hear("run")  # nothing is found before
        page.send(kind, value=True)
        page.send("find", text="A")
        assert page.hear("devices")["devices"] == ["a"]


@pytest.mark.parametrize("parameters", ["figure=pie", "theme=sepia", "lang=de", "last=2h", "width=wide", "start=x"])
def test_parameters_that_cannot_be_used_are_refused_and_the_usual_is_shown(served, parameters):
    with served.tab(parameters) as page:
        problem = page.hear("refused")["problem"]
        assert parameters.split("=")[1] in problem
        page.hear("run", lambda message: message["anomalies"] == "1")
        page.send("choose", parameters={"figure": ["pie"]})
        assert "pie" in page.hear("refused")["problem"]


def test_an_unknown_metric_may_come_one_day(served):
    with served.tab("metric=pressure") as page:
        assert page.hear("run")["metrics"] == [["temp", "Temperature"]]


def test_what_is_not_said_is_as_the_command_has_it(folder):
    run = write_run(folder.parent / "two", [window("a", metric="humidity")], [anomaly("b", metric="humidity")])
    with serving(run, ViewChoice("scatter", "humidity", language="fr", theme="dark", width=480)) as served:
        assert json.loads(re.findall(rb'id="data">(.*?)</script>', served.get("/")[2])[0])["defaults"] == {
            "figure": "scatter", "metric": "humidity", "device": [], "lang": "fr", "theme": "dark",
        }  # fmt: skip
        with served.tab() as page:
            page.hear("run", lambda message: message["windows"] == "1")
            page.send("choose", parameters={"figure": ["trend"], "theme": ["light"]})
            page.hear("run")
            session = only(served)
            assert session.choice == ViewChoice("trend", "humidity", language="fr", width=480)


@pytest.mark.parametrize(
    ("kind", "begins", "content_type"),
    [("png", b"\x89PNG", "image/png"), ("svg", b"<?xml", "image/svg+xml"), ("pdf", b"%PDF", "application/pdf")],
)
def test_a_picture_can_be_saved(served, kind, begins, content_type):
    with served.tab("figure=scatter") as page:
        name = page.hear("session")["id"]
        page.hear("run", lambda message: message["windows"] == "10")
        status, headers, content = served.get(f"/save/{name}.{kind}")
        assert (status, headers["Content-Type"]) == (200, content_type)
        assert headers["Content-Disposition"] == f'attachment; filename="scatter.{kind}"'
        assert content.startswith(begins)
        assert content == served.get(f"/save/{name}.{kind}")[2]
        assert served.get(f"/save/{name}.exe")[0] == 404
        assert served.get(f"/save/other.{kind}")[0] == 404
    until(lambda: not served.watcher.sessions)
    assert served.get(f"/save/{name}.{kind}")[0] == 404


def test_what_is_saved_is_what_is_shown(served):
    with served.tab() as page:
        name = page.hear("session")["id"]
        page.hear("run", lambda message: message["windows"] == "10")
        whole = served.get(f"/save/{name}.svg")[2].decode()
        session = only(served)
        served.call(lambda: session.picture.grid[0].set_xlim(18455.001, 18455.002))
        zoomed = served.get(f"/save/{name}.svg")[2].decode()
        assert "00:02" in whole
        assert "00:02:00" in zoomed
        assert zoomed != whole
        page.send("choose", parameters={"theme": ["dark"]})
        page.hear("run")
        assert ViewChoice(theme="dark").colors.paper.lower() in served.get(f"/save/{name}.svg")[2].decode().lower()


def test_a_session_is_let_go_with_its_socket(served):
    with served.tab() as page:
        page.hear("run")
        session = only(served)
        kept = [weakref.ref(one) for one in (session, session.picture, session.picture.figure, session.manager)]
        del session
    until(lambda: not served.watcher.sessions)
    served.call(gc.collect)
    until(lambda: served.call(gc.collect) is not None and [ref() for ref in kept] == [None] * 4)


def test_a_picture_that_is_not_shown_any_more_is_let_go(served):
    with served.tab() as page:
        page.hear("run")
        session = only(served)
        kept = weakref.ref(session.picture.figure)
        for figure in ("scatter", "overview"):
            page.send("choose", parameters={"figure": [figure]})
            page.hear("run")
        until(lambda: served.call(gc.collect) is not None and kept() is None)


def test_many_tabs_come_and_go(served):
    for _ in range(3):
        tabs = [served.tab() for _ in range(4)]
        pages = [tab.__enter__() for tab in tabs]
        ids = {page.hear("session")["id"] for page in pages}
        assert len(ids) == 4
        for tab in tabs:
            tab.__exit__(None, None, None)
        until(lambda: not served.watcher.sessions)


def test_more_tabs_than_the_limit_are_refused(folder):
    with serving(folder, max_tabs=1) as served, served.tab() as page:
        page.hear("run")
        with pytest.raises(InvalidStatus) as caught, served.tab():
            pass
    assert caught.value.response.status_code == 503


def test_a_tab_that_is_torn_away_or_closing_stops_nobody(served, folder):
    with served.tab() as watching:
        watching.hear("run")
        with served.tab() as page:
            page.hear("run")
            page.socket.socket.shutdown(socket.SHUT_RDWR)
        with served.tab() as page:
            page.hear("run")
            until(lambda: len(served.watcher.sessions) == 2)
            session = list(served.watcher.sessions.values())[-1]
            # the other side has said that it goes, and the handler has not been told yet
            served.call(lambda: setattr(session.channel.ws_connection, "client_terminated", True))
            served.call(lambda: (session.channel.send_json({}), session.channel.send_binary(b"")))
    with served.tab() as page:
        assert page.hear("run")


def test_a_client_that_has_left_causes_no_stack_trace(served, monkeypatch):
    plain = server._Handler.initialize

    def leaving(handler, *args, **options):
        plain(handler, *args, **options)
        handler.request.connection.stream.close()

    monkeypatch.setattr(server._Handler, "initialize", leaving)
    with socket.create_connection(("127.0.0.1", served.port)) as client:
        client.sendall(b"GET /page.js HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert client.recv(100) == b""
    monkeypatch.undo()
    assert served.get("/")[0] == 200


def test_what_comes_is_shown_to_all_tabs(tmp_path):
    (tmp_path / "run").mkdir()
    with serving(tmp_path / "run") as served, served.tab() as one, served.tab("figure=overview") as other:
        assert one.hear("run")["newest"] is None
        write(tmp_path / "run", "aggregates", [window("a", 3)])
        for page in (one, other):
            assert page.hear("run", lambda message: message["windows"] == "1")["newest"] == "2020-07-12 00:04:00"
        write(tmp_path / "run", "anomalies", [anomaly("<b>", T0 + 9 * MINUTE)])
        for page in (one, other):
            found = page.hear("run", lambda message: message["anomalies"] == "1")
            assert found["latest"][0][:2] == ["2020-07-12 00:09:00", "<b>"]
            assert found["devices"] == ["<b>", "a"]
