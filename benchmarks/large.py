"""Many rows, ten million by default: the job on all processors and on one, beside the peers that stream, too."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

from benchmarks import cores, peer_runs
from benchmarks.contender import Contender
from benchmarks.data import simulated
from benchmarks.machine import memory_sizes

_DEVICES: Final = 3
_INTERVAL_US: Final = 5_000_000
_NEEDS: Final = {"Bytewax": 0, "Pathway": 3_000}
"""Peers, and how many bytes of memory they need for each row: Pathway had 12 GB after 4 million rows."""


@contextmanager
def contenders(rows: int) -> Iterator[list[Contender]]:
    """Give the job and the peers on simulated rows; one for which memory and swap are too little is missing."""
    memory = sum(memory_sizes().values())
    with tempfile.TemporaryDirectory(prefix="large-") as place:
        data = simulated(Path(place), rows, _DEVICES, _INTERVAL_US)
        peers = {one.name: one for one in peer_runs.contenders(data)}
        found = cores.contenders(data)
        for name, needs in _NEEDS.items():
            missing = peers[name].missing
            if not missing and memory and needs * rows > memory:
                missing = f"needs about {needs * rows / 1e9:.0f} GB of memory, there are {memory / 1e9:.0f} with swap"
            found.append(replace(peers[name], missing=missing))
        yield found
