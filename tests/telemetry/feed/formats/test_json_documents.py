import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.feed.formats.json_documents import MAX_BAD_LINES, JsonReader
from telemetry.feed.formats.records import BadPart, FeedRecord


def read(payload: bytes) -> tuple[list[object], list[BadPart]]:
    records, bad = JsonReader().read(payload)
    return [record.value for record in records], bad


def texts(payload: bytes) -> list[bytes]:
    return [payload[record.first : record.end] for record in JsonReader().read(payload)[0]]


@pytest.mark.parametrize(
    ("payload", "values"),
    [
        pytest.param(b'{"ts": 1, "temp": 21.5}', [{"ts": 1, "temp": 21.5}], id="one object"),
        pytest.param(b'{"a": 1}\n{"a": 2}\r\n\n{"a": 3}\n', [{"a": 1}, {"a": 2}, {"a": 3}], id="lines"),
        pytest.param(b'[{"a": 1}, {"a": 2}]', [{"a": 1}, {"a": 2}], id="array"),
        pytest.param(b'[\n  {\n    "a": 1\n  },\n  {\n    "a": 2\n  }\n]\n', [{"a": 1}, {"a": 2}], id="pretty array"),
        pytest.param(
            b'{\n "a": {\n  "b": [1]\n }\n}\n{\n "a": 2\n}', [{"a": {"b": [1]}}, {"a": 2}], id="pretty objects"
        ),
        pytest.param(b'{"a": 1}{"a": 2} {"a": 3}', [{"a": 1}, {"a": 2}, {"a": 3}], id="concatenated"),
        pytest.param(b'[{"a": 1}][{"a": 2}]\n{"a": 3}', [{"a": 1}, {"a": 2}, {"a": 3}], id="concatenated arrays"),
        pytest.param(b'{"a": 1},\n{"a": 2},\n', [{"a": 1}, {"a": 2}], id="commas behind lines"),
        pytest.param(b'\x1e{"a": 1}\n\x1e{"a": 2}\n', [{"a": 1}, {"a": 2}], id="record separators"),
        pytest.param(b'\xef\xbb\xbf{"a": 1}', [{"a": 1}], id="byte order mark"),
        pytest.param(b'\0\0{"a": 1}\n\0\n{"a": 2}\0', [{"a": 1}, {"a": 2}], id="NUL bytes of a power cut"),
        pytest.param(
            b'[[{"a": 1}, {"a": 2}], [[{"a": nan}], {"a": 4}]]',
            [{"a": 1}, {"a": 2}, {"a": None}, {"a": 4}],
            id="arrays of arrays",
        ),
        pytest.param(
            b'{"a": NaN, "b": -Infinity, "c": nan, "d": "NaN"}',
            [{"a": None, "b": None, "c": None, "d": "NaN"}],
            id="nan",
        ),
        pytest.param(b'[{"a": NaN}, {"a": [nan, 2]}]', [{"a": None}, {"a": [None, 2]}], id="nan in an array"),
        pytest.param(
            b'{\n "a": nan,\n "b": "\\"nan" }\n{"a": 1}', [{"a": None, "b": '"nan'}, {"a": 1}], id="nan over lines"
        ),
        pytest.param(b'{"a": 1e999, "b": %s}' % (b"9" * 5000), [{"a": None, "b": None}], id="huge numbers"),
        pytest.param(b'{"a": 1, "a": 2}', [{"a": 2}], id="the last of equal keys"),
        pytest.param(b'{"readings": [{"t": 1}, {"t": 2}]}', [{"readings": [{"t": 1}, {"t": 2}]}], id="array inside"),
    ],
)
def test_records_are_read(payload, values):
    assert read(payload) == (values, [])


def test_elements_of_arrays_within_arrays_are_found_again():
    payload = b'[[{"a": 1},\n 5, {"a": NaN}], [6], [[[[{"a": 7}]]]]]'
    assert texts(payload) == [b'{"a": 1}', b'{"a": NaN}']
    found = [(payload[part.first : part.end], part.problem) for part in read(payload)[1]]
    assert found == [
        (b"5", "Expected `object | array`, got `int`"),
        (b"[6]", "an array within an array"),
        (b'[[[[{"a": 7}]]]]', "an array within an array"),
    ]


def test_plain_values_among_elements_cost_no_element():
    payload = b'5, null, "{\\"", {"a": 1}, true,[{"a": 2}], -1e5,\n 7 ,{"a": 3}, null'
    assert texts(payload) == [b'{"a": 1}', b'{"a": 2}', b'{"a": 3}']
    bad = [payload[part.first : part.end] for part in read(payload)[1]]
    assert bad == [b'5, null, "{\\""', b"true", b"-1e5", b"7", b"null"]
    lines = b'{"a": 1}\n1594512000,a,21\n{"a": 2}'
    assert [lines[part.first : part.end] for part in read(lines)[1]] == [b"1594512000,a,21"]


