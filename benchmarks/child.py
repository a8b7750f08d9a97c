"""Commands in processes of their own, measured from outside: wall time, peak memory, processor time."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks.answers import BenchmarkError

ROOT: Final = Path(__file__).parents[1]
"""The top level of the repository: where the commands run."""
LIMIT_S: Final = 900.0
_LAUNCHER: Final = Path(__file__).with_name("launcher.py")


@dataclass(frozen=True, slots=True)
class Child:
    """What became of a command that succeeded.

    Attributes:
        seconds: wall time from its start to its end.
        peak_mb: most memory that it ever had, 10⁶ bytes.
        cpu_s: processor time, all threads.
        stdout: what it printed.
        memory: resident memory over time as (seconds since the start, 10⁶ bytes); empty unless asked for.
    """

    seconds: float
    peak_mb: float
    cpu_s: float
    stdout: str
    memory: tuple[tuple[float, float], ...] = ()

    def last_line(self) -> dict[str, Any]:
        """Return the last line printed, an object of JSON.

        Raises:
            BenchmarkError: if it is none.
        """
        lines = self.stdout.strip().splitlines()
        try:
            printed: dict[str, Any] = json.loads(lines[-1])
        except (IndexError, ValueError) as error:
            raise BenchmarkError(f"the last line printed is no JSON: {self.stdout[-200:]!r}") from error
        return printed


def run_child(
    command: Sequence[str],
    env: Mapping[str, str] | None = None,
    *,
    cpus: Sequence[int] = (),
    sample_s: float = 0.0,
    limit_s: float = LIMIT_S,
) -> Child:
    """Run a command to its end.

    Args:
        command: program and arguments.
        env: the whole environment; None for ours.
        cpus: the processors it may use; empty for all.
        sample_s: seconds between two looks at its memory; 0 for none.
        limit_s: kill it after so many seconds.

    Raises:
        BenchmarkError: if it fails or takes too long.
    """
    options = json.dumps({"cpus": list(cpus), "sample_s": sample_s, "limit_s": limit_s})
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.json")
        launch = [sys.executable, "-I", "-S", str(_LAUNCHER), str(report), options, *command]
        ran = subprocess.run(
            launch, env=dict(env if env is not None else os.environ), cwd=ROOT, capture_output=True, check=False
        )
        stderr = ran.stderr.decode(errors="replace").strip()
        if ran.returncode:
            raise BenchmarkError(f"{_short(command)}: cannot be started: {stderr[-500:]}")
        told = json.loads(report.read_bytes())
    if told["returncode"]:
        raise BenchmarkError(f"{_short(command)}: exit code {told['returncode']}: {stderr[-500:]}")
    memory = tuple((moment, kb * 1024 / 1e6) for moment, kb in told["memory"])
    stdout = ran.stdout.decode(errors="replace")
    return Child(told["seconds"], told["peak_kb"] * 1024 / 1e6, told["cpu_s"], stdout, memory)


def run_module(
    module: Sequence[str], env: Mapping[str, str] | None = None, *, cpus: Sequence[int] = (), sample_s: float = 0.0
) -> Child:
    """Run ``python -m …`` with this interpreter; see `run_child`."""
    return run_child([sys.executable, "-m", *module], env, cpus=cpus, sample_s=sample_s)


def _short(command: Sequence[str]) -> str:
    return " ".join([Path(command[0]).name, *command[1:]])
