"""Measure the job on files as separate processes, and check the files they write."""

import json
import os
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

from benchmarks.cases import BenchmarkCase, Sample
from benchmarks.data import Data, Rows
from benchmarks.expected_output import JobOutput
from benchmarks.measured_process import MeasuredProcess, run_module
from benchmarks.output_folders import output_folder
from benchmarks.read_outputs import read_job

INPUT: Final = "python -m pipeline --input FILE"


def whole_process(data: Data) -> list[BenchmarkCase]:
    """Return the job on the CSV file, without and with an archive, measured as a whole process."""
    return [
        BenchmarkCase(
            name, data.whole.totals.rows, partial(run_files, data.csv, data.whole.expected, name, flags), remark, True
        )
        for name, flags, remark in (
            (INPUT, (), "CSV in, files out; whole process with imports"),
            (f"{INPUT} --archive", ("--archive",), "the same, with every reading as Parquet"),
        )
    ]


def on_lines(rows: Rows, name: str, remark: str) -> BenchmarkCase:
    """Return the job on a file of JSON lines, the input of the peers."""
    return BenchmarkCase(name, rows.totals.rows, partial(run_files, rows.lines, rows.expected, name, ()), remark, True)


def run_files(path: Path, expected: JobOutput, name: str, flags: Sequence[str], cpus: Sequence[int] = ()) -> Sample:
    """Run the job on a file and check its output.

    Raises:
        BenchmarkError: if it fails or its output is wrong.
    """
    with output_folder() as folder:
        process, summary = run_job(folder, os.environ, "--input", str(path), *flags, cpus=cpus)
        expected.check(name, read_job(folder, summary))
    return Sample(process.seconds, float(summary["seconds"]), process.peak_mb)


def run_job(
    folder: Path, env: Mapping[str, str], *flags: str, cpus: Sequence[int] = (), sample_s: float = 0.0
) -> tuple[MeasuredProcess, dict[str, Any]]:
    """Run the job with a folder for its output; return the measured process and the summary of the job."""
    summary = folder / "summary.json"
    command = ["pipeline", *flags, "--output", str(folder), "--summary", str(summary)]
    process = run_module(command, env, cpus=cpus, sample_s=sample_s)
    return process, json.loads(summary.read_bytes())
