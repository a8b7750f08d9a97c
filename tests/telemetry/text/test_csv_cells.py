import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.text.csv_cells import cell_to_json, text_to_json


@pytest.mark.parametrize(
    "text", ["0", "-0", "-1", "22.7", "1.5945120943859746E9", "1e400", "1E-7", "0.10", "12345678901234567890123"]
)
def test_a_json_number_is_kept_as_it_was_written(text):
    assert cell_to_json(text) == text


@pytest.mark.parametrize(
    ("text", "token"),
    [
        ("+1", "1.0"),
        (".5", "0.5"),
        ("5.", "5.0"),
        ("007", "7.0"),
        ("-01.5", "-1.5"),
        (" 1.5\t", "1.5"),
        ("22.7\r", "22.7"),
        ("", "null"),
        ("  ", "null"),
        ("true", "true"),
        ("False", "false"),
        (" TRUE ", "true"),
    ],
)
def test_other_spellings_are_normalised(text, token):
    assert cell_to_json(text) == token


@pytest.mark.parametrize(
    "text",
    [
        "nan",
        "NaN",
        "inf",
        "-Infinity",
        "+1e400",
        "1_000",
        "warm",
        "0x10",
        "1e",
        "1,5",
        "--1",
        "yes",
        "null",
        "None",
        ' "1" ',
        "a\nb",
        "\x00",
        "\\",
        "°C",
        "1 2",
    ],
)
def test_anything_else_stays_its_own_text(text):
    assert json.loads(cell_to_json(text)) == text


@pytest.mark.parametrize(("text", "token"), [("007", '"007"'), ("true", '"true"'), (" a ", '" a "'), ("", "null")])
def test_a_name_is_never_a_number(text, token):
    assert text_to_json(text) == token


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_double_survives_in_any_spelling(number):
    for text in (repr(number), f"{number:.17e}", f" {number!r} ", f"{number:+.17E}"):
        assert math.copysign(1, json.loads(cell_to_json(text), parse_int=float)) == math.copysign(1, number)
        assert float(cell_to_json(text)) == number


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_every_cell_is_one_json_token_on_one_line(text):
    for token in (cell_to_json(text), text_to_json(text)):
        json.loads(token)
        assert "\n" not in token
    assert json.loads(text_to_json(text)) == (text or None)
