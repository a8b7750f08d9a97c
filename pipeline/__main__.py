"""The command line of the job, ``python -m pipeline``, and of what belongs to it."""

import importlib
import sys
from typing import Final

from transforms.commands import exit_code

COMMANDS: Final = ("reconcile", "tables")
"""Words that make it another command; without one of them it is the job."""


def main(args: list[str]) -> int:
    """Run the job or a command; a mistake is one line on standard error."""
    if args and args[0] in COMMANDS:
        command = importlib.import_module(f"pipeline.{args[0]}")
        return exit_code(f"pipeline {args[0]}", lambda: int(command.run(args[1:])))
    return exit_code("pipeline", lambda: _run(args))


def _run(args: list[str]) -> int:
    from pipeline.arguments import build_parser, spell_out
    from pipeline.config import make_config

    known, beam_args = build_parser().parse_known_args(spell_out(args))
    config = make_config(known, beam_args)
    from pipeline.run import run_config  # only now: a mistake is answered before Beam is loaded

    return run_config(config)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
