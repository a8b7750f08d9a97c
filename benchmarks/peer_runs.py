"""Measure the peers: each script of `benchmarks.peers` as a separate process on the same file."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from benchmarks.cases import BenchmarkCase, Sample
from benchmarks.data import Data, Rows
from benchmarks.measured_process import ROOT, run_measured
from benchmarks.output_folders import output_folder
from benchmarks.processes import on_lines
from benchmarks.read_outputs import read_peer

OURS: Final = "pipeline on files, JSON lines"
PYTHON: Final = ROOT / ".venv" / "peers" / "bin" / "python"
"""Interpreter of the peers, created by ``make peers``; ``PEERS_PYTHON`` overrides it."""


@dataclass(frozen=True, slots=True)
class Peer:
    """A peer, another tool with the same task.

    Attributes:
        name: name in the tables.
        script: module of `benchmarks.peers`.
        package: package that it needs.
        windows: whether it also computes aggregates.
        remark: differences from the job.
        beam: whether it runs with the current interpreter on a subset of the rows.
    """

    name: str
    script: str
    package: str
    windows: bool
    remark: str
    beam: bool = False


PEERS: Final = (
    Peer(
        "Bytewax",
        "bytewax_flow",
        "bytewax",
        True,
        "event-time windows, 10 s wait, one worker; each batch synced to disk",
    ),
    Peer("Pathway", "pathway_flow", "pathway", True, "static mode, incremental tables, one worker"),
    Peer("pandas, iterrows", "pandas_loop", "pandas", False, "threshold alone, whole file in memory"),
    Peer("pandas, vectorised", "pandas_vectorised", "pandas", True, "whole file in memory, no streams"),
    Peer("polars, lazy", "polars_lazy", "polars", True, "all threads, no streams of messages"),
    Peer("Beam, row-wise", "beam_rows", "apache-beam", True, "the first {rows:,} rows; FnApiRunner", beam=True),
    Peer(
        "Beam ml.anomaly",
        "beam_ml_anomaly",
        "apache-beam",
        False,
        "the first {rows:,} rows; threshold alone",
        beam=True,
    ),
)


def cases(data: Data) -> list[BenchmarkCase]:
    """Return the job and each peer, including peers that are not installed."""
    python = interpreter()
    ours = on_lines(data.whole, OURS, "5 metrics × 8 statistics, ids, dead letters, files by hour")
    subset = on_lines(
        data.subset, f"{OURS}, the part", f"the first {data.subset.totals.rows:,} rows, as the Beam cases below"
    )
    peers = [_make_case(peer, data, python) for peer in PEERS]
    separate = sum(not peer.beam for peer in PEERS)  # peers on all rows are listed first
    return [ours, *peers[:separate], subset, *peers[separate:]]


def interpreter() -> Path:
    """Return the path of the interpreter with the packages of the peers, which may not exist."""
    return Path(os.environ.get("PEERS_PYTHON", PYTHON))


def installed(package: str, python: Path) -> bool:
    """Return whether an interpreter has a package, without importing it."""
    if not python.is_file():
        return False
    return any(python.parent.parent.glob(f"lib/python3*/site-packages/{package.replace('-', '_')}-*.dist-info"))


def versions(python: Path) -> dict[str, str]:
    """Return the installed versions of the packages of the peers by name."""
    found = {}
    for package in dict.fromkeys(peer.package for peer in PEERS if not peer.beam):
        for path in python.parent.parent.glob(f"lib/python3*/site-packages/{package}-*.dist-info"):
            found[package] = path.name.removesuffix(".dist-info").partition("-")[2]
    return found


def _make_case(peer: Peer, data: Data, python: Path) -> BenchmarkCase:
    rows = data.subset if peer.beam else data.whole
    runs = peer.beam or installed(peer.package, python)
    chosen = Path(sys.executable) if peer.beam else python
    remark = peer.remark.format(rows=rows.totals.rows)
    missing = "" if runs else "not installed here"
    return BenchmarkCase(peer.name, rows.totals.rows, partial(run_peer, peer, rows, chosen), remark, missing=missing)


def run_peer(peer: Peer, rows: Rows, python: Path, env: Mapping[str, str] | None = None) -> Sample:
    """Run a peer and check its output.

    Raises:
        BenchmarkError: if it fails or its output is wrong.
    """
    with output_folder() as folder:
        command = [str(python), "-m", f"benchmarks.peers.{peer.script}", str(rows.lines), str(folder)]
        process = run_measured(command, env)
        found = read_peer(folder, rows.totals.rows, windows=peer.windows)
        rows.expected.check(peer.name, found, windows=peer.windows)
    return Sample(process.seconds, float(process.last_line()["seconds"]), process.peak_mb)
