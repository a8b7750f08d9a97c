"""Bring files and the names in folders from the memory of this machine to its disk."""

import os
from pathlib import Path


def sync_path(path: str | Path) -> None:
    """Make the content of a file durable, or the names in a folder: a loss of power does not undo them.

    Raises:
        OSError: if there is no such path, or its disk fails.
    """
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
