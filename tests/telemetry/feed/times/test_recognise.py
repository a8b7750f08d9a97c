import pytest

from telemetry.feed.times.recognise import Recognition, recognise
from telemetry.feed.times.spec import TimeSpec

YEAR_FIRST = TimeSpec(formats=("%y/%m/%d %H:%M:%S", "%y/%m/%d %H:%M", "%y/%m/%d"))


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        (["2020-07-12T00:00:00Z", "2020-07-12T00:00:01Z"], Recognition(TimeSpec(), False, 1.0, ())),
        (["2020-07-12 00:02:14", None, "", "x", "2020-07-12 00:02"], Recognition(TimeSpec(), True, 2 / 3, ())),
        (["1550530705935"], Recognition(TimeSpec(), False, 1.0, ())),
        (["13/07/2020 1:00", "08/07/2020 1:00"], Recognition(TimeSpec(day_first=True), True, 1.0, ())),
        (["07/13/2020 1:00", "07/08/2020 1:00"], Recognition(TimeSpec(day_first=False), True, 1.0, ())),
        (
            ["08-12-2018 09:30", "07-12-2018 09:29"],
            Recognition(TimeSpec(day_first=True), True, 0.5, (TimeSpec(day_first=False),)),
        ),
        (
            ["12-07-2018 09:30", "12-08-2018 09:29"],
            Recognition(TimeSpec(day_first=False), True, 0.5, (TimeSpec(day_first=True),)),
        ),
        (["44025.5", "44026"], Recognition(TimeSpec(unit="excel"), True, 0.5, (TimeSpec(unit="excel1904"),))),
        (["3677529600"], Recognition(TimeSpec(unit="labview"), False, 1.0, ())),
        (["20200713"], Recognition(TimeSpec(formats=("%Y%m%d",)), True, 1.0, ())),
        (["20/07/13 12:00"], Recognition(TimeSpec(day_first=True), True, 0.5, (YEAR_FIRST,))),
        (["1", "2", "3"], Recognition(TimeSpec(), False, 0.0, ())),
        (["", None], Recognition(TimeSpec(), False, 0.0, ())),
        ([], Recognition(TimeSpec(), False, 0.0, ())),
    ],
)
def test_descriptions_are_proposed(samples: list[str | None], expected: Recognition) -> None:
    assert recognise(samples) == expected
