"""Compare the results of a tortured job with a plain computation over what was published."""

import base64
import math
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeAlias

import msgspec
import pyarrow as pa
import pyarrow.parquet

from benchmarks.expected_output import AggregateKey, JobOutput, WindowStatistics, anomaly_key, compute_output
from benchmarks.measured_process import ROOT
from benchmarks.torture.expected_incidents import ExpectedTransition, expected_incidents
from benchmarks.torture.traffic import Traffic
from telemetry.model.dead_letters import Reason
from telemetry.storage.files import StorageError
from telemetry.storage.result_store import FileStore

_TOLERANCE: Final = 1e-9
_RowKey: TypeAlias = tuple[str, int, float]


@dataclass(slots=True)
class Verdict:
    """Differences between found and expected results.

    Attributes:
        lost: readings in no window and no dead letter, or lines without a letter.
        extra: readings counted too often, or letters that nobody sent.
        wrong_windows: windows of a device and metric with another result.
        wrong_records: anomalies, transitions of incidents and archived readings that are missing or too many.
        reconciled: whether the ledger check passed.
        problems: descriptions for a person.
    """

    lost: int = 0
    extra: int = 0
    wrong_windows: int = 0
    wrong_records: int = 0
    reconciled: bool = True
    problems: list[str] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        """Whether all results are as they should be."""
        return not (self.lost or self.extra or self.wrong_windows or self.wrong_records or self.problems)


def judge(
    output: Path, traffic: Traffic, published: Path | None, *, archive: bool, judged_us: int | None = None
) -> Verdict:
    """Return what is wrong with the results in a folder.

    Args:
        output: folder of the job.
        traffic: what was published.
        published: file of the publisher's summary for the ledger check; None without one.
        archive: whether the job archives readings.
        judged_us: time up to which all incidents are known, microseconds UTC; None to compare none, where readings may
            have been late for the rules.
    """
    verdict = Verdict()
    store = FileStore(str(output))
    try:
        too_late = _check_letters(verdict, store, traffic)
        _check_windows(verdict, store, traffic, too_late)
        if judged_us is not None:
            _check_incidents(verdict, store, traffic, judged_us)
        if archive:
            _check_archive(verdict, store, traffic)
    except StorageError as error:
        verdict.problems.append(f"results cannot be read: {error}")
    command = [sys.executable, "-m", "pipeline", "reconcile", "--output", str(output)]
    options = ["--published", str(published)] if published else []
    check = subprocess.run([*command, *options], cwd=ROOT, capture_output=True, text=True, check=False)
    verdict.reconciled = check.returncode == 0
    if not verdict.reconciled:
        lines = [line for line in (check.stdout + check.stderr).splitlines() if "failed" in line or "error" in line]
        verdict.problems.append("; ".join(lines) or f"reconcile: exit code {check.returncode}")
    return verdict


def _check_letters(verdict: Verdict, store: FileStore, traffic: Traffic) -> Counter[bytes]:
    """Compare dead letters, and return the readings that were too late."""
    found: Counter[bytes] = Counter()
    too_late: Counter[bytes] = Counter()
    seen = set()
    for row in _rows(store, "dead_letters", ("reason", "payload", "message_id", "line")):
        payload = base64.b64decode(row["payload"])
        if (identity := (row["message_id"], row["line"], row["reason"])) in seen:
            verdict.extra += 1
            verdict.problems.append(f"dead letter twice: {identity}")
        seen.add(identity)
        (too_late if row["reason"] == Reason.TOO_LATE.value else found)[payload] += 1
    missing, extra = traffic.corrupt - found, found - traffic.corrupt
    verdict.lost += missing.total()
    verdict.extra += extra.total()
    if missing or extra:
        verdict.problems.append(f"{missing.total()} dead letters missing, {extra.total()} too many")
    if unexpected := [line for line in too_late if line not in traffic.may_be_too_late]:
        verdict.lost += len(unexpected)
        verdict.problems.append(
            f"{len(unexpected)} readings were too late that came in time, such as {unexpected[0]!r}"
        )
    return too_late