def test_a_record_knows_its_bytes():
    assert texts(b'{"a": 1}\n  {"a": 2} \n') == [b'{"a": 1}', b'{"a": 2}']
    assert texts(b'[{"a": 1} , {"a": 1},\n{"b": NaN}]') == [b'{"a": 1}', b'{"a": 1}', b'{"b": NaN}']
    assert texts(b'{\n"a": 1}{"b": 2}') == [b'{\n"a": 1}', b'{"b": 2}']


@pytest.mark.parametrize(
    ("payload", "values", "parts"),
    [
        pytest.param(b'{"a": 1}\n{"a": \n{"a": 3}', [{"a": 1}, {"a": 3}], [b'{"a":'], id="a line cut off"),
        pytest.param(b'{"a": 1}\nx\ny\n{"a": 3}\nz', [{"a": 1}, {"a": 3}], [b"x\ny", b"z"], id="text between"),
        pytest.param(b'{"a": "\xff"}\n{"a": 2}', [{"a": 2}], [b'{"a": "\xff"}'], id="not UTF-8"),
        pytest.param(b'[{"a": 1}, 7, [2], {"a": 2}]', [{"a": 1}, {"a": 2}], [b"7", b"[2]"], id="elements"),
        pytest.param(b'{"a": 1} tail', [{"a": 1}], [b"tail"], id="a tail"),
        pytest.param(b'[1, 2]\n{"a": 1}', [{"a": 1}], [b"[1, 2]"], id="an array of numbers"),
        pytest.param(b'[\n{"a": 1},\n{"a": 2},\n{"a"', [{"a": 1}, {"a": 2}], [b"[", b'{"a"'], id="an array cut off"),
        pytest.param(b'{"a": "\\ud800"}\n{"a": 2}', [{"a": 2}], [b'{"a": "\\ud800"}'], id="half a surrogate pair"),
        pytest.param(b"[" * 9999 + b'\n{"a": 1}', [{"a": 1}], [b"[" * 9999], id="too deep"),
    ],
)
def test_bad_parts_cost_only_themselves(payload, values, parts):
    records, bad = read(payload)
    assert records == values
    assert [payload[part.first : part.end] for part in bad] == parts


@pytest.mark.parametrize(
    ("payload", "problem"),
    [
        (b"\n\x00\n\n\x0btemperature\n\n\n\n\x12\x02 \n", "not JSON: no object or array begins here"),
        (b"[1, 2]", "an array that holds no object"),
        (b"[]", "an array that holds no object"),
        (b",", "holds no record"),
        (b'{"a": \n 1 \n', "not JSON: the document has no end"),
        (b'{"a":' * 50_000 + b"}" * 50_000, "nested too deeply"),
    ],
)
def test_a_payload_without_records_is_one_part(payload, problem):
    assert JsonReader().read(payload) == ([], [BadPart(0, len(payload), problem)])


def test_a_blank_payload_holds_nothing():
    assert JsonReader().read(b" \r\n\t") == ([], [])


def test_many_lines_that_open_a_document_are_read_in_bounded_time():
    payload = b'{"a": 1}\n' + b'[1, "x\n' * 20_000
    records, bad = JsonReader().read(payload)
    assert records == [FeedRecord({"a": 1}, 0, 8)]
    assert len(bad) == MAX_BAD_LINES
    assert bad[0] == BadPart(9, 15, bad[0].problem)
    assert bad[-1] == BadPart(9 + 7 * (MAX_BAD_LINES - 1), len(payload) - 1, bad[-1].problem)


def test_many_bad_elements_are_joined():
    payload = b"[" + b"1," * 20_000 + b'{"a": 1}]'
    records, bad = JsonReader().read(payload)
    assert records == [FeedRecord({"a": 1}, 40_001, 40_009)]
    assert (len(bad), bad[-1].first, bad[-1].end) == (MAX_BAD_LINES, 2 * MAX_BAD_LINES - 1, 40_000)


def test_many_documents_on_one_line_are_read_in_bounded_time():
    records, bad = JsonReader().read(b'{"a": 1}' * 50_000)
    assert (records[-1], len(records), bad) == (FeedRecord({"a": 1}, 399_992, 400_000), 50_000, [])


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
OBJECTS = st.lists(st.dictionaries(st.text(max_size=3), JSON, max_size=3), min_size=1, max_size=4)


@given(OBJECTS, st.sampled_from([None, 0, 2]), st.sampled_from(["", "\n", ",\n", " "]), st.booleans(), st.booleans())
def test_any_layout_of_objects_is_read(objects, indent, between, as_array, ascii_only):
    import json

    def dump(value: object) -> str:
        return json.dumps(value, indent=indent, ensure_ascii=ascii_only)

    text = dump(objects) if as_array else between.join(map(dump, objects))
    payload = text.encode("utf-8", "surrogatepass")
    if "\\ud" in text.lower() and ascii_only:
        return  # pairs are fine, but a lone one may be among them
    records, bad = JsonReader().read(payload)
    assert [record.value for record in records] == objects
    assert bad == []
    assert [json.loads(payload[record.first : record.end]) for record in records] == objects
