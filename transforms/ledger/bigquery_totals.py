"""Count the results in a BigQuery dataset, by queries, for the ledger check."""

from typing import Final

from google.api_core import exceptions

from telemetry.bigquery.client import ANSWER_S, check_dataset, connect, explained
from telemetry.bigquery.rows import TABLE, JsonRow
from telemetry.bigquery.schema import BigQueryTarget
from telemetry.model.kinds import KINDS
from telemetry.model.output_kind import OutputKind
from transforms.ledger.totals import StoredTotals, counted_kinds

_QUERY_S: Final = 300.0


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
            entries = self._rows(
                "SELECT run_id, item, detail, SUM(`count`) AS n FROM (SELECT DISTINCT entry_id, run_id, item, detail, "
                "`count` FROM {ledger}) AS entries GROUP BY run_id, item, detail"
            )
            found.ledger = {(row["run_id"], row["item"], row["detail"]): row["n"] for row in entries}
            found.values = self._counts("metric", "SUM(`count`)", "{latest_aggregates}")
            for kind in counted_kinds():
                if not kind.optional or self._has(kind.name):
                    found.records[kind.name] = self._count(kind)
            letters = _distinct(KINDS["dead_letters"], "attributes")
            refused = self._counts(f"JSON_VALUE(attributes, '$.{TABLE}')", "COUNT(*)", letters)
            found.refused = {table: number for table, number in refused.items() if table}
        return found

    def _count(self, kind: OutputKind) -> dict[str, int]:
        detail = kind.ledger_detail
        return self._counts(detail or "''", "COUNT(*)", _distinct(kind, *([detail] if detail else [])))

    def _counts(self, key: str, number: str, source: str) -> dict[str, int]:
        rows = self._rows(f"SELECT {key} AS k, {number} AS n FROM {source} GROUP BY k")
        return {row["k"]: row["n"] for row in rows}

    def _has(self, name: str) -> bool:
        try:
            self._client.get_table(self._target.table(name), retry=None, timeout=ANSWER_S)
        except exceptions.NotFound:
            return False
        return True

    def _rows(self, sql: str) -> list[JsonRow]:
        names = {name: f"`{self._target.table(name)}`" for name in (*KINDS, "latest_aggregates")}
        job = self._client.query(sql.format(**names), retry=None, timeout=ANSWER_S, job_retry=None)
        return [dict(row) for row in job.result(timeout=_QUERY_S)]


def _distinct(kind: OutputKind, *more: str) -> str:
    columns = ", ".join(dict.fromkeys((*kind.identity, *more)))
    return f"(SELECT DISTINCT {columns} FROM {{{kind.name}}}) AS records"
