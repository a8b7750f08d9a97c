"""Start worker processes, and notice when one of them is lost."""

import contextlib
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping

from pipeline.failures import WORKER_ENDED, JobFailedError
from pipeline.local.signals import signals_deferred

PATIENCE_S = 5.0
"""How long a job may go on after it has lost a worker: usually its runner fails sooner."""


class WorkerProcess:
    """A process that works for the job, and a thread that waits for its end.

    Args:
        command: for a shell.
        environment: all variables of the process.
        on_loss: called in that thread if the process ends with a code other than 0, as one that is killed does.
    """

    def __init__(self, command: str, environment: Mapping[str, str], on_loss: Callable[[], None]) -> None:
        """Start the process."""
        self._on_loss = on_loss
        self._is_needed = True
        # The worker reads its standard input, and ends at the end of it: that comes with the end of this process.
        self._process = subprocess.Popen(command, shell=True, env=environment, stdin=subprocess.PIPE)
        self._waiting = threading.Thread(target=self._wait, name=f"worker-{self._process.pid}", daemon=True)
        self._waiting.start()

    def join(self) -> None:
        """Wait until the process has ended."""
        self._waiting.join()

    def end(self, patience_s: float) -> None:
        """Wait until the process has ended; kill it if it does not, which then is no loss."""
        self._waiting.join(patience_s)
        if self._waiting.is_alive():
            self._is_needed = False
            self._process.kill()
            self._waiting.join()

    def _wait(self) -> None:
        if self._process.wait() and self._is_needed:
            self._on_loss()


class WorkerProcesses:
    """The worker processes of one job.

    Attributes:
        lost: whether one of them ended with a code other than 0.
        in_vain: whether the job was interrupted because it went on without the lost one.
    """

    def __init__(self) -> None:
        """Start none yet; the thread that calls this is the one that is interrupted."""
        self.lost = False
        self.in_vain = False
        self._started: list[WorkerProcess] = []
        self._lock = threading.Lock()
        self._interrupted = threading.get_ident()
        self._timer: threading.Timer | None = None

    def start(self, command: str, environment: Mapping[str, str]) -> WorkerProcess:
        """Start one more; see `WorkerProcess`. A signal comes when it is known to this object, and never before."""
        in_main_thread = threading.current_thread() is threading.main_thread()
        with signals_deferred() if in_main_thread else contextlib.nullcontext():
            worker = WorkerProcess(command, environment, self._lose)
            self._started.append(worker)
        return worker

    def end_all(self) -> None:
        """Kill the processes that are left, which is no loss."""
        for worker in self._started:
            worker.end(0.0)

    def stop_watching(self) -> None:
        """Interrupt nothing from now on."""
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()

    def _lose(self) -> None:
        with self._lock:
            if not self.lost:
                self.lost = True
                self._timer = threading.Timer(PATIENCE_S, self._interrupt)
                self._timer.daemon = True
                self._timer.start()

    def _interrupt(self) -> None:
        self.in_vain = True
        signal.pthread_kill(self._interrupted, signal.SIGTERM)


@contextlib.contextmanager
def worker_processes() -> Iterator[WorkerProcesses]:
    """Yield the processes of a job, and end the block when one is lost; it must be `interruptible`.

    Raises:
        JobFailedError: if the runner failed, or waited in vain, because a process was lost.
    """
    processes = WorkerProcesses()
    try:
        yield processes
    except RuntimeError as error:
        processes.stop_watching()
        if processes.lost:
            raise JobFailedError(WORKER_ENDED) from error
        raise
    except KeyboardInterrupt as error:
        if processes.in_vain:
            raise JobFailedError(WORKER_ENDED) from error
        raise
    finally:
        processes.stop_watching()
        processes.end_all()
