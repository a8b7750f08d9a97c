"""What went in and what came out, side by side."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from demo.steps import IDLE_S
from transforms.stored import FileStore

Summary = Mapping[str, Any]


def results_table(published: Summary, job: Summary, results: Path, picture: Path, elapsed_s: float) -> str:
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
        ("windows", f"{count_windows(results):,} ({job['aggregates']:,} aggregates)"),
        ("files written", f"{job['files_written']:,} under {results}"),
        ("elapsed", f"{elapsed_s:.1f} s"),
        ("rows/s", f"{job['rows_decoded'] / busy_s:,.0f} while the pipeline was busy ({busy_s:.1f} s)"),
        ("chart", str(picture)),
    ]
    width = max(len(name) for name, _ in lines)
    return "\n" + "\n".join(f"{name:<{width}}  {value}" for name, value in lines)


def count_windows(results: Path) -> int:
    """Return how many windows have at least one aggregate."""
    return len(set(_column(results, "aggregates", "window_start")))


def check_books(published: Summary, job: Summary, results: Path) -> list[str]:
    """Return what does not add up, by the summaries and by the files read back."""
    dead = sum(job["dead_letters"].values())
    too_late = job["dead_letters"].get("too_late", 0)
    anomalies = Counter(_column(results, "anomalies", "rule_id"))
    letters = Counter(_column(results, "dead_letters", "reason"))
    claims = [
        ("rows published", published["rows_published"], "rows read", published["rows_read"]),
        ("rows decoded + dead letters of lines", job["rows_decoded"] + dead - too_late,
         "rows published", published["rows_published"]),
        ("rows aggregated + too late", job["rows_aggregated"] + too_late, "rows decoded", job["rows_decoded"]),
        ("anomalies in files", dict(sorted(anomalies.items())), "anomalies counted", job["anomalies"]),
        ("dead letters in files", dict(sorted(letters.items())), "dead letters counted", job["dead_letters"]),
        ("aggregates in files", len(_column(results, "aggregates", "device")), "aggregates counted", job["aggregates"]),
    ]  # fmt: skip
    return [f"{name} {found}, {other} {expected}" for name, found, other, expected in claims if found != expected]


def _column(results: Path, kind: str, name: str) -> list[Any]:
    values: list[Any] = FileStore(str(results)).read(kind, [name]).column(name).to_pylist()
    return values
