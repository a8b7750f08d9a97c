"""Check that every published row is accounted for in the results of a job: ``telemetry reconcile``."""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from pipeline.arguments import add_bigquery
from telemetry.bigquery.flags import read_target
from telemetry.errors import ConfigError
from telemetry.storage.files import StorageError
from transforms.ledger.check import LedgerCheck, RunCounts, check_ledger
from transforms.ledger.folder_totals import FolderTotals
from transforms.ledger.totals import Store

EXAMPLES: Final = """
%(prog)s --output results
%(prog)s --output results --published published.json
%(prog)s --output results --json
%(prog)s --bigquery my-project:telemetry --published published.json
"""
_COLUMNS: Final = ("run", "published", "decoded", "rejected", "duplicates", "too late", "aggregated")


def to_text(check: LedgerCheck) -> str:
    """Return the ledger check of one store as tables and lines for a person."""
    lines = [_cells(run) for run in (*check.runs, check.total)]
    widths = [max(map(len, column)) for column in zip(_COLUMNS, *lines, strict=True)]
    runs = [_row(cells, widths) for cells in (_COLUMNS, *lines)]
    width = max((len(claim.what) for claim in check.claims), default=0)
    claims = [f"{claim.what:<{width}}  {claim.expected:>13,}  {claim.found:>12,}" for claim in check.claims]
    heading = f"{'':<{width}}  {'in the ledger':>13}  {'stored':>12}"
    verdicts = [f"note: {note}" for note in check.notes]
    verdicts += [f"ledger check failed: {problem}" for problem in check.problems]
    if not check.problems:
        verdicts.append("ledger check passed: every row is accounted for")
    return "\n".join([check.where, "", *runs, "", heading, *claims, "", *verdicts])


def to_json(checks: Sequence[LedgerCheck]) -> str:
    """Return the ledger checks of all stores as one JSON document."""
    stores = [{**asdict(check), "passed": not check.problems} for check in checks]
    return json.dumps({"passed": not any(check.problems for check in checks), "stores": stores}, indent=2)


def _cells(run: RunCounts) -> tuple[str, ...]:
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
    parser.add_argument("--json", action="store_true", help="print one JSON document instead of tables")


def run(options: argparse.Namespace) -> int:
    """Print the comparison and return the exit code: 0 if the check passed, 1 if it failed.

    It fails if a row is missing or counted too often, or if its content is not that of the ledger. Exit code 2 is that
    of a ConfigError.

    Raises:
        ConfigError: if something given cannot be read.
    """
    published = read_published(options.published)
    checks = []
    for store in _stores(options):
        try:
            checks.append(check_ledger(store.totals(), published))
        except StorageError as error:
            raise ConfigError("--output", error.path, error.problem) from error
        if not options.json:
            sys.stdout.write(to_text(checks[-1]) + "\n")
    if options.json:
        sys.stdout.write(to_json(checks) + "\n")
    return 1 if any(check.problems for check in checks) else 0


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
