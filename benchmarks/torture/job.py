"""Run the job with snapshots taken more often than a small stream would need: ``python -m benchmarks.torture.job``.

The first argument is the seconds of processing between two snapshots, the others are those of ``python -m pipeline``.
"""

import sys
from collections.abc import Sequence

from pipeline.__main__ import main as run_pipeline
from pipeline.local.state import keeper


def main(args: Sequence[str]) -> int:
    """Run the job and return its exit code."""
    interval_s, *rest = args
    keeper._BUSY_S, keeper._SHARE = float(interval_s), 0.0  # type: ignore[misc]
    return run_pipeline(rest, alone=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
