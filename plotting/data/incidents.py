"""Read the incidents of a run, each as of its latest transition, and give panels those of their device and metric."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa

from plotting.data.learned import STILL_OPEN_US, with_learned
from plotting.data.panels import IncidentSpan, Panel, TimeRange, to_microseconds
from plotting.data.source import Source, explained, store_of
from telemetry.model.latest_incidents import ORDER, latest_incidents

INCIDENT_COLUMNS: Final = (
    *ORDER,
    *("state", "rule_id", "severity", "condition", "device", "metric", "opened_at", "closed_at", "reason"),
    *("worst", "threshold", "threshold_upper", "readings", "stale", "flapping"),
    *("event_time", "score", "expected", "spread", "why"),
)


def read_incidents(results: Source, span: TimeRange) -> pd.DataFrame:
    """Return each incident of a time range once, with its latest transition: open ones first, then the newest first.

    Besides `INCIDENT_COLUMNS` there are `is_open`, and `opened_us` and `closed_us` in microseconds UTC; those of open
    incidents are far in the future. `score`, `why` and `learned` are those of `with_learned`.

    Args:
        results: a store, or the folder that the job was given as ``--output``, on any Beam filesystem. One that was
            written before there were incidents has none.
        span: an incident belongs to it if it was open at some time of it.

    Raises:
        ConfigError: if they cannot be read.
    """
    with explained():
        transitions = store_of(results).read("incidents", INCIDENT_COLUMNS)
    return open_within(incidents_of(transitions), span)


def incidents_of(transitions: pa.Table) -> pd.DataFrame:
    """Return each incident once, as `read_incidents` does; transitions may be repeated, in any order."""
    frame: pd.DataFrame = latest_incidents(transitions).to_pandas()
    is_open = (frame["state"] != "closed").to_numpy(np.bool_)
    opened_us = to_microseconds(frame["opened_at"])
    closed_us = np.where(is_open, STILL_OPEN_US, to_microseconds(frame["closed_at"]))
    frame = frame.assign(is_open=is_open, opened_us=opened_us, closed_us=closed_us)
    order = ["is_open", "opened_us", "incident_id"]
    return with_learned(frame.sort_values(order, ascending=[False, False, True], ignore_index=True), transitions)


def open_within(incidents: pd.DataFrame, span: TimeRange) -> pd.DataFrame:
    """Return the incidents that were open at some time of a range."""
    shown = span.of(incidents["opened_us"].to_numpy(np.int64), incidents["closed_us"].to_numpy(np.int64))
    return incidents[shown].reset_index(drop=True)


def with_incidents(panels: Sequence[Panel], incidents: pd.DataFrame, metric: str) -> list[Panel]:
    """Return the panels with the incidents of their device: those of the metric, of the device and of the whole source.

    Args:
        panels: of one metric.
        incidents: as `read_incidents` returns them.
        metric: the metric shown.
    """
    found = incidents[incidents["metric"].isin((metric, ""))].sort_values(["opened_us", "incident_id"])
    return [_with_those_of(panel, found[found["device"].isin((panel.device, ""))]) for panel in panels]


def _with_those_of(panel: Panel, incidents: pd.DataFrame) -> Panel:
    bands = tuple(band for band in incidents["learned"] if band is not None)
    return replace(panel, incidents=_spans(incidents), learned=bands)


def _spans(incidents: pd.DataFrame) -> tuple[IncidentSpan, ...]:
    columns = (incidents[name].to_list() for name in ("opened_us", "closed_us", "is_open", "severity", "rule_id"))
    told = ([None if pd.isna(one) else one for one in incidents[name]] for name in ("score", "why"))
    return tuple(
        IncidentSpan(opened_us, None if is_open else closed_us, severity, rule_id, score, why)
        for opened_us, closed_us, is_open, severity, rule_id, score, why in zip(*columns, *told, strict=True)
    )
