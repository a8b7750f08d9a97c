"""Measure the job and the streaming peers with many rows, ten million by default."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

from benchmarks import cores, peer_runs
from benchmarks.cases import BenchmarkCase
from benchmarks.data import prepare_simulated
from benchmarks.machine import memory_sizes

_DEVICES: Final = 3
_INTERVAL_US: Final = 5_000_000
_BYTES_PER_ROW: Final = {"Bytewax": 0, "Pathway": 3_000}
"""Memory that peers need per row: Pathway used 12 GB for 4 million rows."""


@contextmanager
def cases(rows: int) -> Iterator[list[BenchmarkCase]]:
    """Yield the job and the peers on simulated rows; a peer is missing if memory and swap are too small for it."""
    memory = sum(memory_sizes().values())
    with tempfile.TemporaryDirectory(prefix="large-") as folder:
        data = prepare_simulated(Path(folder), rows, _DEVICES, _INTERVAL_US)
        peers = {case.name: case for case in peer_runs.cases(data)}
        found = cores.cases(data)
        for name, needs in _BYTES_PER_ROW.items():
            missing = peers[name].missing
            if not missing and memory and needs * rows > memory:
                missing = (
                    f"needs about {needs * rows / 1e9:.0f} GB of memory, but memory and swap are {memory / 1e9:.0f} GB"
                )
            found.append(replace(peers[name], missing=missing))
        yield found
