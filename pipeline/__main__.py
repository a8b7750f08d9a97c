"""The command line of the job, ``python -m pipeline``, and of what belongs to it."""

import gc
import importlib
import sys
from typing import Final

from telemetry.cli.commands import exit_code

COMMANDS: Final = ("reconcile", "tables")
"""Words that make it another command; without one of them it is the job."""


def main(args: list[str], *, alone: bool = False) -> int:
    """Run the job or a command; a mistake is one line on standard error.

    Args:
        args: the command line.
        alone: whether nothing else runs in this process, so that it may be set up for this job: Beam be loaded
            without its extras, freed memory be kept.
    """
    if args and args[0] in COMMANDS:
        command = importlib.import_module(f"pipeline.commands.{args[0]}")
        return exit_code(f"pipeline {args[0]}", lambda: int(command.run(args[1:])))
    return exit_code("pipeline", lambda: _run(args, alone))


def _run(args: list[str], alone: bool) -> int:
    from pipeline.arguments import build_parser, spell_out

    known, beam_args = build_parser().parse_known_args(spell_out(args))
    from pipeline.config import make_config  # only now: --help needs no more
    from pipeline.startup.block_imports import block_imports, unused

    config = make_config(known, beam_args)
    if alone:
        from pipeline.startup.malloc import keep_freed_memory

        keep_freed_memory()
    with block_imports(unused(config) if alone else ()):
        from pipeline.run import run_config  # only now: a mistake is answered before Beam is loaded

        gc.freeze()  # what is loaded stays: it need not be looked through again and again
        return run_config(config)


if __name__ == "__main__":
    code = main(sys.argv[1:], alone=True)
    gc.freeze()  # the process ends: looking for what could be freed before that takes longer than a small job's rows
    sys.exit(code)
