import pytest

from telemetry.feed.times.hints import GUESSES, explain, guess_number
from telemetry.feed.times.spec import TimeSpec

EARLY = "lies before 2000-01-01, the earliest time"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("2020-07-12T00:00:00Z", ""),
        ("44025.5", f"44025.5 {EARLY}; it looks like an Excel date (2020-07-13 12:00): say unit: excel"),
        (
            "20200713",
            f"20200713 {EARLY}; it looks like a date without separators (2020-07-13): say format: '%Y%m%d'",
        ),
        ("737985.5", f"737985.5 {EARLY}; it looks like a Matlab datenum (2020-07-13 12:00): say unit: matlab"),
        (
            "3677529600",
            "3677529600 is no Unix time in s, ms, us or ns: say its unit; "
            "it looks like a LabVIEW time (2020-07-14): say unit: labview",
        ),
        ("12345", f"12345 {EARLY}; it may be a counter or an uptime"),
        ("1970-01-01T02:00:36+0200", f"1970-01-01T02:00:36+0200 {EARLY}; its clock was perhaps never set"),
        (
            "08/12/2018 09:30",
            "08/12/2018 09:30 may have the day or the month first: say day_first; "
            "true reads 2018-12-08 09:30 and false reads 2018-08-12 09:30",
        ),
        ("2020-07-12 00:02", "2020-07-12 00:02 is a naive time: say its zone; such as zone: Europe/Rome"),
        (
            "2020-07-12 00:02 CET",
            "2020-07-12 00:02 CET is no time in a known form; "
            "the letters CET mean no zone for certain: say a format with CET in it, and zone",
        ),
        ("18.00.00", "18.00.00 is no time of the calendar; it has no date: join it with the column of the date"),
        ("18:00", "18:00 is no time in a known form; it has no date: join it with the column of the date"),
        ("hello", "hello is no time in a known form"),
        ("x" * 70, f"{'x' * 60}… is no time in a known form"),
        ("", "the time is missing"),
        ("2020-02-30", "2020-02-30 is no time of the calendar"),
    ],
)
def test_reasons_name_the_likely_cause(text: str, reason: str) -> None:
    assert explain(text, TimeSpec()) == reason


def test_reasons_under_a_description() -> None:
    assert explain("1550530705935", TimeSpec(unit="s")) == (
        "1550530705935 lies in 2100 or later; "
        "it looks like a Unix time in milliseconds (2019-02-18 22:58): say unit: ms"
    )
    assert explain("2020-07-12", TimeSpec(formats=("%d/%m/%Y",))) == (
        "2020-07-12 fits none of the formats; it can be read without a format"
    )
    assert explain("5", TimeSpec(earliest_us=60_000_000)).startswith("5 lies before 1970-01-01 00:01, the earliest")
    assert explain("2020-07-12 00:02 CET", TimeSpec(formats=("%Y-%m-%d %H:%M CET",), zone="Europe/Rome")) == ""


@pytest.mark.parametrize("number", [3e4, 2e9, 3.5e9, 7.3e5, 20101231, 1.5e12, 1.5e15, 1.5e18])
def test_a_number_has_one_guess(number: float) -> None:
    fitting = [name for name, spec in GUESSES.items() if guess_number_as(f"{number:.0f}", spec)]
    assert len(fitting) <= 1


def guess_number_as(text: str, spec: TimeSpec) -> bool:
    guess = guess_number(text)
    return guess is not None and guess[1] == spec
