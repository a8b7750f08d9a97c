"""Define the devices that are expected to send, and read them from a list or a file."""

from bisect import bisect_left
from collections.abc import Iterable

import msgspec

from telemetry.rules.errors import RuleError
from telemetry.rules.fields import shown
from telemetry.rules.side_files import read_table


class Roster(msgspec.Struct, frozen=True):
    """Devices that are expected to send.

    Attributes:
        devices: names, sorted, each once.
    """

    devices: tuple[str, ...]

    def __contains__(self, device: str) -> bool:
        """Return whether a device is expected."""
        place = bisect_left(self.devices, device)
        return place < len(self.devices) and self.devices[place] == device


def parse_roster(text: str, path: str) -> Roster:
    """Return the devices of a file.

    A file whose name ends with ``.csv`` has a column ``device``; others are left out of account. Any other file has one
    name a line; empty lines and those that begin with ``#`` are left out.

    Args:
        text: of the file.
        path: of the file, which says how it is written.

    Raises:
        RuleError: if it names no device, one twice, or is not such a file.
    """
    if path.lower().endswith(".csv"):
        rows = ((line, name) for line, (name,) in read_table(text, path, ("device",), ()))
    else:
        lines = enumerate((line.strip() for line in text.split("\n")), start=1)
        rows = ((number, line) for number, line in lines if line and not line.startswith("#"))
    return collect_roster(rows, path)


def collect_roster(names: Iterable[tuple[int, object]], path: str = "") -> Roster:
    """Return the roster of (line, name); `path` names the file for messages, "" the rules file.

    Raises:
        RuleError: if there is no name, or one that is empty, no text or there twice.
    """
    seen: set[str] = set()
    for line, name in names:
        if not isinstance(name, str) or not name:
            raise RuleError(f"roster: must be names of devices, not {shown(name)}", line, path)
        if name in seen:
            raise RuleError(f"roster: device {shown(name)} is there twice", line, path)
        seen.add(name)
    if not seen:
        raise RuleError("roster: names no device", file=path)
    return Roster(tuple(sorted(seen)))
