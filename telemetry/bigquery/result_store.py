"""Read results that a job has stored in BigQuery as Arrow tables: `telemetry.storage.result_store` of a dataset.

Rows come over the same REST protocol as everything else here, a page at a time: the Storage Read API would be faster,
but needs a role of its own, and no other server speaks it.
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
from telemetry.bigquery.schema import BigQueryTarget
from telemetry.errors import ConfigError
from telemetry.model.kinds import KINDS
from telemetry.storage.result_store import Mark, concat, schema_of

AGAIN: Final = timedelta(hours=1)
"""How far before the latest time seen `DatasetStore.newer` asks again: rows do not come in order of their times."""
PAGE_ROWS: Final = 50_000
"""Most rows that are held as JSON at once; BigQuery ends a page earlier when it has about 20 MB."""
_QUERY_S: Final = 300.0
_RETRY: Final = bigquery.DEFAULT_RETRY.with_timeout(ANSWER_S)  # one page of many may fail and be asked for again
_TIME: Final = "time_of_record"


@dataclass(frozen=True, slots=True)
class _Latest(Mark):
    """The latest time of the records that have been read; None if none of them had a time."""

    time: datetime | None


class DatasetStore:
    """The tables of a dataset; see `telemetry.storage.result_store.ResultStore`.

    Attributes:
        flag: what names it on a command line.
    """

    flag: Final = "--bigquery"

    def __init__(self, target: BigQueryTarget) -> None:
        """Connect.

        Raises:
            ConfigError: if there are no credentials.
        """
        self._target = target
        self._client = connect(target)

    def find(self) -> None:
        """Check that the dataset is there.

        Raises:
            ConfigError: if it is missing, or BigQuery does not answer.
        """
        with explained(self._target):
            check_dataset(self._client, self._target)

    def check(self) -> None:
        """Check that there is anything.

        Raises:
            ConfigError: if the dataset is missing, none of its tables has a row, or BigQuery does not answer.
        """
        if not any(self._has_rows(kind) for kind in KINDS):
            raise ConfigError(self.flag, self._target, "no results in it: no row in a table of the job")

    def tables(self, kind: str, columns: Sequence[str]) -> Iterator[pa.Table]:
        """Yield columns of all records of one kind, one table a page of the answer; none if there is no such table.

        Raises:
            ConfigError: if the table lacks a column, or BigQuery does not answer.
        """
        return self._query(kind, _names(columns), schema_of(kind, columns))

    def read(self, kind: str, columns: Sequence[str]) -> pa.Table:
        """Return columns of all records of one kind.

        Raises:
            ConfigError: if the table lacks a column, or BigQuery does not answer.
        """
        return concat(kind, columns, self.tables(kind, columns))

    def newer(self, kind: str, columns: Sequence[str], mark: Mark | None) -> tuple[pa.Table, Mark]:
        """Return columns of the records whose own time is not more than an hour before the latest seen so far.

        BigQuery does not say when a row came, so a record's own time stands for that: the start of its window, when
        a reading was taken, when a dead letter was published (or else its event time); see
        `telemetry.model.kinds.OutputKind`. Only reading from the beginning finds:

        - a record that is stored after one that is more than an hour later, such as a late pane of an old window, or
          the replay of an older day;
        - anything while the latest seen is a time in the future;
        - a record without a time, unless none with a time had been seen.

        Raises:
            ConfigError: if the table lacks a column, or BigQuery does not answer.
        """
        latest = mark.time if isinstance(mark, _Latest) else None
        dates = KINDS[kind].time_columns
        moment = f"COALESCE({_names(dates)})" if len(dates) > 1 else _names(dates)  # bare, a column selects partitions
        time = pa.field(_TIME, pa.timestamp("us", tz="UTC"))
        schema = schema_of(kind, columns)
        found = [schema.append(time).empty_table()]
        found += self._query(
            kind,
            f"{_names(columns)}, {moment} AS {_TIME}",
            schema.append(time),
            *(() if latest is None else (f"WHERE {moment} >= @since", latest - AGAIN)),
        )
        table = pa.concat_tables(found)
        return table.select(list(columns)), _Latest(pc.max(table.column(_TIME)).as_py())

    def __str__(self) -> str:
        """Return it as the flag has it."""
        return str(self._target)

    def _query(
        self, kind: str, what: str, schema: pa.Schema, where: str = "", since: datetime | None = None
    ) -> Iterator[pa.Table]:
        given = [] if since is None else [bigquery.ScalarQueryParameter("since", "TIMESTAMP", since)]
        sql = f"SELECT {what} FROM `{self._target.table(kind)}` {where}"
        settings = bigquery.QueryJobConfig(query_parameters=given)
        with explained(self._target):
            try:
                job = self._client.query(sql, settings, retry=None, timeout=ANSWER_S, job_retry=None)
                rows = job.result(page_size=PAGE_ROWS, retry=_RETRY, timeout=_QUERY_S, job_retry=None)
            except exceptions.NotFound:  # a dataset need not have every table: that of readings depends on a flag
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
    """Return columns as SQL names them: some, like `count`, are words of the language."""
    return ", ".join(f"`{name}`" for name in columns)
