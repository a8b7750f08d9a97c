"""What a person waits for before anything happens: the help, and a run of ten rows."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

from benchmarks.answers import BenchmarkError
from benchmarks.child import run_module
from benchmarks.contender import Contender, Sample
from benchmarks.data import Data, first_rows
from benchmarks.processes import run_files

TEN: Final = "python -m pipeline --input FILE, 10 rows"


@contextmanager
def contenders(data: Data) -> Iterator[list[Contender]]:
    """Give the two; the ratio is of times."""
    with tempfile.TemporaryDirectory() as folder:
        rows = first_rows(data.part, 10, Path(folder, "ten.jsonl"))
        ten = Contender(TEN, 0, partial(run_files, rows.lines, rows.truth, TEN, ()), "the whole process", True)
        yield [replace(ten, name="python -m pipeline --help", run=_help), ten]


def _help() -> Sample:
    child = run_module(["pipeline", "--help"])
    if not child.stdout.startswith("usage: python -m pipeline"):
        raise BenchmarkError(f"--help printed {child.stdout[:80]!r}")
    return Sample(child.seconds, None, child.peak_mb)
