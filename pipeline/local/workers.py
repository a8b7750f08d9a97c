"""How many processes share a job on files, how they are started, and what comes of it when one of them ends.

Beam's local runner cuts the work of each step evenly between its workers and groups what they shuffle in the process
that was started; the content itself goes through files (`transforms.shuffle.spill`). A worker is another process, which
takes about a second of a processor to start: small input is read faster without.
"""

import contextlib
import os
import shlex
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from typing import Final

from apache_beam.options.pipeline_options import DirectOptions, PipelineOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.transforms.environments import SubprocessSDKEnvironment

from pipeline.config import JobConfig
from pipeline.failures import WORKER_ENDED, JobFailedError
from pipeline.local.worker import VERBOSE
from pipeline.sources.files import Portion
from pipeline.startup.block_imports import unused

_FLAG: Final = "--direct_num_workers"
_WORTH_IT: Final = 128 << 20  # bytes of input, uncompressed: below that a second process gains less than it costs
_WATCHER: Final = "run_worker"  # name of Beam's thread that waits for a worker to end
_LISTENERS: Final = frozenset({_WATCHER, "beam_control_read", "read_grpc_client_inputs"})
_PATIENCE_S: Final = 5.0  # after a worker has ended, for Beam to notice
_MOST: Final = 8  # by default: what workers send each other goes through one process


def worker_count(config: JobConfig, options: PipelineOptions, portions: Sequence[Portion]) -> int:
    """Return how many processes to work in; 1 is this one alone.

    What `--direct_num_workers` says, if it is given. Else one for each processor, as far as there is something to
    read for each, where the input is large, and all of it is read from and written to files of this machine.
    """
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if any(arg.partition("=")[0] == _FLAG for arg in config.beam_args):
        return options.view_as(DirectOptions).direct_num_workers or processors
    ranges = [part for portion in portions for part in portion.ranges]
    size = sum(part.end - part.start for part in ranges if part.end is not None)
    if size < _WORTH_IT or not unused(config) or config.print_anomalies:
        return 1
    return min(processors, len(portions), _MOST)


def files_runner(config: JobConfig, options: PipelineOptions, workers: int, folder: str) -> FnApiRunner:
    """Return Beam's local runner for bounded input: in this process, or with workers of its own.

    Args:
        config: the job.
        options: Beam's, in which the number of workers is noted.
        workers: how many processes; see `worker_count`.
        folder: where the job spills to.
    """
    options.view_as(DirectOptions).direct_num_workers = workers
    if workers == 1:
        return FnApiRunner()
    verbose = [VERBOSE] if config.verbose else []
    worker = shlex.join([sys.executable, "-m", "pipeline.local.worker", *verbose, folder, *unused(config)])
    command = f"trap '' INT; exec {worker}"  # for a shell; Ctrl-C reaches all processes, and this one ends the others
    return FnApiRunner(default_environment=SubprocessSDKEnvironment.from_command_string(command))


@contextlib.contextmanager
def listening() -> Iterator[None]:
    """End a block in one line when a worker of it is killed; it must be `interruptible`.

    Beam's local runner (2.77) waits without end for one that was killed while it had nothing to do, and each thread
    that listens to a worker ends with a traceback. What threads raise is held back until it is known whether that line
    says it.

    Raises:
        JobFailedError: if a worker was killed and the block did not end by itself.
    """
    held: list[threading.ExceptHookArgs] = []
    waiting, waited_in_vain = threading.get_ident(), threading.Event()

    def interrupt() -> None:
        waited_in_vain.set()
        signal.pthread_kill(waiting, signal.SIGTERM)

    def hold(raised: threading.ExceptHookArgs) -> None:
        held.append(raised)
        if raised.thread is not None and raised.thread.name == _WATCHER:
            with contextlib.suppress(RuntimeError):  # it is not the first
                timer.start()

    timer = threading.Timer(_PATIENCE_S, interrupt)
    timer.daemon = True
    usual = threading.excepthook
    threading.excepthook = hold
    try:
        yield
    except (JobFailedError, KeyboardInterrupt) as error:
        timer.cancel()
        for thread in threading.enumerate():
            if thread.name in _LISTENERS:
                thread.join(1.0)
        held.clear()
        if waited_in_vain.is_set():
            raise JobFailedError(WORKER_ENDED) from error
        raise
    finally:
        timer.cancel()
        threading.excepthook = usual
        for raised in held:
            usual(raised)
