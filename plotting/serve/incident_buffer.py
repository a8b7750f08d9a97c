"""Buffer the transitions of incidents, each once, in bounded memory; the oldest are evicted."""

from typing import Any, Final

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from plotting.data.incidents import INCIDENT_COLUMNS, incidents_of, open_within
from plotting.data.panels import TimeRange
from telemetry.model.latest_incidents import ORDER
from telemetry.storage.result_store import schema_of

MAX_TRANSITIONS: Final = 50_000
"""Most transitions that are kept."""


class IncidentBuffer:
    """The newest transitions. The latest one of an incident says all of it but what was usual before."""

    def __init__(self, max_transitions: int = MAX_TRANSITIONS) -> None:
        """Start without transitions."""
        self._max_transitions = max_transitions
        self._transitions: pa.Table = schema_of("incidents", INCIDENT_COLUMNS).empty_table()
        self._known: set[tuple[str, int, str]] = set()
        self._incidents: pd.DataFrame | None = None

    def add(self, table: Any) -> set[str]:
        """Add transitions of an Arrow table; return the devices of those that are new, "" for the whole source."""
        keys = _keys(table)
        new = [key not in self._known for key in keys]
        if not any(new):
            return set()
        came = table.filter(pa.array(new)).select(list(INCIDENT_COLUMNS))
        joined = pa.concat_tables([self._transitions, came]).sort_by("event_time")
        self._transitions = joined.slice(max(len(joined) - self._max_transitions, 0))
        self._known = set(_keys(self._transitions))
        self._incidents = None
        return set(pc.unique(came.column("device")).to_pylist())

    def within(self, span: TimeRange) -> pd.DataFrame:
        """Return the incidents that were open in a time range; see `plotting.data.incidents.read_incidents`."""
        if self._incidents is None:
            self._incidents = incidents_of(self._transitions)
        return open_within(self._incidents, span)


def _keys(table: Any) -> list[tuple[str, int, str]]:
    return list(zip(*(table.column(name).to_pylist() for name in ORDER), strict=True))
