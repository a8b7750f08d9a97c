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

    Where many files were removed a moment ago ext4 looks through all of them for each new one: after some outputs of
    thousands of files that was a tenth of the next run's processor time, as perf saw it.
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
