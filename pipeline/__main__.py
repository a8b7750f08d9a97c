"""Run the job as ``python -m pipeline``, or a command that belongs to it."""

import gc
import sys
from collections.abc import Sequence
from typing import Final

from pipeline.commands import run
from telemetry.cli.groups import Group, run_group
from telemetry.cli.main import SUBCOMMANDS

PROGRAM: Final = "python -m pipeline"
PIPELINE: Final = Group(
    PROGRAM, "Commands beside the job.", {name: SUBCOMMANDS[name] for name in ("reconcile", "tables", "rules")}
)


def main(args: Sequence[str], *, alone: bool = False) -> int:
    """Run the job, or the command that the first argument names, and return the exit code.

    Args:
        args: the command line.
        alone: whether the process exists for this command only, and may be configured for it.
    """
    if args and args[0] in PIPELINE.commands:
        return run_group(PIPELINE, args)
    return run.main(args, program=PROGRAM, alone=alone)


if __name__ == "__main__":
    code = main(sys.argv[1:], alone=True)
    gc.freeze()  # the process ends: a last search for unreachable objects takes longer than a small job's rows
    sys.exit(code)
