"""Times with their offset, as programs write them."""

import contextlib
import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.text.timestamps import parse_time
from telemetry.text.zoned_times import parse_zoned

MOMENT = dt.datetime(2020, 7, 12, 0, 1, 34, 385_000, dt.UTC)
SECOND = MOMENT.replace(microsecond=0)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2020-07-12T00:01:34.385Z", MOMENT),
        ("2020-07-12 00:01:34.385 +0000", MOMENT),
        ("2020-07-12T02:01:34+0200", SECOND),
        ("2020-07-12T02:01:34+02", SECOND),
        ("2020-07-12T00:01:34,385Z", MOMENT),
        ("2020-07-12T00:01:34.385000999Z", MOMENT),
        ("2020-07-12 00:01:34 UTC", SECOND),
        ("2020-07-12 00:01:34 GMT", SECOND),
        ("2020-07-12 02:01:34 UTC+02:00", SECOND),
        ("2020/07/12 00:01:34 Z", SECOND),
        ("2020.07.12 00:01:34 +00:00", SECOND),
        ("2020-07-12 00:01Z", SECOND.replace(second=0)),
        ("Sun Jul 12 2020 02:01:34 GMT+0200 (Central European Summer Time)", SECOND),
        ("Tue Dec 17 2024 14:28:20 GMT+0100", dt.datetime(2024, 12, 17, 13, 28, 20, tzinfo=dt.UTC)),
        ("Jul 2, 2020 00:01:34 UTC", SECOND.replace(day=2)),
        ("Sun, 12 Jul 2020 00:01:34 +0000", SECOND),
        ("Sun, 12 Jul 2020 00:01:34 GMT", SECOND),
    ],
)
def test_a_moment_with_its_offset(text: str, moment: dt.datetime) -> None:
    assert parse_zoned(text) == moment
    assert parse_time(f" {text} ") == int(moment.timestamp() * 1000) * 1000


@pytest.mark.parametrize(
    "text",
    [
        *("2020-07-12 00:01:34", "12/07/2020 00:02:04 Z", "2020/07/12 00:01:34", "Jul 12 2020 00:01:34"),
        *("2020-07/12 00:01:34Z", "2020-13-12 00:01:34 Z", "2020-02-30 00:01:34 UTC", "Foo 12 2020 00:01:34 UTC"),
        *("2020-07-12 00:01:34 CEST", "2020-07-12 00:01:34 +9900", "Sun, 12 Jul 2020 00:01:34", "a,b", "", "Sun, "),
    ],
)
def test_what_is_no_moment_or_names_no_offset(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # the texts of other libraries differ
        parse_zoned(text)


@given(st.text("0123456789-:/., TZUCGMTJulSun+()", max_size=40))
def test_no_text_raises_anything_else(text: str) -> None:
    with contextlib.suppress(ValueError):
        assert parse_zoned(text).tzinfo is not None
