"""Check who sees the live page: names, tokens, and the words for those who do not."""

import re
import signal

import pytest
from websockets.exceptions import InvalidStatus

from plotting.serve.access import Access, access_for
from plotting.serve.view_choice import ViewChoice
from plotting.serve.words import WORDS
from telemetry.errors import ConfigError
from tests.support.live_servers import Page, Served, end, serving, start
from tests.support.runs import window, write_run

PATHS = ["/", "/page.js", "/page.css", "/mpl.js", "/mpl.css", "/_images/home.png", "/save/x.png", "/socket", "/x"]
TOKEN = "the-token"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    folder = write_run(tmp_path_factory.mktemp("guarded"), [window()])
    with serving(folder, access=Access(frozenset({"telemetry.example"}), TOKEN)) as served:
        yield served


@pytest.mark.parametrize(
    ("addresses", "with_token", "has_token"),
    [
        (["127.0.0.1"], True, False),
        (["::1", "127.0.0.1"], True, False),
        (["127.0.0.2"], True, False),
        (["0.0.0.0"], True, True),
        (["127.0.0.1", "192.0.2.1"], True, True),
        (["::"], True, True),
        (["0.0.0.0"], False, False),
    ],
)
def test_who_can_be_reached_from_elsewhere_has_a_token(addresses, with_token, has_token):
    access = access_for(addresses[0], addresses, [], with_token=with_token)
    assert bool(access.token) is has_token
    if has_token:
        assert len(access.token) >= 32
        assert access_for(addresses[0], addresses, [], with_token=True).token != access.token


@pytest.mark.parametrize(
    ("name", "allowed"),
    [
        *((name, True) for name in ("localhost", "LOCALHOST", "127.0.0.1", "[::1]", "::1", "0:0:0:0:0:0:0:1")),
        *((name, True) for name in ("192.0.2.7", "[2001:db8::1]", "2001:DB8:0::1", "Proxy.example", "box")),
        ("198.51.100.9", True),  # the client has connected to it
        *((name, False) for name in ("evil.example", "192.0.2.8", "[2001:db8::2]", "proxy.example.evil.example", "")),
        *((name, False) for name in ("localhost.", "localhost.evil.example", "127.0.0.2", "proxy.example.")),
    ],
)
def test_the_names_a_server_goes_by(name, allowed):
    access = access_for("box", ["192.0.2.7", "2001:db8::1"], ["proxy.example"], with_token=True)
    assert access.allows_host(name, "198.51.100.9") is allowed


@pytest.mark.parametrize(
    "name", ["http://proxy.example", "proxy.example:80", "", "a b", "*", "[::1", "münchen.example"]
)
def test_what_is_no_host_name_is_refused(name):
    with pytest.raises(ConfigError, match=r"--allow-host.*: is no host name or address"):
        access_for("127.0.0.1", ["127.0.0.1"], [name], with_token=True)


def test_an_address_may_be_allowed():
    access = access_for("0.0.0.0", ["0.0.0.0"], ["192.0.2.7", "[2001:db8::1]"], with_token=True)
    assert access.allows_host("192.0.2.7", "172.17.0.2")
    assert access.allows_host("[2001:db8::1]", "172.17.0.2")
    assert not access.allows_host("192.0.2.8", "172.17.0.2")


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("query", ["", "?token=", "?token=another", f"?token={TOKEN}x", "?token=%C3%A9"])
def test_without_the_token_there_is_a_page_that_says_so(guarded, path, query):
    status, headers, content = guarded.get(path + query)
    assert status == 403
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert WORDS["en"]["refused_token"] in content.decode()
    assert TOKEN not in content.decode()
    assert "Set-Cookie" not in headers


@pytest.mark.parametrize("path", PATHS[:6])
def test_with_the_token_everything_is_there(guarded, path):
    status, headers, _ = guarded.get(f"{path}?token={TOKEN}")
    assert status == 200
    cookie, *attributes = headers["Set-Cookie"].split("; ")
    assert cookie == f"telemetry_serve_{guarded.port}={TOKEN}"
    assert {"HttpOnly", "Path=/", "SameSite=Lax"} <= set(attributes)
    assert guarded.get(path, cookie=cookie)[0] == 200
    assert guarded.get(path, cookie=cookie + "x")[0] == 403
    assert guarded.get(f"{path}?token=another", cookie=cookie)[0] == 403


@pytest.mark.parametrize("name", ["telemetry.example", "telemetry.example:443", "localhost", "127.0.0.1"])
def test_a_name_that_is_allowed_needs_the_token_as_well(guarded, name):
    assert guarded.get(f"/?token={TOKEN}", name)[0] == 200
    assert guarded.get("/", name)[0] == 403


@pytest.mark.parametrize("path", PATHS)
def test_the_token_does_not_help_under_a_foreign_name(guarded, path):
    status, headers, content = guarded.get(f"{path}?token={TOKEN}", "<evil>.example")
    assert status in (400, 403)
    status, headers, content = guarded.get(f"{path}?token={TOKEN}", "evil.example:80")
    assert status == 403
    assert WORDS["en"]["refused_host"].format(host="evil.example") in content.decode()
    assert "Set-Cookie" not in headers


def test_the_words_are_in_the_language_of_the_server(tmp_path):
    default = ViewChoice(language="fr", width=480)
    with serving(write_run(tmp_path, [window()]), default, access=Access(token=TOKEN)) as served:
        page = served.get("/")[2].decode()
    assert '<html lang="fr">' in page
    assert WORDS["fr"]["refused_token"] in page


def test_a_socket_needs_the_token_too(guarded):
    for query in ("", "token=another"):
        with pytest.raises(InvalidStatus) as caught, guarded.tab(query):
            pass
        assert caught.value.response.status_code == 403
    with guarded.tab(f"token={TOKEN}") as page:
        assert page.hear("session")["id"]
    cookie = {"Cookie": f"telemetry_serve_{guarded.port}={TOKEN}"}
    with guarded.tab(additional_headers=cookie) as page:
        assert page.hear("session")["id"]
    with pytest.raises(InvalidStatus), guarded.tab(origin="http://evil.example", additional_headers=cookie):
        pass


@pytest.mark.parametrize(
    ("flags", "warned"),
    [
        ((), "plotting: warning: whoever has the token sees these results, and nothing is encrypted\n"),
        (
            ("--no-token", "--allow-host", "box.example"),
            "plotting: warning: everybody who reaches 0.0.0.0 sees these results, and nothing is encrypted\n",
        ),
    ],
)
def test_the_command_prints_the_address_with_its_token(tmp_path, flags, warned):
    results = write_run(tmp_path, [window()])
    process, address = start("--results", results, "--port", 0, "--host", "0.0.0.0", *flags)
    try:
        served = Served.__new__(Served)
        base, _, token = address.partition("?token=")
        served.address, served.port = base, int(re.findall(r":(\d+)/", base)[0])
        assert bool(token) is (not flags)
        assert served.get(f"/?token={token}" if token else "/")[0] == 200
        assert served.get("/")[0] == (200 if flags else 403)
        assert served.get(f"/?token={token}", "box.example")[0] == (200 if flags else 403)
        assert served.get(f"/?token={token}", "evil.example")[0] == 403
        with served.tab(f"token={token}") as page:
            assert isinstance(page, Page)
            page.hear("run")
        code, said, complained = end(process, signal.SIGTERM)
    finally:
        process.kill()
    assert (code, said.strip(), complained) == (0, "ended", warned)
