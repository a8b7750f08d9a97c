"""Run Beam's worker in a process of the job.

    python -m pipeline.local.worker [--verbose] FOLDER [PACKAGE …]

The job starts it; environment variables tell it where the runner is, and the token that the runner requires. The job
spills to the folder, and the packages are those whose import is blocked.
"""

import contextlib
import gc
import io
import os
import sys
import threading
from typing import Any, Final

from pipeline.local.job_token import VARIABLE, channel_with_token
from pipeline.startup.block_imports import block_imports
from pipeline.startup.malloc import keep_freed_memory
from transforms.shuffle.spill import spilling

VERBOSE: Final = "--verbose"


def main(args: list[str]) -> None:
    """Work until the main process ends or has nothing more to do."""
    keep_freed_memory()
    token = os.environ.pop(VARIABLE, "")
    threading.Thread(target=_end_with_job, daemon=True).start()
    folder, *packages = (arg for arg in args if arg != VERBOSE)
    with contextlib.ExitStack() as stack:
        stack.enter_context(block_imports(packages))
        stack.enter_context(spilling(folder))
        from apache_beam.runners.worker import sdk_worker_main  # loads Beam

        _present(token)
        gc.freeze()
        if VERBOSE not in args:  # the main process reports a failure in one line
            stack.enter_context(contextlib.redirect_stderr(io.StringIO()))
        sdk_worker_main.main([])
    gc.freeze()  # the process ends: a last collection would only take time


def _end_with_job() -> None:
    """End this process when its standard input ends: the job has ended, or was killed and can tell nobody."""
    while os.read(sys.stdin.fileno(), 1):
        pass
    os._exit(1)


def _present(token: str) -> None:
    """Let every channel of Beam's worker present the token, and take no way through a proxy."""
    from apache_beam.runners.worker.channel_factory import GRPCChannelFactory

    plain = GRPCChannelFactory.insecure_channel

    def insecure_channel(target: str, options: Any = None) -> Any:
        return channel_with_token(plain(target, [*(options or ()), ("grpc.enable_http_proxy", 0)]), token)

    GRPCChannelFactory.insecure_channel = staticmethod(insecure_channel)


if __name__ == "__main__":
    main(sys.argv[1:])
