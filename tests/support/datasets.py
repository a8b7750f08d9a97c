"""Datasets in BigQuery's emulator, one for each test."""

import uuid
from typing import Any

import pandas as pd

from telemetry.bigquery.client import connect
from telemetry.bigquery.schema import BigQueryTarget
from telemetry.model.kinds import KINDS
from tests.support.emulators import BigQueryServer


class Dataset:
    """A dataset of one test."""

    def __init__(self, server: BigQueryServer) -> None:
        self.target = BigQueryTarget(server.project, f"t{uuid.uuid4().hex[:12]}", endpoint=server.endpoint)
        self.client = connect(self.target)
        self.client.create_dataset(f"{server.project}.{self.target.dataset}")
        self.flags = ["--bigquery", str(self.target), "--bigquery-endpoint", server.endpoint]

    def rows(self, sql: str) -> list[dict[str, Any]]:
        """Return the rows of a query, in which {name} stands for a table or a view."""
        views = [view.name for kind in KINDS.values() for view in kind.views]
        names = {
            name: f"`{self.target.table(name)}`" for name in (*(kind.table_name for kind in KINDS.values()), *views)
        }
        return [dict(row) for row in self.client.query(sql.format(**names)).result()]

    def frame(self, name: str) -> pd.DataFrame:
        """Return all rows of a table or view, times as integer microseconds."""
        found = pd.DataFrame(self.rows(f"SELECT * FROM {{{name}}}"))
        for column in found.columns:
            if column.endswith("_time") or column in ("window_start", "window_end"):
                found[column] = pd.to_datetime(found[column], utc=True).astype("datetime64[us, UTC]").astype("int64")
        return found
