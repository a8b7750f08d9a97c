"""Compare the rows that were published with the stored results."""

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from demo.steps import IDLE_S
from telemetry.cli.exit_codes import nothing_usable
from telemetry.errors import NothingUsableError
from telemetry.storage.result_store import FileStore
from transforms.ledger import check
from transforms.ledger.folder_totals import FolderTotals

Summary = Mapping[str, Any]


def results_table(published: Summary, job: Summary, results: Path, picture: Path, page: Path, elapsed_s: float) -> str:
    """Return the short table at the end of the demonstration."""
    busy_s = max(0.001, job["seconds"] - IDLE_S)
    lines: list[tuple[str, str]] = [
        ("rows read", f"{published['rows_read']:,}"),
        ("rows published", f"{published['rows_published']:,} in {published['messages']:,} messages"),
        ("rows decoded", f"{job['rows_decoded']:,}"),
        ("dead letters", f"{sum(job['dead_letters'].values()):,}"),
        *((f"  {reason}", f"{number:,}") for reason, number in job["dead_letters"].items()),
        ("anomalies", f"{sum(job['anomalies'].values()):,}"),
        *((f"  {rule}", f"{number:,}") for rule, number in job["anomalies"].items()),
        ("incidents", f"{sum(job['incidents'].values()):,}"),
        *((f"  {rule}", f"{number:,}") for rule, number in job["incidents"].items()),
        ("windows", f"{count_windows(results):,} ({job['aggregates']:,} aggregates)"),
        ("files written", f"{job['files_written']:,} under {results}"),
        ("elapsed", f"{elapsed_s:.1f} s"),
        ("rows/s", f"{job['rows_decoded'] / busy_s:,.0f} while the pipeline was busy ({busy_s:.1f} s)"),
        ("chart", str(picture)),
        ("report", str(page)),
    ]
    width = max(len(name) for name, _ in lines)
    return "\n" + "\n".join(f"{name:<{width}}  {value}" for name, value in lines)


def count_windows(results: Path) -> int:
    """Return how many windows have at least one aggregate."""
    return len(set(_column(results, "aggregates", "window_start")))


def check_usable(job: Summary, results: Path) -> None:
    """Check that the job could use any row.

    Raises:
        NothingUsableError: naming the commonest reason of its dead letters, with an example.
    """
    if job["rows_decoded"]:
        return
    letters = FileStore(str(results)).read("dead_letters", ["reason", "payload"]).to_pylist()
    reason, count = max(job["dead_letters"].items(), key=lambda item: item[1], default=("", 0))
    example = next((row["payload"] for row in letters if row["reason"] == reason), "")
    raise NothingUsableError(nothing_usable(reason, count, base64.b64decode(example).decode("utf-8", "replace")))


def check_ledger(published: Summary, results: Path) -> list[str]:
    """Return the differences between the file, the published rows, the ledger and the results."""
    rows = {published["run_id"]: published["rows_published"]}
    problems = check.check_ledger(FolderTotals(str(results)).totals(), rows).problems
    if published["rows_published"] != published["rows_read"]:
        problems.append(f"{published['rows_published']:,} of {published['rows_read']:,} rows published")
    return problems


def _column(results: Path, kind: str, name: str) -> list[Any]:
    values: list[Any] = FileStore(str(results)).read(kind, [name]).column(name).to_pylist()
    return values
