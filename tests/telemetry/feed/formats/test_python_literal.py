import pytest

from telemetry.feed.formats.python_literal import MAX_LITERAL_BYTES, LiteralError, PythonLiteralReader, parse_literal


def read(payload: bytes) -> tuple[list[object], list[bytes]]:
    records, bad = PythonLiteralReader().read(payload)
    return [record.value for record in records], [payload[part.first : part.end] for part in bad]


def test_a_printed_dict_is_read():
    payload = b"{'ts': 1594512094, 'device': 'a', 'temp': 21.5, 'ok': True, 'co': None, 'h': nan, 'p': (1, -2)}"
    assert read(payload) == (
        [{"ts": 1594512094, "device": "a", "temp": 21.5, "ok": True, "co": None, "h": None, "p": [1, -2]}],
        [],
    )


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("np.float64(21.5)", 21.5),
        ("np.float64(nan)", None),
        ("np.int64(3)", 3),
        ("Decimal('21.50')", 21.5),
        ("Decimal('NaN')", None),
        ("datetime.datetime(2020, 7, 12, 0, 1, 34)", "2020-07-12T00:01:34"),
        ("OrderedDict({'a': 1})", {"a": 1}),
        ("-inf", None),
        ("1e999", None),
        ("b'abc'", "YWJj"),
        ("{1: 2}", {"1": 2}),
        ("'it\\'s \\xb0C'", "it's °C"),
        ("true", True),
    ],
)
def test_values_that_python_prints(text, value):
    assert parse_literal(text.encode()) == value


def test_lines_lists_and_dicts_over_lines():
    assert read(b"{'a': 1}\n{'a': 2}\n") == ([{"a": 1}, {"a": 2}], [])
    assert read(b"[{'a': 1},\n {'a': 2}]") == ([{"a": 1}, {"a": 2}], [])
    assert read(b"{'a': 1,\n 'b': 2}") == ([{"a": 1, "b": 2}], [])


def test_a_bad_line_costs_only_itself():
    assert read(b"{'a': 1}\n{'a': \n{'a': 3}") == ([{"a": 1}, {"a": 3}], [b"{'a':"])


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('x')",
        "{'a': open('x')}",
        "a.b",
        "lambda: 0",
        "[x for x in (1,)]",
        "f'{1}'",
        "1j",
        "...",
        "{**{}}",
        "'a' + 'b'",
        "-'a'",
        "-True",
        "datetime.datetime(0, 0, 0)",
        "np.float64()",
        "9" * 5000,
        "-" * 100_000 + "1",
        "a" + ".a" * 50_000,
        "(" * 100_000,
        "1" + "+1" * 100_000,
        "[" * 90 + "]" * 90,
        "\0",
        " " * MAX_LITERAL_BYTES + "1",
        "x" * 100,
    ],
)
def test_everything_else_is_refused_and_nothing_runs(text):
    with pytest.raises(LiteralError):
        parse_literal(text.encode())
