"""Divide devices into shards, by which a runner divides the work on them."""

import zlib


def shard_of(device: str, shards: int) -> int:
    """Return the shard of a device: a hash that is the same in every process and on every run."""
    return zlib.crc32(device.encode()) % shards
