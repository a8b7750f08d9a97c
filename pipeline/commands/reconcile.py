"""Check that every published row is accounted for in the results of a job: ``telemetry reconcile``."""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pipeline.arguments import add_bigquery
from telemetry.bigquery.flags import read_target
from telemetry.errors import ConfigError
from telemetry.model import ledger_items
from telemetry.model.dead_letters import Reason
from telemetry.model.kinds import OutputKind
from telemetry.storage.files import StorageError
from transforms.ledger.totals import FolderTotals, Store, StoredTotals, counted_kinds

EXAMPLES: Final = """
%(prog)s --output results
%(prog)s --output results --published published.json
%(prog)s --bigquery my-project:telemetry --published published.json
"""
_NO_RUN: Final = "(no run id)"
_COLUMNS: Final = ("run", "published", "decoded", "rejected", "duplicates", "too late", "aggregated")


@dataclass(frozen=True, slots=True)
class Claim:
    """Two numbers that must be equal.

    Attributes:
        what: what is counted.
        expected: how many there must be.
        found: how many there are.
    """

    what: str
    expected: int
    found: int

    @property
    def difference(self) -> str:
        """Describe the difference; "" if there is none."""
        off = self.found - self.expected
        if not off:
            return ""
        return f"{self.what}: {self.found:,} of {self.expected:,}, {abs(off):,} {'missing' if off < 0 else 'too many'}"


@dataclass(frozen=True, slots=True)
class Run:
    """Rows of one replay, or of all.

    Attributes:
        name: its id.
        published: by the publisher's summary; None without one.
        decoded: became readings.
        rejected: became dead letters when they were decoded.
        duplicates: were in messages that had come before, and were removed.
        too_late: of the decoded, those that missed a window.
    """

    name: str
    published: int | None
    decoded: int
    rejected: int
    duplicates: int
    too_late: int

    @property
    def aggregated(self) -> int:
        """Of the decoded, those that are in all of their windows."""
        return self.decoded - self.too_late

    def claims(self) -> list[Claim]:
        """Return what must hold."""
        if self.published is None:
            return []
        accounted = self.decoded + self.rejected + self.duplicates
        return [Claim(f"rows of {self.name}, decoded or rejected or duplicates, of those published",
                      self.published, accounted)]  # fmt: skip


def runs_of(totals: StoredTotals, published: Mapping[str, int]) -> list[Run]:
    """Return a line for each run that the ledger or a publisher's summary knows."""
    items: dict[str, dict[str, int]] = {run: {} for run in published}
    for (run, item, detail), number in totals.ledger.items():
        key = item if item != ledger_items.DEAD_LETTERS else f"{item}/{detail}"
        counts = items.setdefault(run, {})
        counts[key] = counts.get(key, 0) + number
    rows = (
        ledger_items.ROWS_DECODED,
        ledger_items.ROWS_REJECTED,
        ledger_items.ROWS_DUPLICATE,
        f"{ledger_items.DEAD_LETTERS}/{Reason.TOO_LATE}",
    )
    lines = [
        Run(run or _NO_RUN, published.get(run), *(counts.get(key, 0) for key in rows))
        for run, counts in sorted(items.items())
    ]
    return [line for line in lines if line.published is not None or line.decoded or line.rejected or line.duplicates]


def total_of(runs: Sequence[Run], published: Mapping[str, int]) -> Run:
    """Return the sum of all runs."""
    sums = (sum(getattr(run, name) for run in runs) for name in ("decoded", "rejected", "duplicates", "too_late"))
    return Run("total", sum(published.values()) if published else None, *sums)


def claims_of(totals: StoredTotals) -> list[Claim]:
    """Return the equalities that must hold between the ledger and the results."""
    values, missed = _ledger_counts(totals, ledger_items.VALUES), _ledger_counts(totals, ledger_items.VALUES_MISSED)
    claims = [
        Claim(f"readings in final windows, {metric}", values.get(metric, 0) - missed.get(metric, 0),
              totals.values.get(metric, 0))
        for metric in sorted(values.keys() | totals.values.keys())
    ]  # fmt: skip
    for kind in counted_kinds():
        claims += _claims_of_kind(totals, kind)
    return claims


def _claims_of_kind(totals: StoredTotals, kind: OutputKind) -> list[Claim]:
    """Return a claim for each detail; one for all where a table may have refused records, which has no detail."""
    expected, found = _ledger_counts(totals, kind.ledger_item), totals.records.get(kind.name, {})
    if not kind.rejectable:
        return [
            Claim(f"{kind.label}, {detail}", expected.get(detail, 0), found.get(detail, 0))
            for detail in sorted(expected.keys() | found.keys())
        ]
    whole = Claim(kind.label, sum(expected.values()) - totals.refused.get(kind.name, 0), sum(found.values()))
    return [] if kind.optional and not sum(expected.values()) and not whole.found else [whole]


