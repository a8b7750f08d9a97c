"""Compare the job on one processor with the job on all processors."""

import os
from functools import partial
from typing import Final

from benchmarks.cases import BenchmarkCase
from benchmarks.data import Data
from benchmarks.processes import run_files

ALL: Final = "pipeline on files, all cores"


def cases(data: Data) -> list[BenchmarkCase]:
    """Return the job on JSON lines with all processors and restricted to one."""
    rows = data.whole
    can_restrict = hasattr(os, "sched_setaffinity")
    missing = "" if can_restrict else "this system cannot restrict a process to some processors"
    one = (min(os.sched_getaffinity(0)),) if can_restrict else ()
    name = "pipeline on files, one core"
    return [
        BenchmarkCase(ALL, rows.totals.rows, partial(run_files, rows.lines, rows.expected, ALL, ()), "", True),
        BenchmarkCase(
            name, rows.totals.rows, partial(run_files, rows.lines, rows.expected, name, (), one),
            "the same, restricted to one processor", True, missing,
        ),
    ]  # fmt: skip
