"""What is new in the results, asked for again and again; it reads, and holds nothing."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import pandas as pd

from plotting.data.readings import read_readings
from plotting.serve.live import COLUMNS
from telemetry.errors import TelemetryError
from telemetry.storage.files import list_files
from telemetry.storage.result_store import ReadPosition, ResultStore

_MOST_READINGS: Final = 3_000_000
"""Readings held of one metric; of more, the newest that were read."""


class Follower:
    """Reads each record of a run once, or a little more often."""

    def __init__(self, store: ResultStore) -> None:
        """Begin at the beginning."""
        self._store = store
        self._positions: dict[str, ReadPosition] = {}

    def poll(self) -> Iterator[tuple[str, Any]]:
        """Yield (kind, Arrow table) of what has come since the last time.

        Raises:
            TelemetryError: if something cannot be read, after all that can be; it is asked for again the next time.
        """
        failed: TelemetryError | None = None
        for kind, columns in COLUMNS.items():
            try:
                table, position = self._store.read_new(kind, columns, self._positions.get(kind))
            except TelemetryError as error:
                failed = failed or error
                continue
            yield kind, table
            self._positions[kind] = position
        if failed is not None:
            raise failed


class FollowedReadings:
    """Readings of the metrics that somebody looks at: CSV files, read once, and archives, followed."""

    def __init__(self, paths: Sequence[str]) -> None:
        """Take what `plotting.data.readings.read_readings` takes."""
        self._paths = list(paths)
        self._known: dict[str, tuple[set[str], pd.DataFrame]] = {}

    def poll(self, metric: str) -> pd.DataFrame | None:
        """Return all readings of a metric if there are new ones, else None.

        Raises:
            TelemetryError: if a file cannot be read, or has no such column.
        """
        read, frame = self._known.get(metric, (set(), None))
        new = [path for path in self._files() if path not in read]
        if not new:
            return None
        added = read_readings(new, metric).frame
        whole = added if frame is None else pd.concat([frame, added], ignore_index=True)
        whole = whole.iloc[-_MOST_READINGS:].reset_index(drop=True)
        self._known[metric] = ({*read, *new}, whole)
        return whole

    def _files(self) -> list[str]:
        files: list[str] = []
        for path in self._paths:
            alone = path.endswith((".csv", ".gz", ".parquet"))
            files += [path] if alone else list_files(path, (".parquet",))
        return files
