"""Decode payloads of a device that nobody else has, as a user would."""

from collections.abc import Iterator
from typing import Any


def read_frame(payload: bytes) -> Iterator[dict[str, Any]]:
    """Yield the reading of a frame: one byte for the device, two for hundredths of a degree."""
    yield {"id": f"probe-{payload[0]}", "temp": int.from_bytes(payload[1:3], "big") / 100 if payload[2:] else None}
