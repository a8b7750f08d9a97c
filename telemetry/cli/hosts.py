"""Tell which addresses only this machine reaches."""

import ipaddress
import socket


def is_loopback(host: str) -> bool:
    """Return whether only this machine reaches an address or host name; False for a name that is not known."""
    try:
        return ipaddress.ip_address(host.removeprefix("[").removesuffix("]")).is_loopback
    except ValueError:
        pass
    try:
        found = socket.getaddrinfo(host, None)
    except OSError:
        return False
    return all(ipaddress.ip_address(str(entry[4][0]).partition("%")[0]).is_loopback for entry in found)
