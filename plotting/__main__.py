"""The commands: ``python -m plotting render | report | serve``."""

import sys

from plotting.cli import build_parser
from telemetry.cli.commands import exit_code


def main(args: list[str]) -> int:
    """Run one command; a mistake is one line on standard error."""
    return exit_code("plotting", lambda: _run(args))


def _run(args: list[str]) -> int:
    options = build_parser().parse_args(args)
    print(options.execute(options))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
