"""The notation of series: what each part means, what is none, and that any series can be written in it."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.incidents.rule_tests.notation import LONGEST, read_notation

NAN = math.nan


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("20", [20]),
        ("20 20 31x5", [20, 20, 31, 31, 31, 31, 31]),
        ("_ 1 _x3 2", [NAN, 1, NAN, NAN, NAN, 2]),
        ("29+0.5x4", [29, 29.5, 30, 30.5]),
        ("29-0.5x4", [29, 28.5, 28, 27.5]),
        ("20+0.1x4", [20, 20.1, 20.2, 20.3]),  # as one would write them, not as doubles add up
        ("-1-1x2 -1+1x2 +3", [-1, -2, -1, 0, 3]),
        ("1e3-1e2x2 1e-3 1E3+.5x2 5.x1", [1000, 900, 0.001, 1000, 1000.5, 5]),
        (" 1\n\t2  3 ", [1, 2, 3]),
        ("7x1 _x1", [7, NAN]),
    ],
)
def test_what_each_part_means(text: str, values: list[float]) -> None:
    assert np.array_equal(read_notation(text), values, equal_nan=True)


@pytest.mark.parametrize(
    "word",
    ["nan", "inf", "x5", "20x", "20x0", "20x-1", "20x1.5", "20*5", "20+0.5", "_+1x5", "__", "1_000", "0x10x", "²"],
)
def test_a_part_that_is_none_is_named(word: str) -> None:
    with pytest.raises(
        ValueError, match=r"^'.*' is no reading, write 20, 20x5, 20\+0\.5x5, 20-0\.5x5, _ or _x5$"
    ) as error:
        read_notation(f"20 {word} 30")
    assert str(error.value).startswith(f"{word!r} is")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "it has no reading"),
        (" \n", "it has no reading"),
        ("1e999", "'1e999' is beyond the largest number"),
        ("1e308+1e308x2", "'1e308+1e308x2' is beyond the largest number"),
        (f"1 1x{LONGEST}", f"'1x{LONGEST}' makes it longer than 1,000,000 readings"),
    ],
)
def test_series_that_cannot_be_used(text: str, problem: str) -> None:
    with pytest.raises(ValueError) as error:  # noqa: PT011 -- compared whole
        read_notation(text)
    assert str(error.value) == problem


TENTHS = st.integers(-10_000, 10_000)
TIMES = st.integers(1, 20)
SPACE = st.text(" \n\t", min_size=1, max_size=3)


def tenths(number: int) -> str:
    return f"{'-' if number < 0 else ''}{abs(number) // 10}.{abs(number) % 10}"


@st.composite
def parts(draw: st.DrawFn) -> tuple[str, list[float]]:
    """Return one part, and its values; values are tenths, so that ramps are exact."""
    value, step, times = draw(TENTHS), draw(TENTHS), draw(TIMES)
    match draw(st.sampled_from(["one", "missing", "repeat", "gap", "ramp"])):
        case "one":
            return tenths(value), [value / 10]
        case "missing":
            return "_", [NAN]
        case "repeat":
            return f"{tenths(value)}x{times}", [value / 10] * times
        case "gap":
            return f"_x{times}", [NAN] * times
    sign = "+" if step >= 0 else ""
    return f"{tenths(value)}{sign}{tenths(step)}x{times}", [(value + n * step) / 10 for n in range(times)]


@given(st.lists(parts(), min_size=1, max_size=8), st.data())
def test_drawn_series(drawn: list[tuple[str, list[float]]], data: st.DataObject) -> None:
    text = "".join(word + data.draw(SPACE) for word, _ in drawn)
    assert np.array_equal(read_notation(text), [one for _, values in drawn for one in values], equal_nan=True)


@given(st.lists(st.none() | st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=20))
def test_every_series_can_be_written(values: list[float | None]) -> None:
    text = " ".join("_" if value is None else repr(value) for value in values)
    assert np.array_equal(read_notation(text), [NAN if one is None else one for one in values], equal_nan=True)


@given(st.text(alphabet="0123456789.+-exX_ n", max_size=12))
def test_any_text_is_a_series_or_refused_in_one_line(text: str) -> None:
    try:
        values = read_notation(text)
    except ValueError as error:
        problem = str(error)
        assert "\n" not in problem
    else:
        assert len(values) >= len(text.split()) > 0
        assert not np.isinf(values).any()
