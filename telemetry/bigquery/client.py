"""Connect to BigQuery, and check and create a job's tables before it starts.

Every call has a time limit; an error of the service becomes a ConfigError of one line.
"""

import contextlib
from collections.abc import Iterator, Sequence
from typing import Final

import pyarrow as pa
import requests
from google.api_core import exceptions
from google.auth.credentials import AnonymousCredentials
from google.auth.exceptions import DefaultCredentialsError, GoogleAuthError
from google.cloud import bigquery

from telemetry.bigquery.schema import BigQueryTarget, TableSpec, describe, is_required, sql_type, view_queries
from telemetry.errors import ConfigError
from telemetry.model.record_batches import has_default

ANSWER_S: Final = 30.0
UNREACHABLE: Final = (requests.exceptions.RequestException, GoogleAuthError, exceptions.RetryError)
_SAME_TYPES: Final = {"INTEGER": "INT64", "FLOAT": "FLOAT64", "BOOLEAN": "BOOL"}


def connect(target: BigQueryTarget) -> bigquery.Client:
    """Return a client.

    Raises:
        ConfigError: if there are no credentials.
    """
    if target.endpoint:
        return bigquery.Client(
            target.project, credentials=AnonymousCredentials(), client_options={"api_endpoint": target.endpoint}
        )
    try:
        return bigquery.Client(target.project)
    except DefaultCredentialsError as error:
        problem = "no credentials; run gcloud auth application-default login, or give --bigquery-endpoint"
        raise ConfigError("--bigquery", target, problem) from error


def prepare_tables(client: bigquery.Client, target: BigQueryTarget, specs: Sequence[TableSpec]) -> list[str]:
    """Create the tables and views that are missing, and bring older ones up to date.

    A table of an older release gets the columns that were added since; a view gets the present query.

    Returns:
        The names of the tables and views that were created or changed.

    Raises:
        ConfigError: if the dataset is missing, a table cannot take the rows, or BigQuery does not answer.
    """
    created = []
    with explained(target):
        check_dataset(client, target)
        for spec in specs:
            try:
                table = client.get_table(target.table(spec.name), retry=None, timeout=ANSWER_S)
                _check_table(table, spec, target)
                added = _add_columns_sql(table, spec, target)
                for statement in added:
                    client.query(statement, retry=None, timeout=ANSWER_S, job_retry=None).result(timeout=ANSWER_S)
                created += [spec.name] if added else []
            except exceptions.NotFound:
                client.create_table(_table_of(spec, target), exists_ok=True, retry=None, timeout=ANSWER_S)
                created.append(spec.name)
        for view, query in view_queries(target).items():
            try:
                table = client.get_table(target.table(view.name), retry=None, timeout=ANSWER_S)
                if table.view_query and "first_time" not in table.view_query and view.merged:  # of an older release
                    table.view_query = query
                    client.update_table(table, ["view_query"], retry=None, timeout=ANSWER_S)
                    created.append(view.name)
            except exceptions.NotFound:
                table = bigquery.Table(target.table(view.name))
                table.view_query, table.description = query, view.description
                client.create_table(table, exists_ok=True, retry=None, timeout=ANSWER_S)
                created.append(view.name)
    return created


def ledger_jobs(client: bigquery.Client, target: BigQueryTarget) -> list[str]:
    """Return the jobs whose ledger a dataset holds, sorted; "" stands for those of older releases.

    Raises:
        ConfigError: if BigQuery does not answer.
    """
    sql = f"SELECT DISTINCT COALESCE(job_id, '') AS job FROM `{target.table_of('ledger')}`"
    with explained(target):
        job = client.query(sql, retry=None, timeout=ANSWER_S, job_retry=None)
        return sorted(row["job"] for row in job.result(timeout=ANSWER_S))


def check_dataset(client: bigquery.Client, target: BigQueryTarget) -> None:
    """Raise a ConfigError if the dataset does not exist."""
    try:
        client.get_dataset(f"{target.project}.{target.dataset}", retry=None, timeout=ANSWER_S)
    except exceptions.NotFound as error:
        problem = f"no such dataset; create it where the data shall lie: bq --location=EU mk {target}"
        raise ConfigError("--bigquery", target, problem) from error


def _add_columns_sql(table: bigquery.Table, spec: TableSpec, target: BigQueryTarget) -> list[str]:
    """Return the statements that add the columns that older releases did not have."""
    present = {column.name for column in table.schema}
    return [
        f"ALTER TABLE `{target.table(spec.name)}` ADD COLUMN IF NOT EXISTS `{field.name}` {sql_type(field)}"
        for field in spec.schema
        if has_default(field) and field.name not in present
    ]


def _column_of(field: pa.Field) -> bigquery.SchemaField:
    mode = "REQUIRED" if is_required(field) else "NULLABLE"
    return bigquery.SchemaField(field.name, sql_type(field), mode, description=describe(field))


def _table_of(spec: TableSpec, target: BigQueryTarget) -> bigquery.Table:
    table = bigquery.Table(target.table(spec.name), [_column_of(field) for field in spec.schema])
    if spec.partition:
        table.time_partitioning = bigquery.TimePartitioning(bigquery.TimePartitioningType.DAY, spec.partition)
    table.clustering_fields = list(spec.cluster)
    table.description = spec.description
    return table


def _check_table(found: bigquery.Table, spec: TableSpec, target: BigQueryTarget) -> None:
    """Check that a table can take the rows; a further column is harmless if it is not required."""
    columns = {column.name: column for column in found.schema}
    problems = []
    for field in spec.schema:
        column = columns.pop(field.name, None)
        kind = sql_type(field)
        if column is None and not has_default(field):
            problems.append(f"has no column {field.name} (ALTER TABLE {spec.name} ADD COLUMN {field.name} {kind})")
        elif column is None:
            continue  # it will be added
        elif _SAME_TYPES.get(column.field_type, column.field_type) != kind or column.mode == "REPEATED":
            problems.append(f"has column {field.name} of type {column.field_type}, not {kind}")
        elif column.mode == "REQUIRED" and field.nullable:
            problems.append(f"requires column {field.name}, which may be null")
    problems += [f"requires column {name}, which is not known" for name, c in columns.items() if c.mode == "REQUIRED"]
    if problems:
        raise ConfigError("--bigquery", target, f"table {spec.name} {'; '.join(problems)}")


@contextlib.contextmanager
def explained(target: BigQueryTarget) -> Iterator[None]:
    """Turn errors of BigQuery into a ConfigError."""
    try:
        yield
    except UNREACHABLE as error:
        where = target.endpoint or "the network"
        raise ConfigError("--bigquery", target, f"BigQuery does not answer ({where})") from error
    except exceptions.GoogleAPICallError as error:
        problem = (error.message or str(error)).splitlines()[0]  # the query may follow, with a caret below it
        raise ConfigError("--bigquery", target, problem) from error
