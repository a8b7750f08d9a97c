"""Define the devices that are expected to send."""

import msgspec


class Roster(msgspec.Struct, frozen=True):
    """Devices that are expected to send.

    Attributes:
        devices: names, sorted, each once.
    """

    devices: tuple[str, ...]
