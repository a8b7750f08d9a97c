"""Input in several files, and all that a job makes of it, for jobs that must come to the same whoever does the work."""

from pathlib import Path
from typing import Any

import pandas as pd

from tests.support.jobs import ndjson, records


def write_parts(folder: Path, frame: pd.DataFrame, parts: int) -> str:
    """Write rows by turns into files, and a bad line into each; returns a glob of the files."""
    for part in range(parts):
        (folder / f"{part}.jsonl").write_bytes(ndjson(records(frame.iloc[part::parts])) + b"\nno JSON\n")
    return str(folder / "*.jsonl")


def counts(summary: dict[str, Any]) -> dict[str, Any]:
    return {name: number for name, number in summary.items() if name != "seconds"}


def content(out: Path) -> dict[str, bytes]:
    """Results by path; the note that a job has begun says when it did, and is no result."""
    found = {str(path.relative_to(out)): path.read_bytes() for path in out.rglob("*") if path.is_file()}
    return {name: content for name, content in found.items() if not name.startswith(".jobs")}
