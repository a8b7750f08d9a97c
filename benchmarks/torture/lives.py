"""Start, watch and kill the process of a job."""

import resource
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from benchmarks.expected_output import BenchmarkError
from benchmarks.measured_process import ROOT

_POLL_S: Final = 0.01
_LIMIT_S: Final = 90.0


class Life:
    """One start of a command, from its first moment to its end.

    Attributes:
        log: file of its standard error.
    """

    def __init__(self, module: Sequence[str], env: Mapping[str, str], log: Path, stdout: Path | None = None) -> None:
        """Start ``python -m …``.

        Args:
            module: with its flags.
            env: complete environment.
            log: file for standard error.
            stdout: file for standard output; None to discard it.
        """
        self.log = log
        self._began, self._began_at = time.monotonic(), time.time()
        with open(log, "wb") as stderr, open(stdout or "/dev/null", "wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", *module],
                cwd=ROOT,
                env=dict(env),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=stderr,
            )

    @property
    def seconds(self) -> float:
        """Time since the start, seconds."""
        return time.monotonic() - self._began

    @property
    def has_ended(self) -> bool:
        """Whether the process has ended by itself."""
        return self._process.poll() is not None

    def wait_for_journal(self, state: Path, limit_s: float) -> float | None:
        """Wait until this process has written to the journal; None if it has not within the limit, or has ended.

        Args:
            state: folder of the state.
            limit_s: seconds.

        Returns:
            Seconds from the start of the process, which is how long recovery took: only then are new messages read.
        """
        while self.seconds < limit_s and not self.has_ended:
            if any(_is_written(path, self._began_at) for path in state.glob("journal-*")):
                return self.seconds
            time.sleep(_POLL_S)
        return None

    def wait_for_lock(self, state: Path) -> None:
        """Wait until this process has opened the state."""
        lock = state / "lock"
        while not self.has_ended and self.seconds < _LIMIT_S:
            if lock.exists() and lock.read_text().strip() == str(self._process.pid):
                return
            time.sleep(_POLL_S)

    def pause(self, seconds: float) -> None:
        """Let it run for a time, or until it ends."""
        until = time.monotonic() + seconds
        while not self.has_ended and (left := until - time.monotonic()) > 0:
            time.sleep(min(left, _POLL_S))

    def kill(self) -> None:
        """End it with SIGKILL."""
        self._process.kill()
        self._process.wait()

    def terminate(self) -> int:
        """End it with SIGTERM and return the exit code.

        Raises:
            BenchmarkError: if it does not end.
        """
        self._process.send_signal(signal.SIGTERM)
        return self.wait()

    def wait(self, limit_s: float = _LIMIT_S) -> int:
        """Return the exit code.

        Raises:
            BenchmarkError: if it does not end within the limit, seconds.
        """
        try:
            return self._process.wait(limit_s)
        except subprocess.TimeoutExpired as error:
            self.kill()
            raise BenchmarkError(f"{self.log.stem} did not end within {limit_s:g} s") from error

    def limit_files(self, size: int) -> None:
        """Let no file of the process grow beyond a size in bytes, as if the disk was full."""
        if not self.has_ended:
            resource.prlimit(self._process.pid, resource.RLIMIT_FSIZE, (size, size))

    def last_words(self) -> str:
        """Return the last line of standard error."""
        lines = self.log.read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else ""

    def has_traceback(self) -> bool:
        """Return whether standard error has a stack trace."""
        return "Traceback (most recent call last)" in self.log.read_text(errors="replace")


def _is_written(path: Path, since: float) -> bool:
    try:
        status = path.stat()
    except FileNotFoundError:  # removed behind a snapshot
        return False
    return status.st_size > 0 and status.st_mtime > since
