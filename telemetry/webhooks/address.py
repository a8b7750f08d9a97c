"""Read the addresses of webhooks, expand the variables in them, and keep what is secret out of every text.

An address may hold ``${NAME}``. It stands for a variable of the environment of the process that delivers, and only that
process ever puts the value in its place: flags, the graph and logs have the name.
"""

import base64
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlsplit

from telemetry.errors import TelemetryError

HIDDEN: Final = "***"
"""Text in place of a secret."""
VARIABLE: Final = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
"""Reference to a variable."""
_USER: Final = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]*://)[^/?#]*@")
_PRINTABLE: Final = re.compile(r"[!-~]*")


class AddressError(TelemetryError):
    """An address to which nothing can be sent."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An address whose variables are expanded. Its fields are secret and not shown.

    Attributes:
        secure: whether the connection is encrypted.
        host: name or address of the server.
        port: None for the default of the scheme.
        path: path and query.
        authorization: value of the header of this name, or "".
        secrets: texts that must not be shown, longest first.
    """

    secure: bool = field(repr=False)
    host: str = field(repr=False)
    port: int | None = field(repr=False)
    path: str = field(repr=False)
    authorization: str = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)

    def scrub(self, text: str) -> str:
        """Return a text without the secrets."""
        for secret in self.secrets:
            text = text.replace(secret, HIDDEN)
        return text


def shown(address: str) -> str:
    """Return an address as it may be shown: without user, query and fragment, variables not expanded."""
    return _USER.sub(r"\1", re.split(r"[?#]", address, maxsplit=1)[0])


def variables_of(text: str) -> list[str]:
    """Return the names of the variables that a text refers to, each once."""
    return list(dict.fromkeys(VARIABLE.findall(text)))


def expand_address(
    address: str, environment: Mapping[str, str], token: str = "", also_secret: Iterable[str] = ()
) -> Endpoint:
    """Return the endpoint of an address.

    Args:
        address: as it was given.
        environment: values of variables; spaces and line ends around a value are left out.
        token: sent as bearer token, unless the address has a user; "" for none.
        also_secret: names of further variables whose values must not be shown.

    Raises:
        AddressError: if a variable is not set, or the result is no address; its text holds no secret.
    """
    values = {name: _value(name, environment) for name in variables_of(address)}
    whole = VARIABLE.sub(lambda found: values[found[1]], address)
    if "${" in VARIABLE.sub("", address):
        raise AddressError("holds ${ without a variable, write ${NAME}")
    parts, port = _split(whole)
    user = parts.netloc.rpartition("@")[0]
    authorization = f"Bearer {token}" if token else ""
    if user:
        authorization = f"Basic {base64.b64encode(unquote(user).encode()).decode()}"
    query = f"?{parts.query}" if parts.query else ""
    secrets = [*values.values(), *(environment.get(name, "").strip() for name in also_secret)]
    secrets += [token, authorization.partition(" ")[2], user.partition(":")[2], *dict(parse_qsl(parts.query)).values()]
    return Endpoint(
        parts.scheme == "https",
        parts.hostname or "",
        port,
        (parts.path or "/") + query,
        authorization,
        tuple(sorted({form for secret in secrets if secret for form in _forms_of(secret)}, key=len, reverse=True)),
    )


def check_address(address: str, environment: Mapping[str, str]) -> None:
    """Check an address as far as that is possible where some of its variables may not be set.

    Raises:
        AddressError: if it cannot be used.
    """
    literal = _USER.match(VARIABLE.sub("", address))
    if literal is not None and literal[0].rpartition("@")[0].partition("://")[2].partition(":")[2]:
        raise AddressError("holds a password, which flags and graphs would show: write it as ${NAME}")
    missing = [name for name in variables_of(address) if name not in environment]
    if missing and address.startswith("${"):
        return  # the scheme is in a variable that this process does not have
    expand_address(address, {**environment, **dict.fromkeys(missing, "x")})


def _value(name: str, environment: Mapping[str, str]) -> str:
    if name not in environment:
        raise AddressError(f"the variable {name} is not set")
    return environment[name].strip()


def _split(whole: str) -> tuple[SplitResult, int | None]:
    if _PRINTABLE.fullmatch(whole) is None:
        raise AddressError("holds a space or another character that an address cannot have")
    try:
        parts = urlsplit(whole)
        port = parts.port
    except ValueError:
        raise AddressError("is no address") from None  # the text of the error may hold a secret
    if parts.scheme not in ("http", "https"):
        raise AddressError("must begin with http:// or https://")
    if not parts.hostname:
        raise AddressError("names no host")
    return parts, port


def _forms_of(secret: str) -> tuple[str, str, str]:
    """Return a text as it is, without and with the escapes of an address."""
    return secret, unquote(secret), quote(secret, safe="")
