"""Compare the ledger with the stored results and with the publishers' summaries."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from telemetry.model import ledger_items
from telemetry.model.dead_letters import Reason
from telemetry.model.output_kind import OutputKind
from transforms.ledger.compare_sums import hour_differences
from transforms.ledger.totals import StoredTotals, counted_kinds

_NO_RUN: Final = "(no run id)"


@dataclass(frozen=True, slots=True)
class Claim:
    """Two numbers that must be equal.

    Attributes:
        what: name of the counted rows or records.
        expected: number by the ledger.
        found: number in the results.
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
class RunCounts:
    """Rows of one replay, or of all.

    Attributes:
        name: its id.
        published: rows by the publisher's summary; None without one.
        decoded: rows that became readings.
        rejected: rows that became dead letters when they were decoded.
        duplicates: rows of messages that were removed as duplicates.
        too_late: decoded rows that missed a window.
    """

    name: str
    published: int | None
    decoded: int
    rejected: int
    duplicates: int
    too_late: int

    @property
    def aggregated(self) -> int:
        """Decoded rows that are in all of their windows."""
        return self.decoded - self.too_late

    def claims(self) -> list[Claim]:
        """Return the equalities that must hold."""
        if self.published is None:
            return []
        accounted = self.decoded + self.rejected + self.duplicates
        return [Claim(f"rows of {self.name}, decoded or rejected or duplicates, of those published",
                      self.published, accounted)]  # fmt: skip


def runs_of(totals: StoredTotals, published: Mapping[str, int]) -> list[RunCounts]:
    """Return each run in the ledger or in a publisher's summary, with its counts."""
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
        RunCounts(run or _NO_RUN, published.get(run), *(counts.get(key, 0) for key in rows))
        for run, counts in sorted(items.items())
    ]
    return [line for line in lines if line.published is not None or line.decoded or line.rejected or line.duplicates]


def total_of(runs: Sequence[RunCounts], published: Mapping[str, int]) -> RunCounts:
    """Return the sum of all runs."""
    sums = (sum(getattr(run, name) for run in runs) for name in ("decoded", "rejected", "duplicates", "too_late"))
    return RunCounts("total", sum(published.values()) if published else None, *sums)


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
    whole = Claim(kind.label, sum(expected.values()) - totals.refused.get(kind.table_name, 0), sum(found.values()))
    return [] if kind.optional and not sum(expected.values()) and not whole.found else [whole]


def _ledger_counts(totals: StoredTotals, item: str) -> dict[str, int]:
    """Return the ledger's counts of an item by detail."""
    counts: dict[str, int] = {}
    for (_, name, detail), number in totals.ledger.items():
        if name == item:
            counts[detail] = counts.get(detail, 0) + number
    return counts


@dataclass(frozen=True, slots=True)
class LedgerCheck:
    """Result of the ledger check of one store.

    Attributes:
        where: the store, for a person.
        runs: counts of each run.
        total: their sum.
        claims: equalities between the ledger and the results.
        problems: descriptions of the differences; empty if the check passed.
        jobs: each job that has written there, and its input where it is known.
        notes: what a person should know beside that.
    """

    where: str
    runs: list[RunCounts]
    total: RunCounts
    claims: list[Claim]
    problems: list[str]
    jobs: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def check_ledger(totals: StoredTotals, published: Mapping[str, int]) -> LedgerCheck:
    """Return the ledger check of one store.

    Args:
        totals: of the store.
        published: rows by run, from the publishers' summaries.
    """
    runs = runs_of(totals, published)
    total = total_of(runs, published)
    claims = claims_of(totals)
    problems = [] if totals.ledger else ["there is no ledger"]
    problems += [claim.difference for run in (*runs, total) for claim in run.claims() if claim.difference]
    problems += [claim.difference for claim in claims if claim.difference]
    problems += [*totals.damage, *hour_differences(totals)]
    if refused := totals.refused.get("aggregates", 0):
        problems.append(f"{refused:,} aggregates were refused by BigQuery, they are among the dead letters")
    return LedgerCheck(totals.where, runs, total, claims, problems, totals.jobs, _notes_on(totals, problems))


def _notes_on(totals: StoredTotals, problems: Sequence[str]) -> list[str]:
    notes = []
    if len(totals.jobs) > 1:
        jobs = "; ".join(
            f"{job or 'older releases'}{f' ({source})' if source else ''}" for job, source in totals.jobs.items()
        )
        notes.append(f"{len(totals.jobs)} jobs have written here: {jobs}")
    if totals.shared_windows:
        notes.append(
            f"{totals.shared_windows:,} parts of windows are of a further job: readers add them, which is right for a "
            "stream that went on, and counts twice what two jobs have both read"
        )
    if totals.open_windows and problems:
        notes.append(
            f"a stream keeps its open windows in {totals.open_windows}: start it again, or end it with --drain"
        )
    return notes
