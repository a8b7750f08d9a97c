"""Rows for tables: their content, their ids, how they are divided, and what is refused before it is sent."""

import base64
import json

import msgspec
import pytest

from telemetry.bigquery import rows
from telemetry.bigquery.rows import MAX_REQUEST_ROWS, json_rows, not_stored, row_ids, split_requests, unfit_rows
from telemetry.model.record_batches import arrow_schema
from telemetry.model.records import Anomaly, LedgerEntry
from tests.support.records import START, aggregate, anomaly, batch_of, dead, incident


def test_rows_are_json_objects_with_rfc_3339_times():
    (row,) = json_rows(batch_of(dead(None, START)))
    assert row["event_time"] == "2020-07-12T00:00:00.000000Z"
    assert (row["publish_time"], row["line"], row["payload"]) == (None, None, "AAE=")
    assert json.loads(json.dumps(row)) == row


@pytest.mark.parametrize(
    ("kind", "record", "others"),
    [
        ("anomalies", anomaly(START), [anomaly(START + 1), anomaly(START, 32.0)]),
        ("incidents", incident("x", 0), [incident("x", 1), incident("y", 0), incident("x", 0, job="j")]),
        ("aggregates", aggregate(START, 0), [aggregate(START, 1), aggregate(START + 60, 0)]),
        ("dead_letters", dead(START, None), [msgspec.structs.replace(dead(START, None), line=2)]),
        (
            "ledger",
            LedgerEntry("1", "", "values", "temp", 3, START),
            [LedgerEntry("2", "", "values", "temp", 3, START)],
        ),
    ],
)
def test_an_id_is_the_records_own(kind, record, others):
    (first,) = row_ids(kind, json_rows(batch_of(record)))
    assert row_ids(kind, json_rows(batch_of(record, *others))) == [
        first,
        *(row_ids(kind, json_rows(batch_of(other)))[0] for other in others),
    ]
    assert len({first, *(row_ids(kind, json_rows(batch_of(other)))[0] for other in others)}) == 1 + len(others)
    assert len(first) == 32


def test_a_pane_that_is_inserted_again_with_other_numbers_has_the_same_id():
    again = [row_ids("aggregates", json_rows(batch_of(aggregate(START, 0, count))))[0] for count in (2, 3)]
    assert again[0] == again[1]


def test_what_the_schema_does_not_allow_is_found():
    rows = json_rows(batch_of(anomaly(START), anomaly(START, float("inf")), anomaly(START, float("nan"))))
    rows.append(rows[0] | {"device": None})
    assert unfit_rows(arrow_schema(Anomaly), rows) == {1: "value: is inf", 2: "value: is nan", 3: "device: is required"}


def test_a_refused_transition_names_its_table():
    (letter,) = not_stored("incidents", batch_of(incident()), {0: "no"}, "p.d.incident_transitions").to_pylist()
    assert json.loads(letter["attributes"]) == {"table": "incident_transitions"}
    row = json.loads(base64.b64decode(letter["payload"]))
    assert (row["first"], row["stale"], row["closed_at"]) == (True, False, None)


def test_requests_are_bounded_in_rows_and_bytes(monkeypatch):
    small = [{"n": number} for number in range(2 * MAX_REQUEST_ROWS + 1)]
    requests, oversized = split_requests(small)
    assert [len(request) for request in requests] == [MAX_REQUEST_ROWS, MAX_REQUEST_ROWS, 1]
    assert [index for request in requests for index in request] == list(range(len(small)))
    assert oversized == {}
    monkeypatch.setattr(rows, "MAX_REQUEST_BYTES", 100)
    monkeypatch.setattr(rows, "MAX_ROW_BYTES", 60)
    texts = [{"t": "x" * size} for size in (40, 40, 40, 70, 10)]
    requests, oversized = split_requests(texts)
    assert requests == [[0, 1], [2, 4]]
    assert oversized == {3: 78}


def test_a_refused_row_becomes_a_dead_letter_that_holds_it():
    batch = batch_of(anomaly(START), anomaly(START + 1))
    (letter,) = not_stored("anomalies", batch, {1: "device: no"}, "p.d.anomalies").to_pylist()
    assert (letter["reason"], letter["stage"]) == ("not_stored", "bigquery")
    assert letter["error"] == "p.d.anomalies: device: no"
    assert json.loads(base64.b64decode(letter["payload"])) == json_rows(batch)[1]
    assert json.loads(letter["attributes"]) == {"table": "anomalies"}
    assert (letter["message_id"], letter["line"]) == ("m", None)
    assert letter["event_time"].timestamp() == pytest.approx((START + 1) / 1e6)
