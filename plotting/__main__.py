"""The command: ``python -m plotting render``."""

import sys

from plotting.cli import build_parser, run
from transforms.errors import TelemetryError


def main(args: list[str]) -> int:
    """Run one command; a mistake is one line on standard error and exit code 2."""
    try:
        print(run(build_parser().parse_args(args)))
    except TelemetryError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
