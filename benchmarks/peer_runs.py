"""The peers beside the job: each script of `benchmarks.peers`, a process of its own on the same file."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from benchmarks.child import ROOT, run_child
from benchmarks.contender import Contender, Sample
from benchmarks.data import Data, Rows
from benchmarks.folders import output_folder
from benchmarks.outputs import read_peer
from benchmarks.processes import on_lines

OURS: Final = "pipeline on files, JSON lines"
PYTHON: Final = ROOT / ".venv" / "peers" / "bin" / "python"
"""Interpreter of the peers, made by ``make peers``; ``PEERS_PYTHON`` names another."""


@dataclass(frozen=True, slots=True)
class Peer:
    """One peer.

    Attributes:
        name: as the table shows it.
        script: module of `benchmarks.peers`.
        package: what must be installed for it.
        windows: whether it aggregates, too.
        remark: what is different about it.
        beam: whether it runs with our interpreter, on a part of the rows.
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


def contenders(data: Data) -> list[Contender]:
    """Return ours and each peer, also those that are not installed here."""
    python = interpreter()
    ours = on_lines(data.whole, OURS, "5 metrics × 8 statistics, ids, dead letters, files by hour")
    part = on_lines(data.part, f"{OURS}, the part", f"the first {data.part.answer.rows:,} rows, as the Beam ones below")
    peers = [_contender(peer, data, python) for peer in PEERS]
    here = sum(not peer.beam for peer in PEERS)
    return [ours, *peers[:here], part, *peers[here:]]


def interpreter() -> Path:
    """Return the interpreter that has the peers' packages, whether it exists or not."""
    return Path(os.environ.get("PEERS_PYTHON", PYTHON))


def installed(package: str, python: Path) -> bool:
    """Return whether an interpreter has a package, without loading it."""
    if not python.is_file():
        return False
    return any(python.parent.parent.glob(f"lib/python3*/site-packages/{package.replace('-', '_')}-*.dist-info"))


def versions(python: Path) -> dict[str, str]:
    """Return the versions of the peers' packages that an interpreter has, by name."""
    found = {}
    for package in dict.fromkeys(peer.package for peer in PEERS if not peer.beam):
        for path in python.parent.parent.glob(f"lib/python3*/site-packages/{package}-*.dist-info"):
            found[package] = path.name.removesuffix(".dist-info").partition("-")[2]
    return found


def _contender(peer: Peer, data: Data, python: Path) -> Contender:
    rows = data.part if peer.beam else data.whole
    runs = peer.beam or installed(peer.package, python)
    chosen = Path(sys.executable) if peer.beam else python
    remark = peer.remark.format(rows=rows.answer.rows)
    missing = "" if runs else "not installed here"
    return Contender(peer.name, rows.answer.rows, partial(run_peer, peer, rows, chosen), remark, missing=missing)


def run_peer(peer: Peer, rows: Rows, python: Path, env: Mapping[str, str] | None = None) -> Sample:
    """Run a peer and check what it wrote.

    Raises:
        BenchmarkError: if it fails, or finds something else than the truth.
    """
    with output_folder() as folder:
        command = [str(python), "-m", f"benchmarks.peers.{peer.script}", str(rows.lines), str(folder)]
        child = run_child(command, env)
        found = read_peer(folder, rows.answer.rows, windows=peer.windows)
        rows.truth.check(peer.name, found, windows=peer.windows)
    return Sample(child.seconds, float(child.last_line()["seconds"]), child.peak_mb)
