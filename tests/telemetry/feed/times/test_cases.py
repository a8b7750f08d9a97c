"""The times of small files as people have them, after public bug reports and data sets."""

import pytest

from telemetry.feed.times.problems import EARLY, FINE
from telemetry.feed.times.reader import TimeReader
from telemetry.feed.times.spec import TimeSpec

CASES = [
    pytest.param(
        TimeSpec(zone="Europe/Moscow"),
        ["2020-03-09 10:14:33", "2020-03-09 10:14:34"],
        ["2020-03-09T07:14:33", "2020-03-09T07:14:34"],
        id="SKAB",
    ),
    pytest.param(
        TimeSpec(formats=("%d/%m/%Y %H.%M.%S",), zone="Europe/Rome"),
        ["10/03/2004 18.00.00", "10/03/2004 22.00.00"],
        ["2004-03-10T17:00:00", "2004-03-10T21:00:00"],
        id="UCI air quality",
    ),
    pytest.param(
        TimeSpec(),
        ["2024-05-01T10:00:00.000Z", "2024-05-01T10:00:02.113Z"],
        ["2024-05-01T10:00:00", "2024-05-01T10:00:02.113"],
        id="Home Assistant",
    ),
    pytest.param(TimeSpec(zone="Etc/GMT+7"), ["2026-06-25 10:20:00"], ["2026-06-25T17:20:00"], id="TOA5"),
    pytest.param(
        TimeSpec(formats=("%d-%m-%Y %H:%M",), zone="Asia/Kolkata"),
        ["08-12-2018 09:30", "08-12-2018 09:29"],
        ["2018-12-08T04:00:00", "2018-12-08T03:59:00"],
        id="Kaggle IOT-temp, newest first",
    ),
    pytest.param(TimeSpec(), ["2020-11-23T08:19:27+10:00"], ["2020-11-22T22:19:27"], id="offset"),
    pytest.param(TimeSpec(), ["1550530705935"], ["2019-02-18T22:58:25.935"], id="epoch in ms"),
    pytest.param(TimeSpec(), ["1553424480"], ["2019-03-24T10:48:00"], id="epoch in s"),
    pytest.param(
        TimeSpec(),
        ["2020-07-12T00:01:34+02:00", "2020-07-12T00:01:44+0200"],
        ["2020-07-11T22:01:34", "2020-07-11T22:01:44"],
        id="two ways to write an offset",
    ),
    pytest.param(
        TimeSpec(zone="Europe/London"),
        [f"2020-10-25 {clock}:00" for clock in ("00:30", "01:00", "01:30", "01:00", "01:30", "02:00")],
        [
            "2020-10-24T23:30:00",
            "2020-10-25T00:00:00",
            "2020-10-25T00:30:00",
            "2020-10-25T01:00:00",
            "2020-10-25T01:30:00",
            "2020-10-25T02:00:00",
        ],
        id="end of summer time",
    ),
    pytest.param(
        TimeSpec(unit="excel", zone="UTC"),
        ["44025.5", "44025.50694"],
        ["2020-07-13T12:00:00", "2020-07-13T12:09:59.616"],
        id="Excel",
    ),
    pytest.param(
        TimeSpec(),
        [
            "2022-10-30T02:30:00+02:00",
            "2022-10-30T02:30:00+01:00",
            "20221030T013000Z",
            "2022-10-30 03:30:00.385+02:00",
        ],
        ["2022-10-30T00:30:00", "2022-10-30T01:30:00", "2022-10-30T01:30:00", "2022-10-30T01:30:00.385"],
        id="double hour with offsets",
    ),
    pytest.param(
        TimeSpec(zone="UTC", day_first=True),
        [
            "2020-07-12 00:01:34.385 +0000",
            "2020-07-12T00:01:44+0000",
            "2020-07-12T00:01:54,385Z",
            "Tue Dec 17 2024 14:28:20 GMT+0100",
            "12/07/2020 00:02:04",
            "2020-07-12 00:02:14",
            "2020-07-12T00:02:24.123456789Z",
            "2020/07/12 00:02:34",
            "07/12/2020 12:02 AM",
            "2020-07-12",
        ],
        [
            "2020-07-12T00:01:34.385",
            "2020-07-12T00:01:44",
            "2020-07-12T00:01:54.385",
            "2024-12-17T13:28:20",
            "2020-07-12T00:02:04",
            "2020-07-12T00:02:14",
            "2020-07-12T00:02:24.123456",
            "2020-07-12T00:02:34",
            "2020-12-07T00:02:00",
            "2020-07-12T00:00:00",
        ],
        id="ten forms",
    ),
    pytest.param(TimeSpec(), ["2026-05-25T13:42:11.412345678Z"], ["2026-05-25T13:42:11.412345"], id="Things Stack"),
    pytest.param(TimeSpec(), ["1594512094000000000"], ["2020-07-12T00:01:34"], id="line protocol"),
    pytest.param(
        TimeSpec(),
        ["2023-01-10T22:55:31+0100", "1673387731"],
        ["2023-01-10T21:55:31", "2023-01-10T21:55:31"],
        id="text and number",
    ),
    pytest.param(TimeSpec(), ["2021-07-12T00:00:00+02:00"], ["2021-07-11T22:00:00"], id="local day"),
]


@pytest.mark.parametrize(("spec", "texts", "expected"), CASES)
def test_times_of_the_shown_cases(spec: TimeSpec, texts: list[str], expected: list[str]) -> None:
    times = TimeReader(spec).read_texts(texts)
    assert times.problem.tolist() == [FINE] * len(texts)
    shown = [str(us).removesuffix("000").removesuffix(".000") for us in times.time_us.astype("datetime64[us]")]
    assert shown == expected


@pytest.mark.parametrize("texts", [["44025.5"], ["1970-01-01T02:00:36+0200"], ["1", "2"], ["20200713"]])
def test_times_of_broken_clocks_and_numbers_that_are_no_times(texts: list[str]) -> None:
    assert TimeReader(TimeSpec()).read_texts(texts).problem.tolist() == [EARLY] * len(texts)
