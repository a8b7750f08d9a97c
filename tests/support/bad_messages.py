"""Read the corpus of messages that something is wrong with: ``tests/transforms/decode/bad_messages.yaml``."""

import gzip
from pathlib import Path
from typing import Any

import yaml

from telemetry.model.messages import Message
from tests.support.sources import ROOT

_FILE = Path(ROOT) / "tests" / "transforms" / "decode" / "bad_messages.yaml"
CORPUS: list[dict[str, Any]] = yaml.safe_load(_FILE.read_text("utf-8"))


def bytes_of(part: Any) -> bytes:
    if isinstance(part, str):
        return part.encode()
    if isinstance(part, list):
        return b"".join(map(bytes_of, part))
    if "hex" in part:
        return bytes.fromhex(part["hex"])
    if "gzip" in part:
        return gzip.compress(bytes_of(part["gzip"]), mtime=0)
    return bytes_of(part["repeat"]) * part["times"] if "repeat" in part else bytes_of(part["of"])[: part["first"]]


def message_of(case: dict[str, Any]) -> Message:
    columns = tuple(case["columns"]) if "columns" in case else None
    published_us = case["published"] * 1_000_000 if "published" in case else None
    return Message(bytes_of(case["payload"]), case.get("attributes", {}), "bad", published_us, None, columns)
