"""Show stored results: ``python -m plotting render | report | serve``."""

import sys
from collections.abc import Sequence

from plotting.cli import PLOTTING
from telemetry.cli.groups import run_group


def main(args: Sequence[str]) -> int:
    """Run the command that the first argument names, and return the exit code."""
    return run_group(PLOTTING, args)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
