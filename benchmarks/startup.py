"""Measure the start-up time: the help, and a run with ten rows."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

from benchmarks.cases import BenchmarkCase, Sample
from benchmarks.data import Data, first_rows
from benchmarks.expected_output import BenchmarkError
from benchmarks.measured_process import run_module
from benchmarks.processes import run_files

TEN: Final = "python -m pipeline --input FILE, 10 rows"


@contextmanager
def cases(data: Data) -> Iterator[list[BenchmarkCase]]:
    """Yield both cases; their ratio is of runs per second."""
    with tempfile.TemporaryDirectory() as folder:
        rows = first_rows(data.subset, 10, Path(folder, "ten.jsonl"))
        ten = BenchmarkCase(TEN, 0, partial(run_files, rows.lines, rows.expected, TEN, ()), "the whole process", True)
        yield [replace(ten, name="python -m pipeline --help", run=_help), ten]


def _help() -> Sample:
    process = run_module(["pipeline", "--help"])
    if not process.stdout.startswith("usage: python -m pipeline"):
        raise BenchmarkError(f"--help printed {process.stdout[:80]!r}")
    return Sample(process.seconds, None, process.peak_mb)
