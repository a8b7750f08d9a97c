"""Anomalies and dead letters as they come in, each once, in bounded memory: the oldest are let go."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pandas as pd

from plotting.data.panels import micros
from plotting.data.results import ANOMALY_COLUMNS

MOST: Final = 200_000
"""Anomalies, and dead letters, that are held; of more, the newest."""
_TYPES: Final[Mapping[str, Any]] = {
    **dict.fromkeys(("event_time", "source_time"), "datetime64[us, UTC]"),
    **dict.fromkeys(("value", "threshold", "threshold_upper"), "float64"),
    "_id": "uint64",
}


class Events:
    """Records of one kind in order of event time, those without one first, whichever order they come in."""

    def __init__(self, identity: tuple[str, ...], columns: tuple[str, ...], most: int = MOST) -> None:
        """Begin without records.

        Args:
            identity: the columns that are the same when a record comes again.
            columns: those that are kept; `event_time` among them.
            most: how many records to hold; of as many more it is remembered that they came.
        """
        self._identity, self._columns, self._most = identity, columns, most
        self.total = 0
        """How many came, each counted once."""
        self._gone = np.empty(0, dtype=np.uint64)
        self.frame: pd.DataFrame = pd.DataFrame(
            {name: pd.Series([], dtype=_TYPES.get(name, "object")) for name in (*columns, "_id")}
        )
        self.let_go = self.frame
        """Those that the last ones to come have pushed out."""

    def add(self, table: Any) -> pd.DataFrame:
        """Take records in and return those that are new; an Arrow table with all columns of the identity, too."""
        came: pd.DataFrame = table.to_pandas()
        ids = pd.util.hash_pandas_object(came[list(self._identity)].astype("string"), index=False).to_numpy()
        came = came[list(self._columns)].assign(_id=ids).drop_duplicates("_id")
        new: pd.DataFrame = came[~(came["_id"].isin(self.frame["_id"]) | came["_id"].isin(self._gone))]
        self.let_go = new.iloc[:0]
        if len(new):
            self.total += len(new)
            merged = pd.concat([self.frame, new]) if len(self.frame) else new
            merged = merged.sort_values(["event_time", "_id"], na_position="first", ignore_index=True)
            self.let_go, self.frame = merged.iloc[: -self._most], merged.iloc[-self._most :].reset_index(drop=True)
            self._gone = np.concatenate([self._gone, self.let_go["_id"].to_numpy(np.uint64)])[-self._most :]
        return new

    @property
    def dropped(self) -> int:
        """How many are not held any more."""
        return self.total - len(self.frame)


class Anomalies(Events):
    """Anomalies, found by metric and device."""

    def __init__(self, most: int = MOST) -> None:
        """Begin without anomalies."""
        super().__init__(("anomaly_id",), ANOMALY_COLUMNS, most)
        self._places: Mapping[Any, Any] = {}

    def add(self, table: Any) -> pd.DataFrame:
        """Take anomalies in and return those that are new."""
        new = super().add(table)
        if len(new):
            self._places = self.frame.groupby(["metric", "device"], sort=False).indices
        return new

    def of(self, metric: str, device: str) -> pd.DataFrame:
        """Return those of one metric of one device."""
        found: pd.DataFrame = self.frame.iloc[self._places.get((metric, device), _NONE)]
        return found

    def keys(self) -> set[tuple[str, str]]:
        """Return each (metric, device) that has any."""
        return set(self._places)

    def newest(self, count: int) -> pd.DataFrame:
        """Return the last ones, the newest first."""
        newest: pd.DataFrame = self.frame.iloc[-count:][::-1]
        return newest

    def newest_us(self) -> int | None:
        """Return the event time of the newest, microseconds."""
        return int(micros(self.frame["event_time"].iloc[-1:])[0]) if len(self.frame) else None


_NONE: Final = np.empty(0, dtype=np.intp)
