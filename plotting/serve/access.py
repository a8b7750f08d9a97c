"""Decide who may see the live page: by the host name of a request, and beyond loopback by a token.

A page of another site can let its own host name point to this server (DNS rebinding), and then read what the server
answers to the browser that shows it. So a request is refused unless its host name is one that this server goes by.
"""

import hmac
import ipaddress
import re
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from telemetry.cli.hosts import is_loopback
from telemetry.errors import ConfigError

TOKEN: Final = "token"
"""Parameter of the address that holds the token."""
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
"""Names that browsers never look up: a request under one of them comes from this machine."""
_NAME: Final = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?")


@dataclass(frozen=True, slots=True)
class Access:
    """Names under which the server answers, and its token.

    Attributes:
        names: host names beside those of loopback and the address that a client has connected to.
        token: text that a request must present; "" for none.
    """

    names: frozenset[str] = frozenset()
    token: str = ""

    def allows_host(self, name: str, connected: str) -> bool:
        """Return whether the server answers under a host name.

        Args:
            name: of the request, without a port.
            connected: address of this machine that the client has connected to.
        """
        return _normal(name) in _LOOPBACK | self.names | {_normal(connected)}

    def allows_token(self, given: str) -> bool:
        """Return whether a request that presents this token, or "", is answered; takes the same time for all."""
        return not self.token or hmac.compare_digest(given.encode(), self.token.encode())


def access_for(host: str, addresses: Sequence[str], allowed: Iterable[str], *, with_token: bool) -> Access:
    """Return the access to a server.

    Args:
        host: address or name that it was told to listen on.
        addresses: addresses that it is bound to.
        allowed: more host names, from ``--allow-host``.
        with_token: whether it has a new random token, unless only this machine reaches it.

    Raises:
        ConfigError: for a text that is no host name.
    """
    for name in allowed:
        if not (_NAME.fullmatch(name) or _is_address(name)):
            raise ConfigError("--allow-host", name, "is no host name or address; it is given without scheme and port")
    names = frozenset(_normal(name) for name in (host, *addresses, *allowed) if name)
    needed = with_token and not all(map(is_loopback, addresses))
    return Access(names, secrets.token_urlsafe(24) if needed else "")


def _normal(name: str) -> str:
    """Return a host name in lower case, and an address without brackets and zone, in its shortest form."""
    plain = _without_brackets(name.lower()).partition("%")[0]
    return str(ipaddress.ip_address(plain)) if _is_address(plain) else plain


def _without_brackets(name: str) -> str:
    return name[1:-1] if name.startswith("[") and name.endswith("]") else name


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(_without_brackets(text))
    except ValueError:
        return False
    return True
