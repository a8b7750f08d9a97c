"""One processor and all of them: what the job gains from more than one."""

import os
from functools import partial
from typing import Final

from benchmarks.contender import Contender
from benchmarks.data import Data
from benchmarks.processes import run_files

ALL: Final = "pipeline on files, all cores"


def contenders(data: Data) -> list[Contender]:
    """Return the job on JSON lines with all processors, and held to one."""
    rows = data.whole
    may_choose = hasattr(os, "sched_setaffinity")
    missing = "" if may_choose else "this system does not let a process choose its processors"
    one = (min(os.sched_getaffinity(0)),) if may_choose else ()
    name = "pipeline on files, one core"
    return [
        Contender(ALL, rows.answer.rows, partial(run_files, rows.lines, rows.truth, ALL, ()), "", True),
        Contender(
            name, rows.answer.rows, partial(run_files, rows.lines, rows.truth, name, (), one),
            "the same, held to one processor", True, missing,
        ),
    ]  # fmt: skip
