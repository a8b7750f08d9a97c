import datetime as dt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry.feed.times.formats import format_pattern
from telemetry.feed.times.reader import TimeReader
from telemetry.feed.times.spec import TimeSpec

EPOCH = dt.datetime(1970, 1, 1)
PATTERNS = [
    "%Y-%m-%d %H:%M:%S.%f",
    "%d/%m/%Y %I:%M:%S %p",
    "%m-%d-%y %H.%M",
    "%A, %d %B %Y",
    "%a %b %d %H:%M:%S %Y",
    "%Y%m%d%H%M%S",
    "%Y-%jT%H:%M",
    "at %H o'clock (%d.%m.%Y) 100%%",
]


@given(st.datetimes(dt.datetime(2000, 1, 1), dt.datetime(2068, 12, 31)), st.sampled_from(PATTERNS))
@settings(deadline=None)
def test_formats_read_what_strptime_reads(moment: dt.datetime, pattern: str) -> None:
    text = moment.strftime(pattern)
    expected = (dt.datetime.strptime(text, pattern) - EPOCH) // dt.timedelta(microseconds=1)
    times = TimeReader(TimeSpec(formats=(pattern,), zone="UTC")).read_texts([text, text.upper()])
    assert times.time_us.tolist() == [expected, expected]


@pytest.mark.parametrize(
    ("pattern", "text", "seconds"),
    [
        ("%d/%m/%Y %H:%M:%S", "1/7/2020 0:0:5", 1593561605),
        ("%F %T", "2020-07-01 00:00:05", 1593561605),
        ("%D %R", "07/01/20 00:01", 1593561660),
        ("%Y-%m-%d %H:%M %z", "2020-07-01 02:00 +0200", 1593561600),
        ("%Y-%m-%d %H:%M%z", "2020-07-01 00:00Z", 1593561600),
        ("%Y-%m-%d %H:%M %Z", "2020-07-01 00:00 UTC", 1593561600),
        ("%Y-%m-%d %H:%M %z", "2020-07-01 00:00 GMT", 1593561600),
        ("%Y-%m-%d %H:%M CEST", "2020-07-01 00:00 CEST", 1593561600),
        ("%Y年%m月%d日", "2020年07月01日", 1593561600),
        ("%d %b  %Y", "1 jul    2020", 1593561600),
    ],
)
def test_directives(pattern: str, text: str, seconds: int) -> None:
    assert TimeReader(TimeSpec(formats=(pattern,), zone="UTC")).read_texts([text]).time_us.tolist() == [
        seconds * 1_000_000
    ]


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("%H:%M", "names no day"),
        ("%Y-%m", "names no day"),
        ("", "names no day"),
        ("%Y-%m-%d %q", "unknown directive %q"),
        ("%Y-%m-%d %", "unknown directive %"),
        ("%Y-%m-%d %H:%H", "one part of a time twice"),
    ],
)
def test_patterns_without_a_meaning_are_refused(pattern: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        format_pattern(pattern)
