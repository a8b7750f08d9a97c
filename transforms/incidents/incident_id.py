"""Derive the id of an incident, which is the same whenever its readings are judged again."""

import hashlib
import struct


def incident_id(rule_id: str, device: str, metric: str, opened_us: int) -> str:
    """Return the id of an incident: a hash of the rule's id, the series and its first breaching reading's time."""
    key = "\0".join((rule_id, device, metric)).encode() + struct.pack("<q", opened_us)
    return hashlib.blake2b(key, digest_size=16).hexdigest()
