"""Define the common parameters of the peers and their report. Imports only the standard library."""

import json
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Final

METRICS: Final = ("co", "humidity", "lpg", "smoke", "temp")
THRESHOLD: Final = 30.0
"""A temperature above it, in °C, is an anomaly."""
WINDOW_S: Final = 60
"""Length of a window, seconds."""
ANOMALIES: Final = "anomalies.jsonl"
AGGREGATES: Final = "aggregates.jsonl"


def run(work: Callable[[str, Path], None], *packages: str) -> None:
    """Run `work` with the input and output of the command line, and print one line of JSON.

    The line contains the time from the first read to the last write in seconds, without imports, and the versions of
    `packages`.
    """
    path, folder = sys.argv[1], Path(sys.argv[2])
    began = time.perf_counter()
    work(path, folder)
    seconds = time.perf_counter() - began
    sys.stdout.write(
        "\n" + json.dumps({"seconds": seconds, "versions": {name: version(name) for name in packages}}) + "\n"
    )
    sys.stdout.flush()
