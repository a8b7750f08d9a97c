"""Count the results in a BigQuery dataset, by queries, for the ledger check."""

from typing import Final

from google.api_core import exceptions

from telemetry.bigquery.client import ANSWER_S, check_dataset, connect, explained
from telemetry.bigquery.rows import TABLE, JsonRow
from telemetry.bigquery.schema import BigQueryTarget
from telemetry.model import ledger_items
from telemetry.model.kinds import KINDS
from telemetry.model.output_kind import OutputKind
from transforms.ledger.hour_sums import HourKey, Sums
from transforms.ledger.totals import StoredTotals, add_entries, counted_kinds

_QUERY_S: Final = 300.0
_ENTRIES: Final = """
SELECT COALESCE(job_id, '') AS job_id, run_id, item, detail, UNIX_MICROS(hour_start) AS hour, SUM(`count`) AS `count`,
  IF(COUNTIF(total IS NULL) = 0, SUM(total), NULL) AS total, CAST(NULL AS FLOAT64) AS weighted,
  IF(COUNTIF(low IS NULL) = 0, MIN(low), NULL) AS low, IF(COUNTIF(high IS NULL) = 0, MAX(high), NULL) AS high,
  IF(COUNTIF(checksum IS NULL) = 0, 0, NULL) AS checksum
FROM (
  SELECT DISTINCT entry_id, job_id, run_id, item, detail, hour_start, `count`, total, low, high, checksum FROM {ledger}
) AS entries
GROUP BY 1, 2, 3, 4, 5
"""
_WINDOWS: Final = """
SELECT COALESCE(job_id, '') AS job_id, metric AS detail, UNIX_MICROS(TIMESTAMP_TRUNC(window_start, HOUR)) AS hour,
  SUM(`count`) AS n, SUM(mean * `count`) AS total, MIN(`min`) AS low, MAX(`max`) AS high
FROM (
  SELECT *, ROW_NUMBER() OVER (
    PARTITION BY device, metric, window_start, window_end, COALESCE(job_id, '') ORDER BY pane_index DESC
  ) AS newest
  FROM {aggregates}
) AS panes
WHERE newest = 1
GROUP BY 1, 2, 3
"""
_REFUSED: Final = (
    f"SELECT JSON_VALUE(attributes, '$.{TABLE}') AS k, COUNT(*) AS n FROM (SELECT DISTINCT "
    f"{', '.join(dict.fromkeys((*KINDS['dead_letters'].identity, 'attributes')))} FROM {{dead_letters}}) AS records "
    "GROUP BY 1"
)


class DatasetTotals:
    """Totals of a dataset, counted by BigQuery itself; see `transforms.ledger.totals`."""

    def __init__(self, target: BigQueryTarget) -> None:
        """Connect.

        Raises:
            ConfigError: if there are no credentials.
        """
        self._target = target
        self._client = connect(target)

    def totals(self) -> StoredTotals:
        """Query all tables and return the totals.

        Raises:
            ConfigError: if the dataset or a table is missing, or BigQuery does not answer.
        """
        found = StoredTotals(str(self._target))
        with explained(self._target):
            check_dataset(self._client, self._target)
            add_entries(found, iter(self._rows(_ENTRIES)))
            found.found = self._sums(_WINDOWS, ledger_items.VALUES)
            for kind in counted_kinds():
                if self._has(kind.name):  # a dataset of an older release lacks the tables of newer kinds
                    found.found |= self._sums(_records_sql(kind), kind.ledger_item)
            refused = self._rows(_REFUSED)
            found.refused = {row["k"]: row["n"] for row in refused if row["k"]}
            (shared,) = self._rows("SELECT COALESCE(SUM(jobs - 1), 0) AS n FROM {latest_aggregates}")
            found.shared_windows = int(shared["n"])
        found.count_found()
        found.jobs = dict.fromkeys(sorted({key.job for key in (*found.expected, *found.found)}), "")
        return found

    def _sums(self, sql: str, item: str) -> dict[HourKey, Sums]:
        return {
            HourKey(row["job_id"], item, row["detail"], row["hour"]): Sums(
                row["n"], row.get("total"), low=row.get("low"), high=row.get("high")
            )
            for row in self._rows(sql)
        }

    def _has(self, kind: str) -> bool:
        try:
            self._client.get_table(self._target.table_of(kind), retry=None, timeout=ANSWER_S)
        except exceptions.NotFound:
            return False
        return True

    def _rows(self, sql: str) -> list[JsonRow]:
        names = {kind: f"`{self._target.table_of(kind)}`" for kind in KINDS}
        names["latest_aggregates"] = f"`{self._target.table('latest_aggregates')}`"
        job = self._client.query(sql.format(**names), retry=None, timeout=ANSWER_S, job_retry=None)
        return [dict(row) for row in job.result(timeout=_QUERY_S)]


def _records_sql(kind: OutputKind) -> str:
    """Return the query of the sums of the records of a kind, each record counted once."""
    detail, values = kind.ledger_detail or "''", ""
    columns = [*kind.identity, *kind.time_columns, *([kind.ledger_detail] if kind.ledger_detail else [])]
    if "value" in kind.schema().names:
        columns.append("value")
        values = ", SUM(value) AS total, MIN(value) AS low, MAX(value) AS high"
    hour = f"UNIX_MICROS(TIMESTAMP_TRUNC(COALESCE({', '.join(kind.time_columns)}), HOUR))"
    return (
        f"SELECT COALESCE(job_id, '') AS job_id, {detail} AS detail, {hour} AS hour, COUNT(*) AS n{values} "
        f"FROM (SELECT DISTINCT {', '.join(dict.fromkeys(columns))} FROM {{{kind.name}}}) AS records "
        "GROUP BY 1, 2, 3"
    )
