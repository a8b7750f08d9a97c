"""Check which addresses are taken for those of this machine alone."""

import socket

import pytest

from telemetry.cli.hosts import is_loopback


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "[::1]", "localhost"])
def test_loopback_has_many_addresses(host):
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "[::]", "192.0.2.1", "", "no such name"])
def test_other_addresses_are_reached_from_elsewhere(host):
    assert not is_loopback(host)


def test_a_name_is_what_all_its_addresses_are(monkeypatch):
    known = {"inside": ["127.0.0.1", "::1"], "both": ["127.0.0.1", "192.0.2.1"], "zone": ["fe80::1%eth0"]}
    monkeypatch.setattr(socket, "getaddrinfo", lambda name, _port: [(0, 0, 0, "", (one, 0)) for one in known[name]])
    assert {name: is_loopback(name) for name in known} == {"inside": True, "both": False, "zone": False}
