"""The commands: ``python -m publisher replay | explore | simulate | broker``."""

import sys

from publisher.cli import run
from transforms.errors import ConfigError, TelemetryError


def main(args: list[str]) -> int:
    """Run one command; a mistake is one line on standard error."""
    try:
        return run(args)
    except ConfigError as error:
        print(f"publisher: error: {error}", file=sys.stderr)
        return 2
    except TelemetryError as error:
        print(f"publisher: error: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
