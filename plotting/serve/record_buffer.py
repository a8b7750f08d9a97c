"""Buffer anomalies and dead letters, each once, in bounded memory; the oldest are evicted."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pandas as pd

from plotting.data.panels import to_microseconds
from plotting.data.results import ANOMALY_COLUMNS

MAX_RECORDS: Final = 200_000
"""Most anomalies, and most dead letters, that are kept."""
_TYPES: Final[Mapping[str, Any]] = {
    **dict.fromkeys(("event_time", "source_time"), "datetime64[us, UTC]"),
    **dict.fromkeys(("value", "threshold", "threshold_upper"), "float64"),
    "_id": "uint64",
}


class RecordBuffer:
    """Buffer of the newest records of one kind, sorted by event time; records without one come first."""

    def __init__(self, identity: tuple[str, ...], columns: tuple[str, ...], max_records: int = MAX_RECORDS) -> None:
        """Start without records.

        Args:
            identity: columns that identify a record when it is delivered again.
            columns: columns that are kept, including `event_time`.
            max_records: number of records kept; the ids of as many evicted records are kept, too.
        """
        self._identity, self._columns, self._max_records = identity, columns, max_records
        self.total = 0
        """Number of records added, each counted once."""
        self.evicted_ids = np.empty(0, dtype=np.uint64)
        self.frame: pd.DataFrame = pd.DataFrame(
            {name: pd.Series([], dtype=_TYPES.get(name, "object")) for name in (*columns, "_id")}
        )
        self.evicted = self.frame
        """Records evicted by the last call of `add`."""

    def add(self, table: Any) -> pd.DataFrame:
        """Add records of an Arrow table, which has the columns of the identity, too; return those that are new."""
        came: pd.DataFrame = table.to_pandas()
        ids = pd.util.hash_pandas_object(came[list(self._identity)].astype("string"), index=False).to_numpy()
        came = came[list(self._columns)].assign(_id=ids).drop_duplicates("_id")
        new: pd.DataFrame = came[~(came["_id"].isin(self.frame["_id"]) | came["_id"].isin(self.evicted_ids))]
        self.evicted = new.iloc[:0]
        if len(new):
            self.total += len(new)
            merged = pd.concat([self.frame, new]) if len(self.frame) else new
            merged = merged.sort_values(["event_time", "_id"], na_position="first", ignore_index=True)
            self.evicted = merged.iloc[: -self._max_records]
            self.frame = merged.iloc[-self._max_records :].reset_index(drop=True)
            evicted_ids = np.concatenate([self.evicted_ids, self.evicted["_id"].to_numpy(np.uint64)])
            self.evicted_ids = evicted_ids[-self._max_records :]
        return new

    @property
    def dropped(self) -> int:
        """Return the number of records evicted so far."""
        return self.total - len(self.frame)


class AnomalyBuffer(RecordBuffer):
    """Buffer of anomalies indexed by metric and device."""

    def __init__(self, max_records: int = MAX_RECORDS) -> None:
        """Start without anomalies."""
        super().__init__(("anomaly_id",), ANOMALY_COLUMNS, max_records)
        self._rows_by_key: Mapping[Any, Any] = {}

    def add(self, table: Any) -> pd.DataFrame:
        """Add anomalies and return those that are new."""
        new = super().add(table)
        if len(new):
            self._rows_by_key = self.frame.groupby(["metric", "device"], sort=False).indices
        return new

    def of(self, metric: str, device: str) -> pd.DataFrame:
        """Return the anomalies of one metric of one device."""
        found: pd.DataFrame = self.frame.iloc[self._rows_by_key.get((metric, device), _NONE)]
        return found

    def keys(self) -> set[tuple[str, str]]:
        """Return each (metric, device) with anomalies."""
        return set(self._rows_by_key)

    def newest(self, count: int) -> pd.DataFrame:
        """Return the last anomalies, newest first."""
        newest: pd.DataFrame = self.frame.iloc[-count:][::-1]
        return newest

    def newest_us(self) -> int | None:
        """Return the event time of the newest anomaly, microseconds; None without anomalies."""
        return int(to_microseconds(self.frame["event_time"].iloc[-1:])[0]) if len(self.frame) else None


_NONE: Final = np.empty(0, dtype=np.intp)