def _check_windows(verdict: Verdict, store: FileStore, traffic: Traffic, too_late: Counter[bytes]) -> None:
    accepted = compute_output(line for line in traffic.lines if line not in too_late)
    windows = _final_windows(store)
    short: Counter[tuple[str, int]] = Counter()
    over: Counter[tuple[str, int]] = Counter()
    for key in accepted.aggregates.keys() | windows.keys():
        expected, found = accepted.aggregates.get(key), windows.get(key)
        device, _, start_us = key
        missing = (expected[0] if expected else 0) - (found[0] if found else 0)
        short[device, start_us] = max(short[device, start_us], missing)
        over[device, start_us] = max(over[device, start_us], -missing)
        verdict.wrong_windows += not _are_equal(expected, found)
    verdict.lost += short.total()
    verdict.extra += over.total()
    if verdict.wrong_windows:
        counts = f"{short.total()} readings missing, {over.total()} too many"
        verdict.problems.append(f"{verdict.wrong_windows} windows wrong: {counts}")
    _check_anomalies(verdict, store, compute_output(traffic.lines))


def _check_anomalies(verdict: Verdict, store: FileStore, expected: JobOutput) -> None:
    found = Counter(
        anomaly_key(row["device"], row["source_time"], row["value"])
        for row in _rows(store, "anomalies", ("device", "source_time", "value"))
    )
    _compare_records(verdict, "anomalies", expected.anomalies, found)


def _check_incidents(verdict: Verdict, store: FileStore, traffic: Traffic, judged_us: int) -> None:
    """Compare transitions; of those from `judged_us` on some may be missing, as the stream goes on."""
    expected = Counter(expected_incidents(traffic.lines))
    found = Counter(ExpectedTransition(**row) for row in _rows(store, "incidents", ExpectedTransition._fields))
    due = Counter({one: number for one, number in expected.items() if one.event_time < judged_us})
    missing, extra = (due - found).total(), (found - expected).total()
    verdict.wrong_records += missing + extra
    if missing or extra:
        verdict.problems.append(f"transitions of incidents: {missing} missing, {extra} too many")


def _check_archive(verdict: Verdict, store: FileStore, traffic: Traffic) -> None:
    readings = [msgspec.json.decode(line) for line in traffic.lines]
    expected: Counter[_RowKey] = Counter((one["device"], round(one["ts"] * 1e6), one["temp"]) for one in readings)
    found: Counter[_RowKey] = Counter(
        (row["device"], row["source_time"], row["temp"])
        for path in store.files("readings")
        for row in _micros(_read_archive(path)).to_pylist()
    )
    _compare_records(verdict, "archived readings", expected, found)


def _compare_records(verdict: Verdict, name: str, expected: Counter[_RowKey], found: Counter[_RowKey]) -> None:
    missing, extra = (expected - found).total(), (found - expected).total()
    verdict.wrong_records += missing + extra
    if missing or extra:
        verdict.problems.append(f"{name}: {missing} missing, {extra} too many")


def _final_windows(store: FileStore) -> dict[AggregateKey, WindowStatistics]:
    last: dict[AggregateKey, tuple[int, WindowStatistics]] = {}
    columns = ("device", "metric", "window_start", "pane_index", "count", "mean", "min", "max")
    for row in _rows(store, "aggregates", columns):
        key = (row["device"], row["metric"], row["window_start"])
        if key not in last or last[key][0] < row["pane_index"]:
            last[key] = (row["pane_index"], (row["count"], row["mean"], row["min"], row["max"]))
    return {key: statistics for key, (_, statistics) in last.items()}


def _rows(store: FileStore, kind: str, columns: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    """Yield records as dictionaries; times are microseconds."""
    for table in store.tables(kind, columns):
        yield from _micros(table).to_pylist()


def _read_archive(path: str) -> pa.Table:
    try:
        return pyarrow.parquet.read_table(path, columns=["device", "source_time", "temp"], partitioning=None)
    except (OSError, pa.ArrowException) as error:
        raise StorageError(path, str(error)) from error


def _micros(table: pa.Table) -> pa.Table:
    """Return a table with its times as microseconds."""
    for index, column in enumerate(table.schema):
        if pa.types.is_timestamp(column.type):
            micros = table.column(index).cast(pa.timestamp("us", "UTC")).cast(pa.int64())
            table = table.set_column(index, column.name, micros)
    return table


def _are_equal(one: WindowStatistics | None, other: WindowStatistics | None) -> bool:
    if one is None or other is None:
        return one is other
    close = (math.isclose(left, right, rel_tol=_TOLERANCE) for left, right in zip(one[1:], other[1:], strict=True))
    return one[0] == other[0] and all(close)
