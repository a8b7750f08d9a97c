"""Run Beam's own worker, a process that works for another.

    python -m pipeline.local.worker [--verbose] FOLDER [PACKAGE …]

`pipeline.local.workers` starts it; Beam sets the environment that says what to do. The job spills to the folder,
the packages are those that it does without.
"""

import contextlib
import gc
import io
import sys
from typing import Final

from pipeline.startup.block_imports import block_imports
from pipeline.startup.malloc import keep_freed_memory
from transforms.shuffle.spill import spilling

VERBOSE: Final = "--verbose"


def main(args: list[str]) -> None:
    """Work until the process that started this one ends, or has nothing more to do."""
    keep_freed_memory()
    folder, *packages = (arg for arg in args if arg != VERBOSE)
    with contextlib.ExitStack() as stack:
        stack.enter_context(block_imports(packages))
        stack.enter_context(spilling(folder))
        from apache_beam.runners.worker import sdk_worker_main  # only now: it loads Beam

        gc.freeze()
        if VERBOSE not in args:  # a failure is told by the process that started this one, in one line
            stack.enter_context(contextlib.redirect_stderr(io.StringIO()))
        sdk_worker_main.main([])
    gc.freeze()  # nothing is collected any more: the process ends


if __name__ == "__main__":
    main(sys.argv[1:])
