"""Run commands in separate processes and measure wall time, peak memory and CPU time."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks.expected_output import BenchmarkError

ROOT: Final = Path(__file__).parents[1]
"""Root of the repository, the working directory of the commands."""
LIMIT_S: Final = 900.0
_MONITOR: Final = Path(__file__).with_name("resource_monitor.py")


@dataclass(frozen=True, slots=True)
class MeasuredProcess:
    """Measurements of a command that succeeded.

    Attributes:
        seconds: wall time of the process.
        peak_mb: peak resident memory, 10⁶ bytes.
        cpu_s: CPU time of all threads, seconds.
        stdout: standard output.
        memory: resident memory over time as (seconds since the start, 10⁶ bytes); empty without sampling.
    """

    seconds: float
    peak_mb: float
    cpu_s: float
    stdout: str
    memory: tuple[tuple[float, float], ...] = ()

    def last_line(self) -> dict[str, Any]:
        """Return the last line of the output, a JSON object.

        Raises:
            BenchmarkError: if the line is not JSON.
        """
        lines = self.stdout.strip().splitlines()
        try:
            printed: dict[str, Any] = json.loads(lines[-1])
        except (IndexError, ValueError) as error:
            raise BenchmarkError(f"the last line printed is not JSON: {self.stdout[-200:]!r}") from error
        return printed


def run_measured(
    command: Sequence[str],
    env: Mapping[str, str] | None = None,
    *,
    cpus: Sequence[int] = (),
    sample_s: float = 0.0,
    limit_s: float = LIMIT_S,
) -> MeasuredProcess:
    """Run a command to its end.

    Args:
        command: program and arguments.
        env: complete environment; None for the current one.
        cpus: processors it may use; empty for all.
        sample_s: interval between samples of its memory, seconds; 0 for no samples.
        limit_s: time after which it is killed, seconds.

    Raises:
        BenchmarkError: if it fails or is killed.
    """
    options = json.dumps({"cpus": list(cpus), "sample_s": sample_s, "limit_s": limit_s})
    with tempfile.TemporaryDirectory() as folder:
        report_file = Path(folder, "report.json")
        monitored = [sys.executable, "-I", "-S", str(_MONITOR), str(report_file), options, *command]
        completed = subprocess.run(
            monitored, env=dict(env if env is not None else os.environ), cwd=ROOT, capture_output=True, check=False
        )
        stderr = completed.stderr.decode(errors="replace").strip()
        if completed.returncode:
            raise BenchmarkError(f"{_short(command)}: cannot be started: {stderr[-500:]}")
        report = json.loads(report_file.read_bytes())
    if report["returncode"]:
        raise BenchmarkError(f"{_short(command)}: exit code {report['returncode']}: {stderr[-500:]}")
    memory = tuple((moment, kb * 1024 / 1e6) for moment, kb in report["memory"])
    stdout = completed.stdout.decode(errors="replace")
    return MeasuredProcess(report["seconds"], report["peak_kb"] * 1024 / 1e6, report["cpu_s"], stdout, memory)


def run_module(
    module: Sequence[str], env: Mapping[str, str] | None = None, *, cpus: Sequence[int] = (), sample_s: float = 0.0
) -> MeasuredProcess:
    """Run ``python -m …`` with the current interpreter, like `run_measured`."""
    return run_measured([sys.executable, "-m", *module], env, cpus=cpus, sample_s=sample_s)


def _short(command: Sequence[str]) -> str:
    return " ".join([Path(command[0]).name, *command[1:]])
