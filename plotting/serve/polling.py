"""Poll stored results and files of readings for new records."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import pandas as pd

from plotting.data.readings import FILE_ENDS, read_readings
from plotting.serve.live_run import COLUMNS
from telemetry.errors import TelemetryError
from telemetry.feed.default_feed import DEFAULT_CATALOG
from telemetry.model.metric_info import MetricCatalog
from telemetry.storage.files import list_files
from telemetry.storage.result_store import ReadPosition, ResultStore

_MOST_READINGS: Final = 3_000_000
"""Most readings kept of one metric; of more, those read last are kept."""


class ResultsPoller:
    """Poller of a run's results that reads each record at least once."""

    def __init__(self, store: ResultStore) -> None:
        """Start before the first record."""
        self._store = store
        self._positions: dict[str, ReadPosition] = {}

    def poll(self) -> Iterator[tuple[str, Any]]:
        """Yield (kind, Arrow table) of the records that are new since the last call.

        Raises:
            TelemetryError: if a kind cannot be read, after all others were yielded; the next call reads it again.
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


class ReadingsPoller:
    """Poller of the readings of requested metrics: CSV files are read once, folders of an archive are polled."""

    def __init__(self, paths: Sequence[str], catalog: MetricCatalog = DEFAULT_CATALOG) -> None:
        """Take the paths that `plotting.data.readings.read_readings` accepts, and what it needs to know of metrics."""
        self._paths, self._catalog = list(paths), catalog
        self._known: dict[str, tuple[set[str], pd.DataFrame]] = {}

    def poll(self, metric: str) -> pd.DataFrame | None:
        """Return all readings of a metric, or None if there are no new files.

        Raises:
            TelemetryError: if a file cannot be read, or has no such column.
        """
        read, frame = self._known.get(metric, (set(), None))
        new = [path for path in self._files() if path not in read]
        if not new:
            return None
        added = read_readings(new, metric, self._catalog).frame
        whole = added if frame is None else pd.concat([frame, added], ignore_index=True)
        whole = whole.iloc[-_MOST_READINGS:].reset_index(drop=True)
        self._known[metric] = ({*read, *new}, whole)
        return whole

    def _files(self) -> list[str]:
        files: list[str] = []
        for path in self._paths:
            alone = path.endswith(FILE_ENDS)
            files += [path] if alone else list_files(path, (".parquet",))
        return files
