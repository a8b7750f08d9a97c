import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.text.durations import format_duration, parse_duration, spoken_duration

LONGEST_US = 36_500 * 86_400_000_000


@pytest.mark.parametrize(
    ("text", "microseconds"),
    [
        ("500ms", 500_000),
        ("60s", 60_000_000),
        ("10m", 600_000_000),
        ("2h", 7_200_000_000),
        ("1d", 86_400_000_000),
        ("1.5s", 1_500_000),
        ("0.001ms", 1),
        ("0s", 0),
        ("007s", 7_000_000),
        (" 1s\n", 1_000_000),
        ("36500d", LONGEST_US),
    ],
)
def test_a_duration_is_a_number_and_a_unit(text, microseconds):
    assert parse_duration(text) == microseconds


@pytest.mark.parametrize(
    "text",
    ["", "s", "1", "60 s", "-1s", "+1s", "1.s", ".5s", "1e3s", "1_0s", "infs", "nans", "1S", "1w", "1us", "1s1s", "١s"],
)
def test_anything_else_is_refused_and_says_how_to_write_it(text):
    with pytest.raises(ValueError, match=r"^not a duration, write it like 500ms, 60s, 10m, 2h or 1d$"):
        parse_duration(text)


@pytest.mark.parametrize("text", ["36501d", "876001h", "9" * 30 + "ms", "9" * 400 + "s"])
def test_a_duration_is_at_most_a_hundred_years(text):
    with pytest.raises(ValueError, match=r"^longer than 36500d$"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("microseconds", "text"),
    [
        (0, "0ms"),
        (1, "0.001ms"),
        (1_500, "1.5ms"),
        (1_500_000, "1500ms"),
        (90_000_000, "90s"),
        (3_600_000_000, "1h"),
        (5_400_000_000, "90m"),
        (172_800_000_000, "2d"),
        (1_234_567_000, "1234567ms"),
        (1_234_567_891, "1234567.891ms"),
    ],
)
def test_it_is_written_in_the_largest_unit_that_divides_it(microseconds, text):
    assert format_duration(microseconds) == text


@given(st.integers(0, LONGEST_US))
def test_what_is_written_reads_back(microseconds):
    assert parse_duration(format_duration(microseconds)) == microseconds


@pytest.mark.parametrize(
    ("microseconds", "text"),
    [
        (0, "0s"),
        (1_500_000, "1.5s"),
        (9_400_000, "9.4s"),
        (59_400_000, "59s"),
        (59_500_000, "1m"),
        (61_000_000, "1m 1s"),
        (7_529_000_000, "2h 5m"),
        (3_601_000_000, "1h"),
        (90_000_000_000, "1d 1h"),
    ],
)
def test_a_length_is_spoken_in_two_units(microseconds, text):
    assert spoken_duration(microseconds) == text
