"""Inserting rows into a service that refuses some, fails for a while, or for good.

The emulator that the other tests use refuses hardly anything, so here the service's answers are scripted.
"""

from collections.abc import Sequence
from typing import Any, cast

import msgspec
import pytest
import requests
from google.api_core import exceptions
from google.cloud import bigquery

from telemetry.bigquery.inserts import RETRIES, insert_rows
from telemetry.bigquery.schema import BigQueryTarget
from telemetry.errors import OutputError
from telemetry.retries import Retries
from tests.support.clocks import FakeClock
from tests.support.records import START, anomaly, batch_of, dead
from transforms.outputs.insert_rows import insert_batch

TABLE = "project.dataset.anomalies"
ROWS = [{"n": number} for number in range(4)]
IDS = ["a", "b", "c", "d"]


class Service:
    """Answers each request with the next of these, and keeps what it was sent."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.requests: list[list[tuple[int, str]]] = []

    def insert_rows_json(self, table: str, rows: Sequence[dict[str, Any]], **options: Any) -> Any:
        assert table == TABLE
        assert options["skip_invalid_rows"] is True
        assert options["retry"] is None
        self.requests.append(list(zip([row["n"] for row in rows], options["row_ids"], strict=True)))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def problem(index: int, *reasons: str) -> dict[str, Any]:
    return {"index": index, "errors": [{"reason": r, "location": "temp", "message": f"it is {r}"} for r in reasons]}


def insert(service: Service, clock: FakeClock | None = None) -> dict[int, str]:
    clock = clock or FakeClock()
    return insert_rows(cast(bigquery.Client, service), TABLE, ROWS, IDS, Retries(RETRIES, clock.read, clock.sleep))


ALL = [(0, "a"), (1, "b"), (2, "c"), (3, "d")]


def test_each_row_goes_out_once_under_its_own_id():
    service = Service([])
    assert insert(service) == {}
    assert service.requests == [ALL]


def test_a_refused_row_is_named_and_the_others_are_in():
    service = Service([problem(1, "invalid"), problem(3, "invalid", "stopped")])
    assert insert(service) == {1: "temp: it is invalid", 3: "temp: it is invalid; temp: it is stopped"}
    assert service.requests == [ALL]


def test_rows_that_were_only_unlucky_are_sent_again():
    clock = FakeClock()
    service = Service(
        [problem(0, "backendError"), problem(2, "invalid"), problem(3, "stopped")], [problem(1, "invalid")]
    )
    assert insert(service, clock) == {2: "temp: it is invalid", 3: "temp: it is invalid"}
    assert service.requests == [ALL, [(0, "a"), (3, "d")]]
    assert clock.pauses == [0.25]


@pytest.mark.parametrize(
    "failure",
    [
        requests.exceptions.ConnectionError("refused"),
        exceptions.ServiceUnavailable("not now"),
        exceptions.InternalServerError("oops"),
        exceptions.TooManyRequests("slowly"),
        exceptions.NotFound("the table is very new"),
    ],
)
def test_a_service_that_is_away_is_asked_again_with_growing_pauses(failure):
    clock = FakeClock()
    service = Service(*([failure] * 7), [])
    assert insert(service, clock) == {}
    assert service.requests == [ALL] * 8
    assert clock.pauses == [0.25, 0.5, 1.0, 2.0, 4.0, 5.0, 5.0]


def test_patience_ends():
    clock = FakeClock()
    service = Service(*([exceptions.ServiceUnavailable("not now")] * 30))
    with pytest.raises(OutputError, match=r"^project\.dataset\.anomalies: cannot be written: 503 not now$"):
        insert(service, clock)
    assert sum(clock.pauses) == 60.0
    assert clock.pauses[:7] == [0.25, 0.5, 1.0, 2.0, 4.0, 5.0, 5.0]


def test_what_will_not_get_better_is_not_tried_again():
    service = Service(exceptions.Forbidden("no permission"))
    with pytest.raises(OutputError, match="no permission"):
        insert(service)
    assert len(service.requests) == 1


# Refused rows of a batch


class RefusesAll:
    def insert_rows_json(self, _table: str, rows: Sequence[dict[str, Any]], **_: Any) -> Any:
        return [problem(index, "invalid") for index in range(len(rows))]


class TakesAll:
    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []

    def insert_rows_json(self, _table: str, rows: Sequence[dict[str, Any]], **_: Any) -> Any:
        self.rows += rows
        return []


TARGET = BigQueryTarget("project", "dataset")


def test_refused_rows_are_told_by_their_place_in_the_batch(monkeypatch):
    monkeypatch.setattr("transforms.outputs.insert_rows.shared_client", lambda _: RefusesAll())
    batch = batch_of(anomaly(START), anomaly(START, float("inf")), anomaly(START + 1))
    refused = insert_batch("anomalies", TARGET, batch)
    assert refused == {0: "temp: it is invalid", 1: "value: is inf", 2: "temp: it is invalid"}


def test_a_dead_letter_that_is_refused_fails_the_job_unless_it_is_kept_elsewhere(monkeypatch):
    monkeypatch.setattr("transforms.outputs.insert_rows.shared_client", lambda _: RefusesAll())
    batch = batch_of(dead(START, None))
    with pytest.raises(OutputError, match=r"project\.dataset\.dead_letters refuses a row: temp: it is invalid"):
        insert_batch("dead_letters", TARGET, batch)
    assert insert_batch("dead_letters", TARGET, batch, kept_elsewhere=True) == {0: "temp: it is invalid"}


def test_a_dead_letter_too_large_for_a_row_goes_without_its_payload_only_if_it_is_kept_elsewhere(monkeypatch):
    service = TakesAll()
    monkeypatch.setattr("transforms.outputs.insert_rows.shared_client", lambda _: service)
    batch = batch_of(msgspec.structs.replace(dead(START, None), payload="A" * 10_000_000), dead(START, None))
    with pytest.raises(OutputError, match="row of 100"):
        insert_batch("dead_letters", TARGET, batch)
    service.rows.clear()
    assert insert_batch("dead_letters", TARGET, batch, kept_elsewhere=True) == {}
    small, large = service.rows
    assert (small["payload"], large["payload"]) == ("AAE=", "")
    assert "(payload not here: row of 10000" in large["error"]
