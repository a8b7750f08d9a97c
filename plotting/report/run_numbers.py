"""Count the records of a run for its report, each record once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import pandas as pd

from plotting.data.downsample import TimesUs
from plotting.data.incidents import INCIDENT_COLUMNS, read_incidents
from plotting.data.panels import TimeRange, to_microseconds
from plotting.data.results import AGGREGATE_COLUMNS, ANOMALY_COLUMNS, latest_windows, unique_anomalies
from plotting.data.source import explained
from telemetry.model.kinds import KINDS
from telemetry.model.ledger_items import ROWS_DECODED
from telemetry.storage.result_store import ResultStore

_WINDOWS: Final = ("device", "metric", "window_start", "window_end", "count", "pane_index", "job_id")
_ANOMALIES: Final = (
    *("anomaly_id", "rule_id", "severity", "device", "metric"),
    *("value", "threshold", "threshold_upper", "comparison", "event_time"),
)
CACHED_COLUMNS: Final = {
    "aggregates": AGGREGATE_COLUMNS,
    "anomalies": ANOMALY_COLUMNS,
    "incidents": INCIDENT_COLUMNS,
}
"""Columns that both the numbers and the pictures of a page use."""


@dataclass(frozen=True)
class RunNumbers:
    """Numbers of a run, of its time range unless stated otherwise.

    Attributes:
        anomalies: one row per anomaly of any metric in the range, in order of event time; `time_us` is the event
            time in microseconds, UTC.
        incidents: one row per incident of any metric that was open in the range; see `read_incidents`.
        values: number of values of the metric in the windows that overlap the range.
        windows: number of these windows, each device and period counted once.
        overlapping: whether windows of a device overlap, so that a value is counted in several of them.
        devices: number of devices with a window or an anomaly of any metric in the range.
        span_us: first and last time of these, microseconds, UTC; None if there are none.
        metrics: every metric with a result in the whole run, sorted.
        dead_letters: number of dead letters by reason, of the whole run.
        decoded: number of decoded readings in the ledger of the whole run; None without a ledger.
    """

    anomalies: pd.DataFrame
    incidents: pd.DataFrame
    values: int
    windows: int
    overlapping: bool
    devices: int
    span_us: tuple[int, int] | None
    metrics: tuple[str, ...]
    dead_letters: Mapping[str, int]
    decoded: int | None


def count_run(store: ResultStore, metric: str, span: TimeRange) -> RunNumbers:
    """Count the records of a run.

    Args:
        store: the results.
        metric: the metric whose values and windows are counted.
        span: time range wanted.

    Raises:
        ConfigError: if there are no results, or they cannot be read.
    """
    with explained():
        store.check_has_results()
        windows = latest_windows(store.read("aggregates", _WINDOWS))
        anomalies = unique_anomalies(store.read("anomalies", _ANOMALIES).to_pandas())
        letters = _distinct(store, "dead_letters", KINDS["dead_letters"].identity)
        ledger = _distinct(store, "ledger", ("entry_id", "item", "count"))
    metrics = tuple(sorted({*windows["metric"], *anomalies["metric"]}))
    start, end = to_microseconds(windows["window_start"]), to_microseconds(windows["window_end"])
    shown = span.of(start, end)
    windows, start, end = windows[shown], start[shown], end[shown]
    anomalies = anomalies.assign(time_us=to_microseconds(anomalies["event_time"]))
    anomalies = anomalies[span.of(to_microseconds(anomalies["event_time"]))].reset_index(drop=True)
    of_metric = windows[windows["metric"] == metric]
    reasons = letters["reason"].value_counts()
    return RunNumbers(
        anomalies=anomalies,
        incidents=read_incidents(store, span),
        values=int(of_metric["count"].sum()),
        windows=len(of_metric),
        overlapping=_overlap(of_metric),
        devices=len({*windows["device"], *anomalies["device"]}),
        span_us=_extent(start, end, to_microseconds(anomalies["event_time"])),
        metrics=metrics,
        dead_letters={str(reason): int(count) for reason, count in reasons.items()},
        decoded=int(ledger.loc[ledger["item"] == ROWS_DECODED, "count"].sum()) if len(ledger) else None,
    )


def _distinct(store: ResultStore, kind: str, columns: Sequence[str]) -> pd.DataFrame:
    frame: pd.DataFrame = store.read(kind, columns).group_by(list(columns)).aggregate([]).to_pandas()
    return frame


def _overlap(windows: pd.DataFrame) -> bool:
    """Return whether a window of a device starts before its predecessor ends; rows are sorted by device and start."""
    same = windows["device"].to_numpy()[1:] == windows["device"].to_numpy()[:-1]
    return bool(
        (same & (to_microseconds(windows["window_start"])[1:] < to_microseconds(windows["window_end"])[:-1])).any()
    )


def _extent(*times: TimesUs) -> tuple[int, int] | None:
    present = [part for part in times if len(part)]
    if not present:
        return None
    return min(int(part.min()) for part in present), max(int(part.max()) for part in present)
