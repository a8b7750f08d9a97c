"""Name the files of results, and read from a name what the file must hold.

``<folder>/<kind>/date=YYYY-MM-DD/hour=HH/<first time>-<version>-<hash>.jsonl``: the hash is of the content, so that a
retried bundle writes the same file again and two different files never have the same name.
"""

import hashlib
import re
from typing import Final

import numpy as np

from telemetry.model.record_batches import FileFormat

UNKNOWN_US: Final = int(np.iinfo(np.int64).min)
"""Stands for the time of records that have none."""
HOUR_US: Final = 3_600_000_000
_NO_PARTITION: Final = "date=__HIVE_DEFAULT_PARTITION__/hour=__HIVE_DEFAULT_PARTITION__"
_HASH: Final = re.compile(r"-([0-9a-f]{20})\.(?:jsonl|parquet)$")


def hour_folder(hour_us: int) -> str:
    """Return the partition of records of an hour, given its start in microseconds UTC."""
    if hour_us == UNKNOWN_US:
        return _NO_PARTITION
    day, clock = str(np.datetime64(hour_us, "us"))[:13].split("T")
    return f"date={day}/hour={clock}"


def file_name(first_us: int, version: int, content: bytes, file_format: FileFormat) -> str:
    """Return the name of a file of records; `first_us` is the earliest time in it, the smallest int64 for none."""
    moment = str(np.datetime64(max(first_us, 0), "us"))[:19].replace("-", "").replace(":", "")
    return f"{moment}Z-{version}-{content_hash(content)}.{file_format}"


def content_hash(content: bytes) -> str:
    """Return the hash of the content of a file, 20 hexadecimal digits."""
    return hashlib.blake2b(content, digest_size=10).hexdigest()


def named_hash(path: str) -> str:
    """Return the hash in the name of a file; "" if there is none."""
    found = _HASH.search(path)
    return found[1] if found else ""


def partition_of(path: str) -> str:
    """Return the folders of date and hour in which a file lies, as `hour_folder` writes them."""
    return "/".join(path.split("/")[-3:-1])
