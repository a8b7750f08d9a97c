import base64
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.feed.formats.explode import TooManyElementsError, explode
from telemetry.feed.formats.flatten import MAX_LEAVES, flatten
from telemetry.feed.formats.path_steps import PathMark, parse_path, write_path
from telemetry.feed.formats.paths import MISSING, compile_path
from telemetry.feed.formats.records import FeedFormatError

UPLINK: dict[str, Any] = {
    "end_device_ids": {"device_id": "dev-1"},
    "received_at": "2026-05-25T13:42:11.412345678Z",
    "uplink_message": {
        "decoded_payload": {"temperature_c": 31.9, "humidity_pct": None},
        "rx_metadata": [{"rssi": -68}, {"rssi": -70}],
    },
    "Temp, °C": 21.5,
    "a": {"b.c": 4, 'q"': 5},
    "body": '{"ts": 1, "l": [{"v": 1}, {"v": 2}]}',
    "packed": base64.b64encode(b'{"v": 7}').decode(),
}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("received_at", UPLINK["received_at"]),
        ("end_device_ids.device_id", "dev-1"),
        ("uplink_message.decoded_payload.temperature_c", 31.9),
        ("uplink_message.decoded_payload.humidity_pct", None),
        ("uplink_message.rx_metadata[0].rssi", -68),
        ("uplink_message.rx_metadata[-1].rssi", -70),
        ("Temp, °C", 21.5),
        ('"Temp, °C"', 21.5),
        ('a."b.c"', 4),
        (r'a."q\""', 5),
        ("body|json.l[1].v", 2),
        ("body | json.ts", 1),
        ("packed|base64|json.v", 7),
    ],
)
def test_a_path_leads_to_a_value(path, value):
    assert compile_path(path).get(UPLINK) == value


@pytest.mark.parametrize(
    "path",
    [
        "x",
        "received_at.x",
        "end_device_ids.x",
        "uplink_message.decoded_payload.x",
        "uplink_message.rx_metadata.rssi",
        "uplink_message.rx_metadata[2].rssi",
        "uplink_message.rx_metadata[-3]",
        "uplink_message[0]",
        "received_at[0]",
        "received_at.x.y",
        "received_at|json",
        "received_at|base64",
        "Temp, °C|json",
        "uplink_message.decoded_payload.humidity_pct.x",
    ],
)
def test_a_path_leads_to_nothing(path):
    assert compile_path(path).get(UPLINK) is MISSING
    assert not MISSING


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        ".a",
        "a.",
        "a..b",
        "a[",
        "a[x]",
        "a[1",
        "[0]",
        "|json",
        "a|zip",
        '"a',
        'a"b"',
        "a*",
        '"a"b',
        ".".join("a" * 33),
    ],
)
def test_other_texts_are_no_paths(text):
    with pytest.raises(FeedFormatError, match="path"):
        compile_path(text)


STEPS = st.lists(st.text(max_size=4) | st.integers(-9, 9) | st.sampled_from(PathMark), max_size=5)


@given(st.text(max_size=4), STEPS)
def test_steps_are_read_back_from_their_text(name, steps):
    assert parse_path(write_path([name, *steps])) == (name, *steps)


@given(st.text(max_size=20))
def test_any_text_is_a_path_or_refused(text):
    try:
        steps = parse_path(text)
    except FeedFormatError:
        return
    assert parse_path(write_path(steps)) == steps


def test_each_element_becomes_a_record_with_the_fields_around_it():
    record: dict[str, Any] = {"id": 7, "data": {"n": 2, "readings": [{"t": 1}, {"t": 2}]}}
    path = compile_path("data.readings[*].t")
    assert explode(record, path) == [
        {"id": 7, "data": {"n": 2, "readings": {"t": 1}}},
        {"id": 7, "data": {"n": 2, "readings": {"t": 2}}},
    ]
    assert [path.get(one) for one in explode(record, path)] == [1, 2]
    assert record["data"]["readings"] == [{"t": 1}, {"t": 2}]


def test_lists_in_lists_and_in_texts():
    record = {"g": [{"id": 1, "r": [{"t": 1}, {"t": 2}]}, {"id": 2, "r": []}, {"id": 3}], "body": UPLINK["body"]}
    inner, outer = compile_path("g.*.r.*.t"), compile_path("g.*.id")
    assert [(outer.get(one), inner.get(one)) for one in explode(record, inner)] == [(1, 1), (1, 2), (3, MISSING)]
    decoded = compile_path("body|json.l.*.v")
    assert [decoded.get(one) for one in explode(record, decoded)] == [1, 2]


def test_values_of_an_object_are_elements_with_their_name():
    path = compile_path("devices.*.temp")
    found = explode({"ts": 5, "devices": {"a": {"temp": 1}, "b": {"temp": 2}}}, path)
    assert [(one["ts"], one["*"], path.get(one)) for one in found] == [(5, "a", 1), (5, "b", 2)]
    assert compile_path('"*"').get(found[1]) == "b"
    assert explode({"temp": 1, "co": {"ppm": 2}}, compile_path("*")) == [
        {"value": 1, "*": "temp"},
        {"ppm": 2, "*": "co"},
    ]


def test_a_record_without_the_list_stays_one():
    record = {"a": 1}
    assert explode(record, compile_path("b.*")) == [record]
    assert explode(record, compile_path("a.*")) == [record]
    assert explode(record, compile_path("a")) == [record]
    assert explode({"b": []}, compile_path("b.*")) == []


def test_a_list_beside_too_many_fields_is_refused():
    record = {"l": list(range(20_000)), **{str(field): field for field in range(1_000)}}
    with pytest.raises(TooManyElementsError):
        explode(record, compile_path("l.*"))


def test_a_path_can_be_pickled():
    path = pickle.loads(pickle.dumps(compile_path("a.b[0]")))
    assert (path.text, path.get({"a": {"b": [5]}})) == ("a.b[0]", 5)


def test_flatten_lists_numbers_by_paths_that_lead_to_them():
    record = {"a": {"b.c": 4, "x": "text", "ok": True}, "l": [1.5, {"t": None, "u": 2}], "n": None, "Temp, °C": 3}
    assert flatten(record) == {'a."b.c"': 4, "a.ok": True, "l[0]": 1.5, "l[1].u": 2, "Temp, °C": 3}
    assert {path: compile_path(path).get(record) for path in flatten(record)} == flatten(record)


def test_flatten_is_bounded():
    deep: dict[str, object] = {"a": 1}
    for _ in range(10_000):
        deep = {"a": deep}
    assert flatten(deep) == {}
    assert len(flatten({"l": [1] * (2 * MAX_LEAVES)})) == MAX_LEAVES
    assert flatten({"x" * 501: 1, "y": {"x" * 400: {"z" * 400: 1}}}) == {}
