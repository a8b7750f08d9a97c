"""List the TCP sockets on which a process and its children listen, as the system reports them."""

import contextlib
import ipaddress
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from tests.support.sources import ROOT

PROC: Final = Path("/proc")
_LISTENING: Final = "0A"
_PATIENCE_S: Final = 120.0
_PAUSE_S: Final = 0.05  # between two looks: one takes a good part of it, and a server listens for longer


class Listener(NamedTuple):
    """A listening TCP socket: its address, and its port."""

    address: str
    port: int

    @property
    def is_private(self) -> bool:
        """Whether only this machine reaches it."""
        address = ipaddress.ip_address(self.address)
        mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
        return (mapped or address).is_loopback


def listeners(pid: int) -> set[Listener]:
    """Return the sockets of a process and of everything below it; none when it has ended."""
    inodes = {inode for one in process_tree(pid) for inode in _socket_inodes(one)}
    tables = [PROC / str(pid) / "net" / name for name in ("tcp", "tcp6")]
    found = set()
    for table in tables:
        with contextlib.suppress(OSError):
            for line in table.read_text().splitlines()[1:]:
                _, local, _, state, *_, inode = line.split()[:10]
                if state == _LISTENING and inode in inodes:
                    found.add(_listener(local))
    return found


def _listener(local: str) -> Listener:
    """Return the socket of a cell like ``0100007F:1F90``: words of four bytes in the machine's order, and the port."""
    words, port = local.split(":")
    raw = b"".join(int(words[start : start + 8], 16).to_bytes(4, sys.byteorder) for start in range(0, len(words), 8))
    return Listener(str(ipaddress.ip_address(raw)), int(port, 16))


def process_tree(pid: int) -> set[int]:
    """Return the ids of a process and of everything below it."""
    parents: dict[int, int] = {}
    for entry in PROC.iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                stat = (entry / "stat").read_text()
                parents[int(entry.name)] = int(stat[stat.rindex(")") :].split()[2])
    found = {pid}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def _socket_inodes(pid: int) -> set[str]:
    found = set()
    with contextlib.suppress(OSError):
        for entry in (PROC / str(pid) / "fd").iterdir():
            with contextlib.suppress(OSError):
                if match := re.fullmatch(r"socket:\[(\d+)\]", os.readlink(entry)):
                    found.add(match[1])
    return found


class Watched:
    """A command in a process of its own, and every socket on which it was seen listening.

    Args:
        command: arguments of Python: ``-m telemetry …``.
        environment: variables beside those of the test.
    """

    def __init__(self, command: Sequence[object], **environment: str) -> None:
        self.seen: set[Listener] = set()
        self.process = subprocess.Popen(
            [sys.executable, *map(str, command)],
            cwd=ROOT,
            env=os.environ | environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def __enter__(self) -> "Watched":
        return self

    def __exit__(self, *_error: object) -> None:
        self.process.terminate()
        self.process.wait(_PATIENCE_S)

    def until(self, reached: Callable[[set[Listener]], bool]) -> set[Listener]:
        """Look again and again until a condition holds for what listens now, and return that."""
        deadline = time.monotonic() + _PATIENCE_S
        while True:
            now = listeners(self.process.pid)
            self.seen |= now
            if reached(now):
                return now
            assert self.process.poll() is None, f"it ended with {self.process.returncode}"
            assert time.monotonic() < deadline, f"listening: {now}"
            time.sleep(_PAUSE_S)

    def to_the_end(self) -> int:
        """Look again and again until the process ends; return its exit code."""
        deadline = time.monotonic() + _PATIENCE_S
        while self.process.poll() is None:
            self.seen |= listeners(self.process.pid)
            assert time.monotonic() < deadline, "it does not end"
            time.sleep(_PAUSE_S)
        return self.process.returncode
