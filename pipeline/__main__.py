"""The command line of the job: ``python -m pipeline``."""

import sys

from pipeline.config import build_parser, make_config
from transforms.errors import ConfigError, TelemetryError


def main(args: list[str]) -> int:
    """Check the flags first, so that a mistake is answered before Beam is even loaded."""
    try:
        known, beam_args = build_parser().parse_known_args(args)
        config = make_config(known, beam_args)
        from pipeline.run import run_config

        return run_config(config)
    except ConfigError as error:
        print(f"pipeline: error: {error}", file=sys.stderr)
        return 2
    except TelemetryError as error:
        print(f"pipeline: error: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