def _ledger_counts(totals: StoredTotals, item: str) -> dict[str, int]:
    """Return the ledger's counts of an item by detail."""
    counts: dict[str, int] = {}
    for (_, name, detail), number in totals.ledger.items():
        if name == item:
            counts[detail] = counts.get(detail, 0) + number
    return counts


def report(totals: StoredTotals, published: Mapping[str, int]) -> tuple[str, list[str]]:
    """Return the ledger check of one store as a table, and the problems found."""
    runs = runs_of(totals, published)
    total = total_of(runs, published)
    lines = [_cells(run) for run in (*runs, total)]
    widths = [max(map(len, column)) for column in zip(_COLUMNS, *lines, strict=True)]
    table = [_row(cells, widths) for cells in (_COLUMNS, *lines)]
    claims = claims_of(totals)
    width = max(len(claim.what) for claim in claims)
    stored = [f"{claim.what:<{width}}  {claim.expected:>13,}  {claim.found:>12,}" for claim in claims]
    heading = f"{'':<{width}}  {'in the ledger':>13}  {'stored':>12}"
    problems = [claim.difference for run in (*runs, total) for claim in run.claims() if claim.difference]
    problems += [claim.difference for claim in claims if claim.difference]
    if not totals.ledger:
        problems.insert(0, "there is no ledger")
    if refused := totals.refused.get("aggregates", 0):
        problems.append(f"{refused:,} aggregates were refused by BigQuery, they are among the dead letters")
    return "\n".join([totals.where, "", *table, "", heading, *stored]), problems


def _cells(run: Run) -> tuple[str, ...]:
    published = "–" if run.published is None else f"{run.published:,}"
    numbers = (run.decoded, run.rejected, run.duplicates, run.too_late, run.aggregated)
    return (run.name, published, *(f"{number:,}" for number in numbers))


def _row(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = (
        f"{cell:<{width}}" if number == 0 else f"{cell:>{width}}"
        for number, (cell, width) in enumerate(zip(cells, widths, strict=True))
    )
    return "  ".join((first, *others)).rstrip()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags of the command."""
    parser.add_argument("--output", default="", metavar="PATH", help="the job's --output, on any Beam filesystem")
    add_bigquery(parser)
    parser.add_argument("--published", action="append", default=[], metavar="FILE", help="the summary that a "
                        "publisher printed, as JSON; one for each run")  # fmt: skip


def run(options: argparse.Namespace) -> int:
    """Print the comparison and return the exit code, 1 if a row is missing or counted too often.

    Raises:
        ConfigError: if something given cannot be read.
    """
    published = read_published(options.published)
    passed = True
    for store in _stores(options):
        try:
            text, problems = report(store.totals(), published)
        except StorageError as error:
            raise ConfigError("--output", error.path, error.problem) from error
        sys.stdout.write(text + "\n\n")
        for problem in problems:
            sys.stdout.write(f"ledger check failed: {problem}\n")
        if not problems:
            sys.stdout.write("ledger check passed: every row is accounted for\n")
        passed = passed and not problems
    return 0 if passed else 1


def _stores(options: argparse.Namespace) -> list[Store]:
    stores: list[Store] = []
    if options.output:
        stores.append(FolderTotals(options.output))
    target = read_target(options.bigquery, options.bigquery_endpoint)
    if target is not None:
        from transforms.ledger.bigquery_totals import DatasetTotals  # Google's client is loaded where it is used

        stores.append(DatasetTotals(target))
    if not stores:
        raise ConfigError("--output", "", "nothing to check, give --output or --bigquery")
    return stores


def read_published(paths: Sequence[str]) -> dict[str, int]:
    """Return the rows published by run, of summaries that publishers printed.

    Raises:
        ConfigError: for one that cannot be read or is none.
    """
    published: dict[str, int] = {}
    for path in paths:
        try:
            summary: Any = json.loads(Path(path).read_text(encoding="utf-8"))
            run_id, rows = summary["run_id"], summary["rows_published"]
        except OSError as error:
            raise ConfigError("--published", path, error.strerror or str(error)) from error
        except (ValueError, KeyError, TypeError) as error:
            raise ConfigError("--published", path, "is not the summary of a publisher") from error
        if not isinstance(run_id, str) or not isinstance(rows, int):
            raise ConfigError("--published", path, "is not the summary of a publisher")
        published[run_id] = published.get(run_id, 0) + rows
    return published
