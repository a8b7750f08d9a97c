"""Beam's own worker, a process that works for another: ``python -m pipeline.worker [--verbose] FOLDER [PACKAGE …]``.

`pipeline.workers` starts it; what to do comes from the environment that Beam sets. The folder is where the job spills
to, the packages are those that it does without.
"""

import contextlib
import gc
import io
import sys
from typing import Final

from pipeline.allocator import keep_freed_memory
from pipeline.imports import left_out
from transforms.spill import spilling

VERBOSE: Final = "--verbose"


def main(args: list[str]) -> None:
    """Work until the process that started this one ends, or has nothing more to do."""
    keep_freed_memory()
    folder, *packages = (arg for arg in args if arg != VERBOSE)
    with contextlib.ExitStack() as stack:
        stack.enter_context(left_out(packages))
        stack.enter_context(spilling(folder))
        from apache_beam.runners.worker import sdk_worker_main  # only now: it loads Beam

        gc.freeze()
        if VERBOSE not in args:  # a failure is told by the process that started this one, in one line
            stack.enter_context(contextlib.redirect_stderr(io.StringIO()))
        sdk_worker_main.main([])
    gc.freeze()  # nothing is collected any more: the process ends


if __name__ == "__main__":
    main(sys.argv[1:])
