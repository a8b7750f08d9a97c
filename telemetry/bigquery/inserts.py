"""Insert rows into a BigQuery table by streaming inserts: retry while the service is away, return refused rows."""

import functools
from collections.abc import Mapping, Sequence
from typing import Any, Final

from google.api_core import exceptions
from google.cloud import bigquery

from telemetry.bigquery.client import ANSWER_S, UNREACHABLE, connect
from telemetry.bigquery.rows import JsonRow
from telemetry.bigquery.schema import BigQueryTarget
from telemetry.errors import OutputError
from telemetry.retries import Retries, RetryPolicy

RETRIES: Final = RetryPolicy(patience_s=60.0, first_pause_s=0.25, longest_pause_s=5.0)
"""For a service that does not take rows."""
_TRY_AGAIN: Final = (
    *UNREACHABLE,
    exceptions.ServerError,
    exceptions.TooManyRequests,
    exceptions.NotFound,  # the streaming service knows a new table only after a while
)
_ROW_TRY_AGAIN: Final = frozenset({"backendError", "internalError", "rateLimitExceeded", "stopped", "timeout"})
"""Reasons of errors of single rows that are not the row's fault (https://cloud.google.com/bigquery/docs/error-messages)."""


@functools.lru_cache(maxsize=8)
def shared_client(target: BigQueryTarget) -> bigquery.Client:
    """Return this process's client for a target; Beam may set up a step again for each bundle."""
    return connect(target)


def insert_rows(
    client: bigquery.Client, table: str, rows: Sequence[JsonRow], ids: Sequence[str], retries: Retries | None = None
) -> dict[int, str]:
    """Insert rows, each under its own id, so that one that is sent twice is stored once (best effort of the service).

    Args:
        client: for the table's project.
        table: full name.
        rows: JSON-ready.
        ids: of each row.
        retries: for a service that does not take rows; None for those of `RETRIES`.

    Returns:
        The problem of each refused row, by its index.

    Raises:
        OutputError: if the service takes no rows.
    """
    refused: dict[int, str] = {}
    left = list(range(len(rows)))
    retries = retries or Retries(RETRIES)
    retries.begin()
    while left:
        left, problem = _attempt(client, table, rows, ids, left, refused)
        if left and not retries.wait():
            raise OutputError(f"{table}: cannot be written: {problem}")
    return refused


def _attempt(
    client: bigquery.Client,
    table: str,
    rows: Sequence[JsonRow],
    ids: Sequence[str],
    left: list[int],
    refused: dict[int, str],
) -> tuple[list[int], str]:
    """Send rows once; return those to send again and why, and add those refused for good to `refused`."""
    try:
        answers: Sequence[Mapping[str, Any]] = client.insert_rows_json(
            table,
            [rows[index] for index in left],
            row_ids=[ids[index] for index in left],
            skip_invalid_rows=True,  # without it one bad row makes all others fail
            retry=None,
            timeout=ANSWER_S,
        )
    except _TRY_AGAIN as error:
        return left, " ".join(str(error).split())
    except exceptions.GoogleAPICallError as error:
        raise OutputError(f"{table}: cannot be written: {error.message or error}") from error
    again, problem = [], ""
    for answer in answers:
        index, errors = left[answer["index"]], answer["errors"]
        text = "; ".join(f"{one.get('location') or 'row'}: {one.get('message') or one.get('reason')}" for one in errors)
        if all(one.get("reason") in _ROW_TRY_AGAIN for one in errors):
            again.append(index)
            problem = text
        else:
            refused[index] = text
    return again, problem
