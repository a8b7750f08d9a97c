"""The command line of the job: ``python -m pipeline``."""

import sys

from pipeline.config import build_parser, make_config
from transforms.commands import exit_code


def main(args: list[str]) -> int:
    """Run the job; a mistake is one line on standard error."""
    return exit_code("pipeline", lambda: _run(args))


def _run(args: list[str]) -> int:
    known, beam_args = build_parser().parse_known_args(args)
    config = make_config(known, beam_args)
    from pipeline.run import run_config  # only now: a mistake is answered before Beam is loaded

    return run_config(config)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
