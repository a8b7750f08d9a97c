"""The job on files as people run it: commands in processes of their own, their files read back."""

import json
import os
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

from benchmarks.answers import Truth
from benchmarks.child import Child, run_module
from benchmarks.contender import Contender, Sample
from benchmarks.data import Data, Rows
from benchmarks.folders import output_folder
from benchmarks.outputs import read_job

INPUT: Final = "python -m pipeline --input FILE"


def whole_process(data: Data) -> list[Contender]:
    """Return the job on the CSV file, without and with an archive, from the start of the process to its end."""
    return [
        Contender(
            name, data.whole.answer.rows, partial(run_files, data.csv, data.whole.truth, name, flags), remark, True
        )
        for name, flags, remark in (
            (INPUT, (), "CSV in, files out; whole process with imports"),
            (f"{INPUT} --archive", ("--archive",), "the same, with every reading as Parquet"),
        )
    ]


def on_lines(rows: Rows, name: str, remark: str) -> Contender:
    """Return the job on a file of JSON lines, which is what peers read."""
    return Contender(name, rows.answer.rows, partial(run_files, rows.lines, rows.truth, name, ()), remark, True)


def run_files(path: Path, truth: Truth, name: str, flags: Sequence[str], cpus: Sequence[int] = ()) -> Sample:
    """Run the job on a file and check what it wrote.

    Raises:
        BenchmarkError: if it fails, or finds something else than the truth.
    """
    with output_folder() as folder:
        child, summary = run_job(folder, os.environ, "--input", str(path), *flags, cpus=cpus)
        truth.check(name, read_job(folder, summary))
    return Sample(child.seconds, float(summary["seconds"]), child.peak_mb)


def run_job(
    folder: Path, env: Mapping[str, str], *flags: str, cpus: Sequence[int] = (), sample_s: float = 0.0
) -> tuple[Child, dict[str, Any]]:
    """Run the job into a folder; returns what its process took, and its summary."""
    summary = folder / "summary.json"
    command = ["pipeline", *flags, "--output", str(folder), "--summary", str(summary)]
    child = run_module(command, env, cpus=cpus, sample_s=sample_s)
    return child, json.loads(summary.read_bytes())
