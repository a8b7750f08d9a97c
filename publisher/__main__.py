"""The commands: ``python -m publisher replay | reprocess | explore | simulate | broker``."""

import sys

from publisher.cli import run
from telemetry.cli.commands import exit_code


def main(args: list[str]) -> int:
    """Run one command; a mistake is one line on standard error."""
    return exit_code("publisher", lambda: run(args))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
