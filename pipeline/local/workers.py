"""Choose the number of processes that share a job on files, and the command that starts a worker.

Beam's local runner divides the work of each step evenly between its workers and groups shuffled elements in the main
process; their content goes through files (`transforms.shuffle.spill`). Starting a worker process takes about a second
of a processor, so that small input is read faster without one.
"""

import logging
import os
import shlex
import sys
from collections.abc import Sequence
from typing import Final

from apache_beam.options.pipeline_options import DirectOptions, PipelineOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.transforms.environments import SubprocessSDKEnvironment

from pipeline.beam_patches.registry import WORKER_PROCESSES, is_on
from pipeline.config import JobConfig
from pipeline.local.worker import VERBOSE
from pipeline.sources.files import Portion
from pipeline.startup.block_imports import unused

_LOG: Final = logging.getLogger("pipeline.beam_patches")
_FLAG: Final = "--direct_num_workers"
_MIN_SHARED_BYTES: Final = 128 << 20  # of uncompressed input: below that a second process saves less than it costs
_MAX_BY_DEFAULT: Final = 8  # all that workers exchange goes through one process


def worker_count(config: JobConfig, options: PipelineOptions, portions: Sequence[Portion]) -> int:
    """Return the number of processes that share the job; 1 is this process alone.

    The flag `--direct_num_workers` decides if it is given. Otherwise one for each processor that has a portion to read,
    if the input is large and the job reads and writes local files only. Without the patch that serves worker processes
    on the loopback interface there is one process, and a warning if there would be more.
    """
    wanted = _wanted_count(config, options, portions)
    if wanted > 1 and not is_on(WORKER_PROCESSES):
        _LOG.warning("the job runs in one process, not in %d: %s", wanted, WORKER_PROCESSES.without)
        return 1
    return wanted


def _wanted_count(config: JobConfig, options: PipelineOptions, portions: Sequence[Portion]) -> int:
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if any(arg.partition("=")[0] == _FLAG for arg in config.beam_args):
        return options.view_as(DirectOptions).direct_num_workers or processors
    ranges = [part for portion in portions for part in portion.ranges]
    size = sum(part.end - part.start for part in ranges if part.end is not None)
    if size < _MIN_SHARED_BYTES or not unused(config) or config.printed:
        return 1
    return min(processors, len(portions), _MAX_BY_DEFAULT)


def files_runner(config: JobConfig, options: PipelineOptions, workers: int, folder: str) -> FnApiRunner:
    """Return Beam's local runner for bounded input: in this process, or with worker processes.

    Args:
        config: the job.
        options: Beam's options; the number of workers is set in them.
        workers: number of processes; see `worker_count`.
        folder: the folder to which the job spills shuffled content.
    """
    options.view_as(DirectOptions).direct_num_workers = workers
    if workers == 1:
        return FnApiRunner()
    verbose = [VERBOSE] if config.verbose else []
    worker = shlex.join([sys.executable, "-m", "pipeline.local.worker", *verbose, folder, *unused(config)])
    command = f"trap '' INT; exec {worker}"  # Ctrl-C reaches all processes; the main process ends the others
    return FnApiRunner(default_environment=SubprocessSDKEnvironment.from_command_string(command))
