"""Read results that a job has stored in BigQuery as Arrow tables.

Rows are read by the REST API, a page at a time. The Storage Read API would be faster, but it needs a further role, and
no other server offers it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
from google.api_core import exceptions
from google.cloud import bigquery

from telemetry.bigquery.client import ANSWER_S, check_dataset, connect, explained
from telemetry.bigquery.schema import BigQueryTarget, sql_type
from telemetry.errors import ConfigError
from telemetry.model.kinds import KINDS
from telemetry.model.record_batches import has_default
from telemetry.storage.result_store import ReadPosition, concat_tables, fill_defaults, schema_of

AGAIN: Final = timedelta(hours=1)
"""Overlap of the time ranges of successive `DatasetStore.read_new`: rows are not stored in order of their times."""
PAGE_ROWS: Final = 50_000
"""Most rows of a page, which is held as JSON; BigQuery ends a page earlier at about 20 MB."""
_QUERY_S: Final = 300.0
_RETRY: Final = bigquery.DEFAULT_RETRY.with_timeout(ANSWER_S)  # a page that fails is requested again
_TIME: Final = "time_of_record"


@dataclass(frozen=True, slots=True)
class _Latest(ReadPosition):
    """Latest time of the records that have been read; None if none of them has a time."""

    time: datetime | None


class DatasetStore:
    """Results in the tables of a dataset; see `telemetry.storage.result_store.ResultStore`.

    Attributes:
        flag: the flag that names it on a command line.
    """

    flag: Final = "--bigquery"

    def __init__(self, target: BigQueryTarget) -> None:
        """Connect.

        Raises:
            ConfigError: if there are no credentials.
        """
        self._target = target
        self._client = connect(target)

    def check_exists(self) -> None:
        """Check that the dataset exists.

        Raises:
            ConfigError: if it is missing, or BigQuery does not answer.
        """
        with explained(self._target):
            check_dataset(self._client, self._target)

    def check_has_results(self) -> None:
        """Check that there are results.

        Raises:
            ConfigError: if the dataset is missing, none of its tables has a row, or BigQuery does not answer.
        """
        if not any(self._has_rows(kind) for kind in KINDS):
            raise ConfigError(self.flag, self._target, "no results in it: no row in a table of the job")

    def tables(self, kind: str, columns: Sequence[str]) -> Iterator[pa.Table]:
        """Yield columns of all records of one kind, one table for each page; none if the dataset lacks the table.

        Raises:
            ConfigError: if the table lacks a column, or BigQuery does not answer.
        """
        fields = KINDS[kind].schema_of(columns)
        for table in self._query(kind, self._select(kind, columns), schema_of(kind, columns)):
            yield fill_defaults(table, fields)

    def read(self, kind: str, columns: Sequence[str]) -> pa.Table:
        """Return columns of all records of one kind.

        Raises:
            ConfigError: if the table lacks a column, or BigQuery does not answer.
        """
        return concat_tables(kind, columns, self.tables(kind, columns))

    def read_new(
        self, kind: str, columns: Sequence[str], position: ReadPosition | None
    ) -> tuple[pa.Table, ReadPosition]:
        """Return columns of the records whose time is at most an hour before the latest time read so far.

        BigQuery does not record when a row was stored. The record's own time takes its place: the first of
        `telemetry.model.output_kind.OutputKind.time_columns` that is not null. Only a read from the beginning finds:

        - a record that is stored after one that is more than an hour later, such as a late pane of an old window, or
          the replay of an older day;
        - any record while the latest time read is in the future;
        - a record without a time, unless no record with a time was read before.

        Raises:
            ConfigError: if the table lacks a column, or BigQuery does not answer.
        """
        latest = position.time if isinstance(position, _Latest) else None
        dates = KINDS[kind].time_columns
        # Not always COALESCE: only a plain column lets BigQuery skip partitions.
        moment = f"COALESCE({_names(dates)})" if len(dates) > 1 else _names(dates)
        time = pa.field(_TIME, pa.timestamp("us", tz="UTC"))
        schema = schema_of(kind, columns)
        found = [schema.append(time).empty_table()]
        found += self._query(
            kind,
            f"{self._select(kind, columns)}, {moment} AS {_TIME}",
            schema.append(time),
            *(() if latest is None else (f"WHERE {moment} >= @since", latest - AGAIN)),
        )
        table = pa.concat_tables(found)
        found_columns = fill_defaults(table.select(list(columns)), KINDS[kind].schema_of(columns))
        return found_columns, _Latest(pc.max(table.column(_TIME)).as_py())

    def __str__(self) -> str:
        """Return the value of the flag."""
        return str(self._target)

    def _select(self, kind: str, columns: Sequence[str]) -> str:
        """Return columns as SQL; null in place of those that a table of an older release lacks."""
        added = [field for field in KINDS[kind].schema_of(columns) if has_default(field)]
        if not added:
            return _names(columns)
        with explained(self._target):
            try:
                found = self._client.get_table(self._target.table_of(kind), retry=None, timeout=ANSWER_S)
            except exceptions.NotFound:  # the query will find that, too
                return _names(columns)
        present = {column.name for column in found.schema}
        absent = {field.name: f"CAST(NULL AS {sql_type(field)}) AS" for field in added if field.name not in present}
        return ", ".join(f"{absent.get(name, '')} `{name}`".lstrip() for name in columns)

    def _query(
        self, kind: str, what: str, schema: pa.Schema, where: str = "", since: datetime | None = None
    ) -> Iterator[pa.Table]:
        given = [] if since is None else [bigquery.ScalarQueryParameter("since", "TIMESTAMP", since)]
        sql = f"SELECT {what} FROM `{self._target.table_of(kind)}` {where}"
        settings = bigquery.QueryJobConfig(query_parameters=given)
        with explained(self._target):
            try:
                job = self._client.query(sql, settings, retry=None, timeout=ANSWER_S, job_retry=None)
                rows = job.result(page_size=PAGE_ROWS, retry=_RETRY, timeout=_QUERY_S, job_retry=None)
            except exceptions.NotFound:  # a dataset need not have the tables of optional kinds
                check_dataset(self._client, self._target)
                return
            except TimeoutError as error:
                problem = f"no answer to a query of {kind} within {_QUERY_S:.0f} s"
                raise ConfigError(self.flag, self._target, problem) from error
            for batch in rows.to_arrow_iterable():
                yield pa.Table.from_batches([batch]).cast(schema)

    def _has_rows(self, kind: str) -> bool:
        pages = self._query(kind, "1 AS one", pa.schema([("one", pa.int64())]), "LIMIT 1")
        return any(len(page) for page in pages)


def _names(columns: Sequence[str]) -> str:
    """Return column names in backquotes: some, like `count`, are keywords of SQL."""
    return ", ".join(f"`{name}`" for name in columns)
