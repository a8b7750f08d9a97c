"""Parts of records that are readings."""

from typing import Any

import pytest

from telemetry.feed.formats.explode import TooManyElementsError
from telemetry.feed.readings import record_rows
from telemetry.feed.readings.record_rows import NoElementsError, RecordParts, compile_element_field


def values(record: dict[str, Any], records: str, names: str, time: str = "", *, by_name: bool = False) -> list[Any]:
    """Return the values of some fields of each part."""
    look_ups = [compile_element_field(name) for name in names.split()]
    parts = RecordParts(records, time, by_name=by_name).of(record)
    return [tuple(part.value(look_up) for look_up in look_ups) for part in parts]


def written(record: dict[str, Any], records: str, time: str = "") -> list[Any]:
    return [part.written() for part in RecordParts(records, time).of(record)]


NODES = {
    "gateway": "g",
    "nodes": [
        {"id": "a", "at": {"t": 0}, "readings": [{"t": 1, "v": 2}, {"t": 3, "id": "c"}]},
        {"id": "b", "readings": {"t": 4, "v": 5}},
        {"id": "d"},
    ],
}


def test_values_are_looked_up_from_the_element_outwards() -> None:
    expected = [("g", "a", 1, 2), ("g", "c", 3, None), ("g", "b", 4, 5), ("g", "d", None, None)]
    for records in ("nodes.*.readings", "nodes[*].readings"):
        assert values(NODES, records, "gateway id t v") == expected
    assert values(NODES, "nodes", "id") == [("a",), ("b",), ("d",)]
    assert values(NODES, "nodes.*.readings", "nodes.id at.t")[0] == ("a", 0)


def test_a_part_is_written_so_that_it_is_read_alone() -> None:
    parts = RecordParts("nodes.*.readings", "").of(NODES)
    one = {"gateway": "g", "nodes": [{"id": "a", "at": {"t": 0}, "readings": [{"t": 3, "id": "c"}]}]}
    assert parts[1].written() == one
    (again,) = RecordParts("nodes.*.readings", "").of(one)
    assert (again.fields, again.around) == (parts[1].fields, parts[1].around)
    assert parts[2].written() == {"gateway": "g", "nodes": [{"id": "b", "readings": {"t": 4, "v": 5}}]}


def test_an_object_is_one_reading_unless_its_names_matter() -> None:
    record = {"id": "x", "data": {"a": {"v": 1}, "b": {"v": 2}}}
    assert values(record, "data", "id a.v") == [("x", 1)]
    assert written(record, "data") == [None]
    assert values(record, "data.*", "* v") == [("a", 1), ("b", 2)]
    assert values(record, "data", "* v", by_name=True) == [("a", 1), ("b", 2)]
    assert values({"a": 1, "b": 2}, "*", "* value") == [("a", 1), ("b", 2)]
    assert written({"a": [{"v": 1}, {"v": 2}], "b": [{"v": 3}]}, "*.*") == [
        {"a": [{"v": 1}]}, {"a": [{"v": 2}]}, {"b": [{"v": 3}]}
    ]  # fmt: skip


def test_texts_on_the_way_are_decoded() -> None:
    record = {"id": "x", "body": '{"v": 1}', "packed": "W3sidiI6IDJ9LCB7InYiOiAzfV0="}
    assert values(record, "body|json", "id v") == [("x", 1)]
    assert values(record, "packed|base64|json", "id v") == [("x", 2), ("x", 3)]
    assert written(record, "packed|base64|json")[1] == {"id": "x", "body": '{"v": 1}', "packed": [{"v": 3}]}


def test_elements_may_be_lists_and_numbers() -> None:
    record = {"columns": ["t", "v"], "values": [[1, 2], [3, 4]], "numbers": [5, 6]}
    assert values(record, "values", "[0] [1]") == [(1, 2), (3, 4)]
    assert values(record, "numbers", "value columns[0]") == [(5, "t"), (6, "t")]


def test_a_list_of_times_makes_rows_of_the_other_lists() -> None:
    record = {"id": "x", "hourly": {"time": [1, 2], "temp": [3, None], "note": [9]}}
    for records, prefix in (("hourly", ""), ("", "hourly.")):
        names = f"id {prefix}time {prefix}temp {prefix}note"
        assert values(record, records, names, f"{prefix}time") == [("x", 1, 3, [9]), ("x", 2, None, [9])]
        cut = [{"id": "x", "hourly": {"time": [one], "temp": [temp], "note": [9]}} for one, temp in ((1, 3), (2, None))]
        assert written(record, records, f"{prefix}time") == cut
    assert values({"list": [{"t": [1, 2], "v": [3, 4]}]}, "list", "t v", "t") == [(1, 3), (2, 4)]
    assert written({"list": [{"t": [1, 2]}]}, "list", "t") == [{"list": [{"t": [1]}]}, {"list": [{"t": [2]}]}]


def test_lists_may_be_empty_absent_or_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NoElementsError, match="list holds nothing"):
        RecordParts("list", "t").of({"list": []})
    with pytest.raises(NoElementsError, match="the time holds nothing"):
        RecordParts("", "t").of({"t": []})
    assert values({"t": 1}, "list", "t", "t") == [(1,)]
    monkeypatch.setattr(record_rows, "MOST_TIMES", 2)
    with pytest.raises(TooManyElementsError, match="a list of 3 times, at most 2 are read"):
        RecordParts("", "t").of({"t": [1, 2, 3]})
