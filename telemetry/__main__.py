"""Run the command `telemetry` as ``python -m telemetry``."""

import sys

from telemetry.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
