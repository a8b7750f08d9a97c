import math

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.feed.formats.records import FeedFormatError
from telemetry.feed.formats.value_columns import PROBLEM_OF_CODE, read_column
from telemetry.feed.formats.values import NumberProblem, NumberSpec, read_number

PLAIN = NumberSpec()
COMMA = NumberSpec(decimal=",")
MISSING, NOT_A_NUMBER, NOT_FINITE, OUT_OF_RANGE = NumberProblem
TEXTS = [
    ("21.5", 21.5),
    (" 21.5 ", 21.5),
    ("+5", 5.0),
    ("-3", -3.0),
    ("−3", -3.0),
    (".5", 0.5),
    ("5.", 5.0),
    ("007", 7.0),
    ("1e3", 1000.0),
    ("1.5E-2", 0.015),
    ("21.5 °C", 21.5),
    ("21.5C", 21.5),
    ("21.5\u00a0°C", 21.5),
    ("48 %", 48.0),
    ("48%", 48.0),
    ("21 deg C", 21.0),
    ("5 µg/m³", 5.0),
    ("9.81 m/s^2", 9.81),
    ("10 m3", 10.0),
    ("3 kWh", 3.0),
    ("1,013.2", 1013.2),
    ("1,013.2 hPa", 1013.2),
    ("1,234,567", 1234567.0),
    ("1'013.2", 1013.2),
    ("1’013.2", 1013.2),
    ("1\u202f013.2", 1013.2),
    ("1\u2009013.2", 1013.2),
    ("1\u00a0013.2", 1013.2),
    ("-1,013", -1013.0),
    ("1.013,2", NOT_A_NUMBER),
    ("21,5", NOT_A_NUMBER),
    ("1,0134", NOT_A_NUMBER),
    ("0,123", NOT_A_NUMBER),
    ("1,234'567", NOT_A_NUMBER),
    ("1 013", 1013.0),
    ("1 013.2 hPa", 1013.2),
    ("12 34", NOT_A_NUMBER),
    ("1 0134", NOT_A_NUMBER),
    ("0x1F", NOT_A_NUMBER),
    ("0xFF", NOT_A_NUMBER),
    ("0XA", NOT_A_NUMBER),
    ("5e", NOT_A_NUMBER),
    ("1_000", NOT_A_NUMBER),
    ("٣", NOT_A_NUMBER),
    ("12:30", NOT_A_NUMBER),
    ("2020-01-01", NOT_A_NUMBER),
    ("1.2.3", NOT_A_NUMBER),
    ("21.5.", NOT_A_NUMBER),
    ("°C", NOT_A_NUMBER),
    ("+", NOT_A_NUMBER),
    (".", NOT_A_NUMBER),
    ("warm", NOT_A_NUMBER),
    ("true", NOT_A_NUMBER),
    ("1" * 101 + " C", NOT_A_NUMBER),
    ("1" * 101, float("1" * 101)),
    ("1e400", NOT_FINITE),
    ("inf", NOT_FINITE),
    ("-Infinity", NOT_FINITE),
    *(
        (code, MISSING)
        for code in ("", " ", "NA", "N/A", "NaN", "nan", "null", "None", "--", "---", "-", "unavailable")
    ),
    ("Unknown", MISSING),
]


@pytest.mark.parametrize(("text", "expected"), TEXTS)
def test_texts(text, expected):
    assert read_number(text, PLAIN) == expected
    assert type(read_number(text, PLAIN)) is type(expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("21,5", 21.5),
        ("1.013,2", 1013.2),
        ("1.013", 1013.0),
        ("21.5", NOT_A_NUMBER),
        ("1'013,2 hPa", 1013.2),
        (",5", 0.5),
    ],
)
def test_the_decimal_comma(text, expected):
    assert read_number(text, COMMA) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (3, 3.0),
        (2.5, 2.5),
        (10**400, NOT_FINITE),
        (math.inf, NOT_FINITE),
        (math.nan, MISSING),
        (None, MISSING),
        (True, NOT_A_NUMBER),
        ([1], NOT_A_NUMBER),
        ({}, NOT_A_NUMBER),
        (b"1", NOT_A_NUMBER),
    ],
)
def test_other_values(value, expected):
    assert read_number(value, PLAIN) == expected


def test_booleans_are_numbers_only_if_allowed():
    allowed = NumberSpec(booleans=True)
    assert [read_number(value, allowed) for value in (True, False, "true", "OFF", "on")] == [1, 0, 1, 0, 1]


def test_texts_may_be_refused():
    strict = NumberSpec(texts=False)
    assert [read_number(value, strict) for value in ("1", "NA", 1)] == [NOT_A_NUMBER, MISSING, 1.0]


def test_declared_codes_are_missing():
    spec = NumberSpec(missing=("ERR", "99"), sentinels=(-200.0, -9999.0), scale=0.1)
    values = ("-200", "-200.0", -200, "-9,999", "err ", "99", "99.0", -20)
    assert [read_number(value, spec) for value in values] == [MISSING] * 6 + [99.0 * 0.1, -2.0]


def test_scale_offset_and_range():
    spec = NumberSpec(scale=0.1, offset=-40, lowest=-30, highest=85)
    assert read_number("650", spec) == 25.0
    assert [read_number(value, spec) for value in (100, 1250, 99, 1251)] == [-30.0, 85.0, OUT_OF_RANGE, OUT_OF_RANGE]
    assert read_number(1e308, NumberSpec(scale=1e10)) is NOT_FINITE


def test_another_decimal_sign_is_refused():
    with pytest.raises(FeedFormatError, match="decimal: ';' is neither"):
        NumberSpec(decimal=";")


def test_only_declared_units():
    spec = NumberSpec(units=("°C",))
    assert [read_number(text, spec) for text in ("5 °C", "5", "5 °F")] == [5.0, 5.0, NOT_A_NUMBER]


SPECS = st.builds(
    NumberSpec,
    missing=st.sampled_from([(), ("99",), ("err",)]),
    sentinels=st.sampled_from([(), (-200.0,), (0.0, 1.0)]),
    booleans=st.booleans(),
    texts=st.booleans(),
    decimal=st.sampled_from([".", ","]),
    units=st.sampled_from([None, (), ("°C",)]),
    scale=st.sampled_from([1.0, 0.1, 1e308]),
    offset=st.sampled_from([0.0, -40.0]),
    lowest=st.sampled_from([-math.inf, -10.0]),
    highest=st.sampled_from([math.inf, 50.0]),
)
NUMBERS = (
    st.floats().map(repr)
    | st.integers(-(10**25), 10**25).map(str)
    | st.from_regex(r"[-+−]?[0-9]{0,4}[.,'][0-9]{0,4}[ °C%]{0,3}")
)
COLUMNS = st.lists(
    st.none() | st.sampled_from([text for text, _ in TEXTS]) | NUMBERS | st.text(max_size=6), max_size=20
)


@given(COLUMNS, SPECS)
def test_columns_agree_with_single_values(texts, spec):
    numbers, codes = read_column(pa.array(texts, pa.string()), spec)
    expected = [read_number(text, spec) for text in texts]
    assert [PROBLEM_OF_CODE[code] for code in codes] == [
        one if isinstance(one, NumberProblem) else None for one in expected
    ]
    np.testing.assert_array_equal(numbers, [math.nan if isinstance(one, NumberProblem) else one for one in expected])
