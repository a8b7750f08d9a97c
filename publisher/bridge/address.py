"""Read the address of an MQTT broker with the topic filter in its path, and the credentials for it."""

import os
import re
import ssl
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from publisher.bridge.topic_pattern import TopicPattern, parse_pattern
from telemetry.errors import ConfigError

URL: Final = "URL"
"""Name of the argument that holds the address."""
_PORTS: Final = {"mqtt": 1883, "mqtts": 8883}
_ADDRESS: Final = re.compile(r"(mqtts?)://([^/]*)(?:/(.*))?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    """Where an MQTT broker listens.

    Attributes:
        scheme: ``mqtt``, or ``mqtts`` for TLS.
        host: name or IP address.
        port: TCP port.
    """

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class BrokerLogin:
    """Proof of who the client is, and what it trusts; the password appears in no text.

    Attributes:
        username: the user; None for none.
        password: the password; None for none.
        tls: what the client trusts and shows; None without TLS.
    """

    username: str | None
    password: str | None = field(repr=False)
    tls: ssl.SSLContext | None


def parse_address(text: str) -> tuple[BrokerAddress, TopicPattern]:
    """Return the broker and the topic pattern of ``mqtt[s]://HOST[:PORT]/TOPIC-FILTER``.

    Raises:
        ConfigError: if it is none, or holds a user or password.
    """
    found = _ADDRESS.fullmatch(text)
    if found is None:
        raise ConfigError(URL, text, "write mqtt://HOST:PORT/TOPIC-FILTER, or mqtts:// for TLS")
    scheme, authority, path = found[1], found[2], found[3] or ""
    if "@" in authority:  # the text is not repeated, for it may hold a password
        problem = "user and password belong into the environment: MQTT_USERNAME and MQTT_PASSWORD"
        raise ConfigError(URL, f"{scheme}://…", problem)
    try:
        parts = urlsplit(f"//{authority}")
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise ConfigError(URL, text, f"{authority} is not HOST or HOST:PORT ({error})") from error
    if not host or port == 0:
        raise ConfigError(URL, text, f"{authority or 'nothing'} is not HOST or HOST:PORT")
    try:
        pattern = parse_pattern(path)
    except ValueError as error:
        raise ConfigError(URL, text, str(error)) from error
    return BrokerAddress(scheme, host, port or _PORTS[scheme]), pattern


def read_login(address: BrokerAddress, ca_file: str, cert_file: str, key_file: str) -> BrokerLogin:
    """Return the login that the environment and the flags about TLS describe.

    Args:
        address: the broker.
        ca_file: certificates to trust, PEM; "" for those of the system.
        cert_file: the client's certificate, PEM; "" for none.
        key_file: its key, PEM; "" if the certificate's file holds it.

    Raises:
        ConfigError: if a file cannot be used, or a flag has no meaning.
    """
    username, password = os.environ.get("MQTT_USERNAME"), os.environ.get("MQTT_PASSWORD")
    if password is not None and username is None:
        raise ConfigError("MQTT_PASSWORD", "", "is set without MQTT_USERNAME")
    if address.scheme == "mqtts":
        return BrokerLogin(username, password, _tls_context(ca_file, cert_file, key_file))
    for flag, file in (("--ca-file", ca_file), ("--cert-file", cert_file), ("--key-file", key_file)):
        if file:
            raise ConfigError(flag, file, "needs TLS, an address that begins with mqtts://")
    return BrokerLogin(username, password, None)


def _tls_context(ca_file: str, cert_file: str, key_file: str) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=ca_file or None)
    except OSError as error:
        raise ConfigError("--ca-file", ca_file, f"no certificates: {error.strerror or error}") from error
    if key_file and not cert_file:
        raise ConfigError("--key-file", key_file, "needs --cert-file")
    if cert_file:
        try:
            context.load_cert_chain(cert_file, key_file or None, password=_no_password)
        except (OSError, ValueError) as error:
            problem = f"certificate and key cannot be used: {getattr(error, 'strerror', None) or error}"
            raise ConfigError("--cert-file", cert_file, problem) from error
    return context


def _no_password() -> str:
    """Refuse a key that is encrypted, instead of asking on the terminal."""
    raise ValueError("the key is encrypted")
