"""The latest transition of each incident, whatever the order and repetitions of the rows."""

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from telemetry.model.latest_incidents import ORDER, latest_incidents
from telemetry.model.record_batches import arrow_schema, from_records
from telemetry.model.records import Incident
from tests.support.records import START, incident


def table_of(*transitions: Incident) -> pa.Table:
    return pa.Table.from_batches([from_records(Incident, transitions)])


def test_the_highest_sequence_counts():
    early, late = incident("x", 2, "updated"), incident("x", 10, "closed", START + 9)
    other = incident("w", 0)
    assert latest_incidents(table_of(early, other, late, early)) == table_of(other, late)


def test_of_several_jobs_the_one_that_went_on_counts():
    """The first was cut; the second read the same from the beginning, and saw the end."""
    cut = [incident("x", number, "updated", job="a") for number in range(3)]
    whole = [incident("x", number, "updated", job="b") for number in range(4)]
    assert latest_incidents(table_of(*cut, *whole)) == table_of(whole[-1])
    assert latest_incidents(table_of(*whole[:3], *cut)) == table_of(cut[-1])


def test_some_columns_are_enough():
    table = table_of(incident("x", 0), incident("x", 1, "closed")).select([*ORDER, "state"])
    found = latest_incidents(table)
    assert found.to_pylist() == [{"incident_id": "x", "sequence": 1, "job_id": "", "state": "closed"}]


def test_of_nothing_there_is_none():
    empty = arrow_schema(Incident).empty_table()
    assert latest_incidents(empty) == empty


keys = st.tuples(st.sampled_from("xyz"), st.integers(0, 4), st.sampled_from(["", "a", "b"]))


@given(st.lists(keys, max_size=20), st.randoms(use_true_random=False))
def test_it_is_what_a_loop_finds_in_any_order_and_any_chunks(drawn, random):
    rows = [incident(name, sequence, job=job) for name, sequence, job in drawn]
    best: dict[str, Incident] = {}
    for row in rows:
        known = best.get(row.incident_id)
        if known is None or (-row.sequence, row.job_id) < (-known.sequence, known.job_id):
            best[row.incident_id] = row
    shuffled = random.sample(rows, len(rows))
    half = len(rows) // 2
    parts = [from_records(Incident, part) for part in (shuffled[:half], shuffled[half:])]
    found = latest_incidents(pa.Table.from_batches(parts))
    assert found.equals(table_of(*(best[name] for name in sorted(best))))
