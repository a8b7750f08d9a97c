"""Run a command of the publisher: ``python -m publisher replay | bridge | reprocess | explore | simulate | broker``."""

import sys
from collections.abc import Sequence

from publisher.cli import PUBLISHER
from telemetry.cli.groups import run_group


def main(args: Sequence[str]) -> int:
    """Run the command that the first argument names, and return the exit code."""
    return run_group(PUBLISHER, args)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
