"""Derive the job's tables and views in BigQuery, and the SQL that creates them, from the kinds of record."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import pyarrow as pa

from telemetry.model.kinds import KINDS, kinds_of
from telemetry.model.metric_info import NOT_DESCRIBED, MetricCatalog
from telemetry.model.output_kind import TableView
from telemetry.model.record_batches import has_default

Method = Literal["streaming_inserts", "storage_write_api", "storage_write_api_at_least_once"]
"""Method of writing rows; all but the first need Beam's Java services, and so a production runner."""
_SQL_TYPES: Final = {
    pa.string(): "STRING",
    pa.float64(): "FLOAT64",
    pa.int64(): "INT64",
    pa.bool_(): "BOOL",
    pa.timestamp("us", tz="UTC"): "TIMESTAMP",
}
_MERGED: Final = """\
WITH panes AS (
  SELECT *, COALESCE(first_time, window_start) AS first_us, COALESCE(last_time, window_start) AS last_us
  FROM `{table}`
  WHERE TRUE
  QUALIFY ROW_NUMBER() OVER (PARTITION BY {window}, COALESCE(job_id, '') ORDER BY {order}) = 1
), parts AS (
  SELECT *, `count` / SUM(`count`) OVER (PARTITION BY {window}) AS share,
    MIN(first_us) OVER (PARTITION BY {window}) AS earliest, MAX(last_us) OVER (PARTITION BY {window}) AS latest,
    MAX(pane_index) OVER (PARTITION BY {window}) AS highest
  FROM panes
), shares AS (
  SELECT *, SUM(mean * share) OVER (PARTITION BY {window}) AS whole FROM parts
)
SELECT {window}, SUM(`count`) AS `count`, MAX(whole) AS mean,
  SQRT(SUM(share * (stddev * stddev + (mean - whole) * (mean - whole)))) AS stddev,
  MIN(`min`) AS `min`, MAX(`max`) AS `max`,
  MIN(IF(first_us = earliest, `first`, NULL)) AS `first`, MAX(IF(last_us = latest, `last`, NULL)) AS `last`,
  SUM(anomaly_count) AS anomaly_count, MIN(IF(pane_index = highest, timing, NULL)) AS timing,
  MAX(pane_index) AS pane_index, MIN(first_time) AS first_time, MAX(last_time) AS last_time, COUNT(*) AS jobs
FROM shares
GROUP BY {window}"""
"""View of the windows as `telemetry.model.merge_panes.merge_windows` merges them; `jobs` counts the jobs of each."""
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,299}")


@dataclass(frozen=True, slots=True)
class BigQueryTarget:
    """Dataset that results are written to or read from.

    Attributes:
        project: the project that owns the dataset.
        dataset: an existing dataset.
        method: of writing rows.
        endpoint: address of another server that speaks BigQuery's REST protocol, or "" for Google's.
    """

    project: str
    dataset: str
    method: Method = "streaming_inserts"
    endpoint: str = ""

    def table(self, name: str) -> str:
        """Return the full name of a table or view, ``project.dataset.table``."""
        return f"{self.project}.{self.dataset}.{name}"

    def table_of(self, kind: str) -> str:
        """Return the full name of the table of a kind of record."""
        return self.table(KINDS[kind].table_name)

    def __str__(self) -> str:
        """Return the value of the flag."""
        return f"{self.project}:{self.dataset}"


@dataclass(frozen=True, slots=True)
class TableSpec:
    """Definition of one table.

    Attributes:
        kind: of the records that are its rows.
        schema: its columns; a field that is not nullable is required, its metadata describes it.
        partition: timestamp column by whose day it is partitioned; "" for a small table that is not.
        cluster: columns it is clustered by.
        description: for a person.
    """

    kind: str
    schema: pa.Schema
    partition: str
    cluster: tuple[str, ...]
    description: str

    @property
    def name(self) -> str:
        """Its name within the dataset."""
        return KINDS[self.kind].table_name


def table_specs(metrics: Sequence[str], *, archive: bool, catalog: MetricCatalog = NOT_DESCRIBED) -> list[TableSpec]:
    """Return the tables of a job, the optional ones only with `archive`; the catalog has the units of its metrics."""
    return [
        TableSpec(
            kind.name,
            kind.schema(metrics, catalog),
            kind.time_columns[0] if kind.partitioned else "",
            kind.cluster,
            kind.description,
        )
        for kind in kinds_of(archive=archive)
    ]


def unusable_columns(metrics: Sequence[str], *, in_tables: bool) -> list[str]:
    """Return the metrics that cannot be columns of archived readings, in files or (`in_tables`) also in tables."""
    fields = [name for kind in KINDS.values() if kind.metric_columns for name in kind.schema().names]
    taken = {"date", "hour", *fields}
    return [name for name in metrics if name.lower() in taken or (in_tables and _NAME.fullmatch(name) is None)]


def describe(field: pa.Field) -> str:
    """Return the description of a column."""
    text: bytes = (field.metadata or {}).get(b"description", b"")
    return text.decode()


def sql_type(field: pa.Field) -> str:
    """Return the GoogleSQL type of a column."""
    name: str = _SQL_TYPES[field.type]
    return name


def is_required(field: pa.Field) -> bool:
    """Return whether a column of a table is required; one that older tables lack is not."""
    return not field.nullable and not has_default(field)


def create_table_sql(spec: TableSpec, target: BigQueryTarget) -> str:
    """Return the statement that creates a table."""
    columns = ",\n".join(
        f"  `{field.name}` {sql_type(field)}{' NOT NULL' if is_required(field) else ''}"
        f" OPTIONS (description = {_quoted(describe(field))})"
        for field in spec.schema
    )
    partition = f"PARTITION BY TIMESTAMP_TRUNC(`{spec.partition}`, DAY)\n" if spec.partition else ""
    return (
        f"CREATE TABLE IF NOT EXISTS `{target.table(spec.name)}` (\n{columns}\n)\n{partition}"
        f"CLUSTER BY {', '.join(f'`{name}`' for name in spec.cluster)}\n"
        f"OPTIONS (description = {_quoted(spec.description)});"
    )


def view_queries(target: BigQueryTarget) -> dict[TableView, str]:
    """Return each view of the job's tables and its query."""
    return {view: _view_query(view, target.table_of(kind.name)) for kind in KINDS.values() for view in kind.views}


def _view_query(view: TableView, table: str) -> str:
    if view.merged:
        return _MERGED.format(table=table, window=", ".join(view.groups), order=view.order)
    rank = f"ROW_NUMBER() OVER (PARTITION BY {', '.join(view.groups)} ORDER BY {view.order})"
    kept = f"SELECT * FROM `{table}`\nWHERE TRUE\nQUALIFY {rank} = 1"
    return f"SELECT * FROM (\n{kept}\n) AS kept\nWHERE {view.condition}" if view.condition else kept


def create_sql(specs: Sequence[TableSpec], target: BigQueryTarget) -> str:
    """Return the statements that create all tables and views."""
    views = [
        f"CREATE VIEW IF NOT EXISTS `{target.table(view.name)}`\n"
        f"OPTIONS (description = {_quoted(view.description)}) AS\n{query};"
        for view, query in view_queries(target).items()
    ]
    return "\n\n".join([*(create_table_sql(spec, target) for spec in specs), *views])


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
