"""Provide output folders for measured processes."""

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
    """Yield a new folder for the files of one run; truncate the files afterwards, and remove them at exit.

    After many files were removed, ext4 scans the removed entries for each new file. After outputs of thousands of files
    this took a tenth of the CPU time of the next run, as measured with perf.
    """
    folder = Path(tempfile.mkdtemp(dir=_session()))
    try:
        yield folder
    finally:
        for directory, _, names in os.walk(folder):
            for name in names:
                os.truncate(os.path.join(directory, name), 0)


@functools.cache
def _session() -> str:
    folder = tempfile.mkdtemp(prefix="benchmark-outputs-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
