"""Where what is measured writes to."""

import atexit
import functools
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def output_folder() -> Iterator[Path]:
    """Give a new folder for the files of one run; afterwards they are emptied, and removed when this process ends.

    A file that is removed at once makes the next run slower: ext4 gives its inode to nobody for some minutes, and each
    new file looks through all of those. After 10 million rows this was a third of the next run's processor time.
    """
    folder = Path(tempfile.mkdtemp(dir=_session()))
    try:
        yield folder
    finally:
        for place, _, names in os.walk(folder):
            for name in names:
                os.truncate(os.path.join(place, name), 0)


@functools.cache
def _session() -> str:
    folder = tempfile.mkdtemp(prefix="benchmark-outputs-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
