"""The address of an MQTT broker and the pattern of topics in it."""

from pathlib import Path

import pytest

from publisher.bridge.address import BrokerAddress, parse_address, read_login
from publisher.bridge.topic_pattern import TopicPattern, parse_pattern
from telemetry.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "shown", "topic_filter"),
    [
        ("mqtt://localhost/plants/+/+", "mqtt://localhost:1883", "plants/+/+"),
        ("mqtts://broker.example:443/#", "mqtts://broker.example:443", "#"),
        ("mqtts://broker.example/a", "mqtts://broker.example:8883", "a"),
        ("mqtt://[::1]:1884//a", "mqtt://[::1]:1884", "/a"),
        ("mqtt://h/a?b#c".replace("#", "%3F"), "mqtt://h:1883", "a?b?c"),
    ],
)
def test_addresses(text: str, shown: str, topic_filter: str) -> None:
    address, pattern = parse_address(text)
    assert (str(address), pattern.topic_filter) == (shown, topic_filter)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("localhost:1883/a", "URL localhost:1883/a: write mqtt://HOST:PORT/TOPIC-FILTER, or mqtts:// for TLS"),
        ("http://h/a", "URL http://h/a: write mqtt://HOST:PORT/TOPIC-FILTER, or mqtts:// for TLS"),
        ("mqtt:///a", "URL mqtt:///a: nothing is not HOST or HOST:PORT"),
        ("mqtt://h:0/a", "URL mqtt://h:0/a: h:0 is not HOST or HOST:PORT"),
        ("mqtt://h:x/a", "URL mqtt://h:x/a: h:x is not HOST or HOST:PORT (Port could not be cast to integer value as "
                         "'x')"),
        ("mqtt://h", "URL mqtt://h: no topic filter, write mqtt://host/plants/+/+"),
        ("mqtt://h/", "URL mqtt://h/: no topic filter, write mqtt://host/plants/+/+"),
        ("mqtts://me:s3cret@h/a", "URL mqtts://…: user and password belong into the environment: MQTT_USERNAME and "
                                  "MQTT_PASSWORD"),
    ],
)  # fmt: skip
def test_mistakes_in_addresses(text: str, problem: str) -> None:
    with pytest.raises(ConfigError) as raised:
        parse_address(text)
    assert str(raised.value) == problem


@pytest.mark.parametrize(
    ("text", "pattern", "topic", "attributes"),
    [
        ("plants/+/+", TopicPattern("plants/+/+", ((2, "device"),)), "plants/n/d1", {"device": "d1"}),
        ("+/status", TopicPattern("+/status", ((0, "device"),)), "d1/status", {"device": "d1"}),
        ("plants/#", TopicPattern("plants/#", ()), "plants/n/d1", {}),
        ("a/{site}/{device}", TopicPattern("a/+/+", ((1, "site"), (2, "device"))), "a/n/d",
         {"site": "n", "device": "d"}),
        ("a/{device}/#", TopicPattern("a/+/#", ((1, "device"),)), "a/d", {"device": "d"}),
        ("a/{device}/#", TopicPattern("a/+/#", ((1, "device"),)), "a/d/x/y", {"device": "d"}),
        ("a/{device}/#", TopicPattern("a/+/#", ((1, "device"),)), "b/d/x", {}),
        ("a/{device}", TopicPattern("a/+", ((1, "device"),)), "a/", {}),
        ("a/{device}", TopicPattern("a/+", ((1, "device"),)), "a/b/c", {}),
        ("s%C3%BCd/%7Bx%7D/{device}", TopicPattern("süd/{x}/+", ((2, "device"),)), "süd/{x}/d", {"device": "d"}),
        ("a%2Fb/{device}", TopicPattern("a/b/+", ((2, "device"),)), "a/b/d", {"device": "d"}),
    ],
)  # fmt: skip
def test_patterns(text: str, pattern: TopicPattern, topic: str, attributes: dict[str, str]) -> None:
    found = parse_pattern(text)
    assert (found, found.attributes_of(topic)) == (pattern, attributes)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a/#/b", "# stands alone in the last level"),
        ("a/b#", "# stands alone in the last level"),
        ("a+/b", "+ stands alone in its level"),
        ("a/{}", "{} is no name: letters, digits, _ and -, first a letter"),
        ("a/{1}", "{1} is no name: letters, digits, _ and -, first a letter"),
        ("a/{rows}", "{rows} is a name of another attribute"),
        ("a/{topic}", "{topic} is a name of another attribute"),
        ("a/{mqtt_topic}", "{mqtt_topic} is a name of another attribute"),
        ("a/{x}/{x}", "{x} names two levels"),
        ("a/%FF", "%FF is not percent-encoded UTF-8"),
        ("a/%00", "a topic filter has at most 65,535 bytes, and no NUL"),
        ("$share/g/a", "a shared subscription spreads a device over bridges, out of order; give each bridge a filter "
                       "of its own"),
    ],
)  # fmt: skip
def test_mistakes_in_patterns(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=r".") as raised:
        parse_pattern(text)
    assert str(raised.value) == problem


PLAIN = BrokerAddress("mqtt", "h", 1883)
ENCRYPTED = BrokerAddress("mqtts", "h", 8883)


@pytest.mark.parametrize(
    ("address", "files", "problem"),
    [
        (PLAIN, ("ca.pem", "", ""), "--ca-file ca.pem: needs TLS, an address that begins with mqtts://"),
        (ENCRYPTED, ("none.pem", "", ""), "--ca-file none.pem: no certificates: No such file or directory"),
        (ENCRYPTED, ("", "", "key.pem"), "--key-file key.pem: needs --cert-file"),
        (ENCRYPTED, ("", "none.pem", ""),
         "--cert-file none.pem: certificate and key cannot be used: No such file or directory"),
    ],
)  # fmt: skip
def test_mistakes_about_tls(
    address: BrokerAddress, files: tuple[str, str, str], problem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError) as raised:
        read_login(address, *files)
    assert str(raised.value) == problem


def test_a_password_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MQTT_USERNAME", "gateway")
    monkeypatch.setenv("MQTT_PASSWORD", "s3cret")
    login = read_login(PLAIN, "", "", "")
    assert (login.username, login.password, login.tls) == ("gateway", "s3cret", None)
    assert "s3cret" not in repr(login)
