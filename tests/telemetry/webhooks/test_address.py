"""Addresses of webhooks: variables, secrets, and what is refused."""

import base64

import pytest

from telemetry.webhooks.address import (
    AddressError,
    Endpoint,
    check_address,
    expand_address,
    shown,
    variables_of,
)

SECRETS = {"HOOK": "T0/B0/s3cret", "USER": "joe", "PASSWORD": "pa%3Ass", "HOST": "alerts.example"}


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("https://a.example/x", "https://a.example/x"),
        ("https://joe:secret@a.example:8443/x?key=1#part", "https://a.example:8443/x"),
        ("https://${USER}:${PASSWORD}@a.example/${HOOK}", "https://a.example/${HOOK}"),
        ("${WHOLE}", "${WHOLE}"),
        ("https://a.example?key=joe@b/x", "https://a.example"),
        ("https://a.example/joe@b", "https://a.example/joe@b"),
    ],
)
def test_an_address_is_shown_without_what_may_be_secret(address: str, expected: str) -> None:
    assert shown(address) == expected


def test_variables_are_expanded_and_their_values_are_secret() -> None:
    found = expand_address("https://${HOST}:8443/services/${HOOK}?q=1#part", SECRETS)
    assert (found.secure, found.host, found.port) == (True, "alerts.example", 8443)
    assert (found.path, found.authorization) == ("/services/T0/B0/s3cret?q=1", "")
    assert found.scrub("T0/B0/s3cret T0%2FB0%2Fs3cret at alerts.example") == "*** *** at ***"
    assert repr(found) == "Endpoint()"
    assert variables_of("${A}${B}/${A}") == ["A", "B"]


@pytest.mark.parametrize(
    ("address", "path"),
    [("http://a", "/"), ("http://a:1/", "/"), ("http://a/x/?y=z", "/x/?y=z"), ("http://a?b", "/?b")],
)
def test_the_path_has_the_query(address: str, path: str) -> None:
    assert expand_address(address, {}).path == path


def basic(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def test_a_user_is_sent_as_basic_authorization_in_place_of_the_token() -> None:
    found = expand_address("https://${USER}:${PASSWORD}@a.example/", SECRETS, "a-token")
    assert found.authorization == f"Basic {basic('joe:pa:ss')}"
    assert found.scrub(f"pa:ss pa%3Ass {basic('joe:pa:ss')} a-token") == "*** *** *** ***"
    assert expand_address("https://a.example/", {}, "a-token").authorization == "Bearer a-token"


def test_values_of_a_query_and_of_other_variables_are_secret() -> None:
    found = expand_address("https://a.example/?apikey=abc-def", {"KEY": " k-1\n"}, also_secret=["KEY", "NOT_SET"])
    assert found.scrub("no route /?apikey=abc-def for k-1") == "no route /?apikey=*** for ***"


def test_line_ends_around_a_value_are_left_out() -> None:
    assert expand_address("https://a.example/${HOOK}", {"HOOK": "x\n"}).path == "/x"


@pytest.mark.parametrize(
    ("address", "problem"),
    [
        ("https://a.example/${NOT_SET}", "the variable NOT_SET is not set"),
        ("ftp://a.example/", "must begin with http:// or https://"),
        ("a.example/x", "must begin with http:// or https://"),
        ("https://", "names no host"),
        ("https://:80/", "names no host"),
        ("https://a.example:0x/", "is no address"),
        ("https://a.example:99999/", "is no address"),
        ("https://a.example/a b", "holds a space or another character that an address cannot have"),
        ("https://a.example/é", "holds a space or another character that an address cannot have"),
        ("https://a.example/${}", "holds ${ without a variable, write ${NAME}"),
        ("https://a.example/${1}", "holds ${ without a variable, write ${NAME}"),
        ("https://a.example/${EVIL}", "holds a space or another character that an address cannot have"),
    ],
)
def test_an_address_to_which_nothing_can_be_sent_is_refused(address: str, problem: str) -> None:
    with pytest.raises(AddressError) as raised:
        expand_address(address, {"EVIL": "x\r\nHost: b"})
    assert str(raised.value) == problem


def test_an_error_shows_no_value() -> None:
    for value in ("s3cret:x@y[", "s3cret", "http://[s3cret"):
        with pytest.raises(AddressError) as raised:
            expand_address("${URL}", {"URL": value})
        assert "s3cret" not in str(raised.value)
        assert raised.value.__cause__ is None


@pytest.mark.parametrize(
    "address", ["${WHOLE}", "https://${HOST}/x", "https://${U}:${P}@a/x", "https://joe@a/x", "https://joe:${P}@a"]
)
def test_variables_may_be_missing_where_an_address_is_only_checked(address: str) -> None:
    check_address(address, {})


@pytest.mark.parametrize(
    ("address", "problem"),
    [
        ("https://joe:secret@a/x", "holds a password"),
        ("https://joe:x${P}@a/x", "holds a password"),
        ("ftp://${HOST}/x", "must begin with http"),
        ("https://a:${HOST}/x", "is no address"),
        ("${SET}", "must begin with http"),
    ],
)
def test_a_check_finds_what_cannot_be_right(address: str, problem: str) -> None:
    with pytest.raises(AddressError, match=problem) as raised:
        check_address(address, {"SET": "nothing"})
    assert "secret" not in str(raised.value)


def test_two_endpoints_are_told_apart() -> None:
    assert expand_address("http://a/1", {}) != expand_address("http://a/2", {})
    assert isinstance(expand_address("http://a/1", {}), Endpoint)
