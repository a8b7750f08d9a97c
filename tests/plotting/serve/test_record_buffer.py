"""Check that a buffer keeps each record once, in any order of arrival, and evicts the oldest."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plotting.serve.live_run import LETTER_COLUMNS, LETTER_IDENTITY
from plotting.serve.record_buffer import AnomalyBuffer, RecordBuffer
from tests.support.live_tables import table
from tests.support.report_pages import letter
from tests.support.runs import MINUTE, T0, anomaly

ANOMALIES = st.lists(
    st.builds(
        lambda device, at, rule, metric: anomaly(device, T0 + at * MINUTE, 30.0 + at, rule=rule, metric=metric),
        st.sampled_from("ab"),
        st.integers(0, 9),
        st.sampled_from(["high", "spike"]),
        st.sampled_from(["temp", "humidity"]),
    ),
    min_size=1,
    max_size=30,
)


def ids(frame) -> Any:
    return frame["anomaly_id"].tolist()


@settings(max_examples=40, deadline=None)
@given(anomalies=ANOMALIES, data=st.data())
def test_each_once_in_any_order_and_any_parts(anomalies, data):
    whole, parts = AnomalyBuffer(), AnomalyBuffer()
    whole.add(table("anomalies", anomalies))
    shuffled = data.draw(st.permutations([*anomalies, *anomalies[:5]]))
    size = data.draw(st.integers(1, 10))
    for start in range(0, len(shuffled), size):
        parts.add(table("anomalies", shuffled[start : start + size]))
    assert ids(parts.frame) == ids(whole.frame)
    assert sorted(ids(whole.frame)) == sorted({one.anomaly_id for one in anomalies})
    assert whole.frame["event_time"].is_monotonic_increasing
    assert whole.total == parts.total == len(whole.frame)
    assert whole.dropped == 0
    for metric, device in sorted(whole.keys()):
        expected = [one for one in ids(whole.frame) if f"/{device}/{metric}/" in one]
        assert ids(whole.of(metric, device)) == ids(parts.of(metric, device)) == expected
    assert len(whole.of("temp", "nobody")) == 0


def test_add_returns_what_is_new():
    found = AnomalyBuffer()
    first, second = anomaly("a", T0), anomaly("b", T0 + MINUTE)
    assert ids(found.add(table("anomalies", [first, first]))) == [first.anomaly_id]
    assert ids(found.add(table("anomalies", [first, second]))) == [second.anomaly_id]
    assert ids(found.add(table("anomalies", [second, first]))) == []
    assert ids(found.newest(5)) == [second.anomaly_id, first.anomaly_id]
    assert ids(found.newest(1)) == [second.anomaly_id]
    assert found.newest_us() == T0 + MINUTE
    assert AnomalyBuffer().newest_us() is None


@settings(max_examples=40, deadline=None)
@given(order=st.permutations(range(12)), size=st.integers(1, 5))
def test_the_newest_are_held_and_all_are_counted_once_however_often_they_come(order, size):
    found = AnomalyBuffer(max_records=8)
    rows = [anomaly("ab"[at % 2], T0 + at * MINUTE) for at in order]
    for start in range(0, len(rows), size):
        assert len(found.add(table("anomalies", rows[start : start + size]))) == len(rows[start : start + size])
    for _ in range(3):
        assert not len(found.add(table("anomalies", rows)))
    assert ids(found.frame) == [anomaly("ab"[at % 2], T0 + at * MINUTE).anomaly_id for at in range(4, 12)]
    assert (found.total, found.dropped) == (12, 4)
    assert ids(found.of("temp", "a")) == [anomaly("a", T0 + at * MINUTE).anomaly_id for at in range(4, 12, 2)]


def test_it_says_who_has_been_let_go():
    found = AnomalyBuffer(max_records=2)
    found.add(table("anomalies", [anomaly("a", T0), anomaly("b", T0 + MINUTE)]))
    assert ids(found.evicted) == []
    found.add(table("anomalies", [anomaly("b", T0 + 2 * MINUTE)]))
    assert found.evicted["device"].tolist() == ["a"]
    assert found.keys() == {("temp", "b")}
    found.add(table("anomalies", [anomaly("b", T0 + 2 * MINUTE)]))
    assert ids(found.evicted) == []


def test_memory_does_not_grow_with_what_comes():
    found = AnomalyBuffer(max_records=50)
    for hour in range(100):
        found.add(table("anomalies", [anomaly("a", T0 + (hour * 10 + at) * MINUTE) for at in range(10)]))
        assert len(found.frame) <= 50
        assert len(found.evicted_ids) <= 50
    assert found.total == 1000


@pytest.mark.parametrize("field", ["message_id", "line", "reason", "stage"])
def test_letters_that_differ_in_anything_that_names_them_are_two(field):
    letters = RecordBuffer(LETTER_IDENTITY, ("reason", "event_time"))
    other = msgspec.structs.replace(letter(), **{field: 7 if field == "line" else "other"})
    letters.add(table("dead_letters", [letter(), letter(), other]))
    assert letters.total == 2


def test_letters_without_line_or_time_are_counted_once_and_let_go_first():
    letters = RecordBuffer(LETTER_IDENTITY, LETTER_COLUMNS, max_records=2)
    whole = msgspec.structs.replace(letter("not_json"), line=None)
    dated = [msgspec.structs.replace(letter(line=n), event_time=T0 + n) for n in (2, 3)]
    assert len(letters.add(table("dead_letters", [whole, whole]))) == 1
    assert len(letters.add(table("dead_letters", [whole, dated[1]]))) == 1
    assert letters.frame["event_time"].isna().tolist() == [True, False]
    letters.add(table("dead_letters", [dated[0]]))
    assert letters.frame["line"].tolist() == [2, 3]
    assert (letters.total, letters.dropped) == (3, 1)
