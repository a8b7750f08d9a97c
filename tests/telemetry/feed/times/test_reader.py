import datetime as dt
import math
import pickle

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry.feed.times.pass_clues import PassClues
from telemetry.feed.times.problems import (
    AMBIGUOUS,
    CALENDAR,
    EARLY,
    FINE,
    LATE,
    MAGNITUDE,
    MISSING,
    NAIVE,
    PROBLEMS,
    UNKNOWN,
)
from telemetry.feed.times.reader import TimeReader
from telemetry.feed.times.shapes import TimeTexts
from telemetry.feed.times.spec import TimeSpec
from telemetry.text.timestamps import format_time, parse_time

LOOSE = TimeSpec(zone="UTC", day_first=True, earliest_us=-(2**62))


def read(text: str | None, **spec: object) -> str:
    """Return the time of a text as RFC 3339 without zero microseconds, or its problem."""
    times = TimeReader(TimeSpec(**spec)).read_texts([text])  # type: ignore[arg-type]
    if times.problem[0] != FINE:
        assert times.time_us[0] == 0
        return PROBLEMS[times.problem[0]]
    return format_time(int(times.time_us[0])).replace(".000000", "")


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2020-07-12T00:01:34Z", "2020-07-12T00:01:34Z"),
        ("2020-07-12t00:01:34z", "2020-07-12T00:01:34Z"),
        ("2020-07-12 00:01:34+02:00", "2020-07-11T22:01:34Z"),
        ("2020-07-12T00:01:34+0200", "2020-07-11T22:01:34Z"),
        ("2020-07-12T00:01:34-03", "2020-07-12T03:01:34Z"),
        ("2020-07-12T00:01:34.5-03:30", "2020-07-12T03:31:34.500000Z"),
        ("2020-07-12 00:01:34.385 +0000", "2020-07-12T00:01:34.385000Z"),
        ("2020-07-12T00:01:54,385Z", "2020-07-12T00:01:54.385000Z"),
        ("2020-07-12T00:02:24.123456789Z", "2020-07-12T00:02:24.123456Z"),
        ("2020-07-12 00:01:34 UTC", "2020-07-12T00:01:34Z"),
        ("2020-07-12 00:01:34 GMT", "2020-07-12T00:01:34Z"),
        ("Tue Dec 17 2024 14:28:20 GMT+0100", "2024-12-17T13:28:20Z"),
        ("Tue Dec 17 2024 14:28:20 GMT+0100 (Central European Standard Time)", "2024-12-17T13:28:20Z"),
        ("2020-07-12T02:01:34+02:00[Europe/Berlin]", "2020-07-12T00:01:34Z"),
        ("Mon, 13 Jul 2020 12:00:00 +0000", "2020-07-13T12:00:00Z"),
        ("Mon Jul 13 12:00:00 UTC 2020", "2020-07-13T12:00:00Z"),
        ("13/Jul/2020:12:00:00 +0200", "2020-07-13T10:00:00Z"),
        ("20221030T013000Z", "2022-10-30T01:30:00Z"),
        ("20221030T013000.25Z", "2022-10-30T01:30:00.250000Z"),
        ("  2020-07-12T00:01:34Z\t", "2020-07-12T00:01:34Z"),
        ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00Z"),
        ("1594512094", "2020-07-12T00:01:34Z"),
        ("1594512094.25", "2020-07-12T00:01:34.250000Z"),
        ("1.59451209425E9", "2020-07-12T00:01:34.250000Z"),
        ("1550530705935", "2019-02-18T22:58:25.935000Z"),
        ("1594512094000001", "2020-07-12T00:01:34.000001Z"),
        ("1594512094123456789", "2020-07-12T00:01:34.123456Z"),
    ],
)
def test_texts_with_a_zone_are_read(text: str, time: str) -> None:
    assert read(text) == time


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2020-07-12 00:02:14", "2020-07-12T00:02:14Z"),
        ("2020-07-12T00:02", "2020-07-12T00:02:00Z"),
        ("2020-07-12T05", "2020-07-12T05:00:00Z"),
        ("2020-07-12", "2020-07-12T00:00:00Z"),
        ("2020/07/12 00:02:34", "2020-07-12T00:02:34Z"),
        ("2020/7/2 1:02", "2020-07-02T01:02:00Z"),
        ("12/07/2020 00:02:04", "2020-07-12T00:02:04Z"),
        ("08-12-2018 09:30", "2018-12-08T09:30:00Z"),
        ("10/03/2004 18.00.00", "2004-03-10T18:00:00Z"),
        ("12/07/2020 12:02 AM", "2020-07-12T00:02:00Z"),
        ("12/07/2020 12:02:03.5 pm", "2020-07-12T12:02:03.500000Z"),
        ("12/07/2020, 1:02:03 p.m.", "2020-07-12T13:02:03Z"),
        ("12/07/2020 1:02\xa0PM", "2020-07-12T13:02:00Z"),
        ("12/07/2020, 1:02:03\u202fPM", "2020-07-12T13:02:03Z"),
        ("12.07.20 23:59:59", "2020-07-12T23:59:59Z"),
        ("12/07/20", "2020-07-12T00:00:00Z"),
        ("Sunday, July 12, 2020 12:02:14 AM", "2020-07-12T00:02:14Z"),
        ("Jul  2 2020 12:02:03:045AM", "2020-07-02T00:02:03.045000Z"),
        ("12 July 2020 at 12:02", "2020-07-12T12:02:00Z"),
        ("2020-07-12, 12:02", "2020-07-12T12:02:00Z"),
        ("13-Jul-2020", "2020-07-13T00:00:00Z"),
        ("13-JUL-20 01:00:00", "2020-07-13T01:00:00Z"),
        ("Jul 13 2020", "2020-07-13T00:00:00Z"),
        ("September 1st, 2020 3:04 PM", "2020-09-01T15:04:00Z"),
        ("Mon Jul  6 12:00:00 2020", "2020-07-06T12:00:00Z"),
        ("2020-Jul-13 12:00", "2020-07-13T12:00:00Z"),
        ("20200713T120000", "2020-07-13T12:00:00Z"),
        ("20200713 1200", "2020-07-13T12:00:00Z"),
        ("202007131200", "2020-07-13T12:00:00Z"),
        ("20200713120001", "2020-07-13T12:00:01Z"),
        ("20200713120001250", "2020-07-13T12:00:01.250000Z"),
        ("12:00:01 13/07/2020", "2020-07-13T12:00:01Z"),
        ("2020-07-12 24:00", "2020-07-13T00:00:00Z"),
    ],
)
def test_naive_texts_are_read_in_a_zone_and_refused_without_one(text: str, time: str) -> None:
    assert read(text, zone="UTC", day_first=True) == time
    assert read(text, day_first=True) == PROBLEMS[NAIVE]
    later = dt.datetime.fromisoformat(time) - dt.timedelta(hours=5, minutes=30)
    assert read(text, zone="Asia/Kolkata", day_first=True) == later.isoformat().replace("+00:00", "Z")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (None, MISSING),
        ("", MISSING),
        ("  ", MISSING),
        ("NaN", MISSING),
        ("unavailable", MISSING),
        ("hello", UNKNOWN),
        ("2020-07-12 00:02:14 CET", UNKNOWN),
        ("2020-07-12 00:02:14[Europe/Rome]", UNKNOWN),
        ("2020-W28-7", UNKNOWN),
        ("2020-07-12T00:00:00Z" * 6, UNKNOWN),
        ("20\u0662\u0660-07-12T00:00:00Z", UNKNOWN),
        ("\ud800", UNKNOWN),
        ("2020-02-30", CALENDAR),
        ("2020-13-01", CALENDAR),
        ("2020-01-01 24:00:01", CALENDAR),
        ("2020-01-01 12:60", CALENDAR),
        ("2020-01-01 12:00:61", CALENDAR),
        (str(2**64 + 1_594_512_094_000_000_000), MAGNITUDE),
        (str(2**64 + 1_594_512_094), MAGNITUDE),
        ("2020-01-01 13:00 PM", CALENDAR),
        ("2020-01-01T12:00:00+24:00", CALENDAR),
        ("0000-01-01T00:00:00Z", CALENDAR),
        ("1970-01-01T02:00:36+0200", EARLY),
        ("0001-01-01T00:00:00+23:59", EARLY),
        ("44025.5", EARLY),
        ("20200713", EARLY),
        ("-5", EARLY),
        ("9999-12-31T23:59:59Z", LATE),
        ("2099-12-31T23:59:59.9999999-00:01", LATE),
    ],
)
def test_values_that_are_no_event_times_have_a_problem(text: str | None, problem: int) -> None:
    assert read(text, zone="UTC") == PROBLEMS[problem]


def test_a_number_of_a_declared_unit_is_no_date_without_separators() -> None:
    assert read("200012310000", unit="ms", zone="UTC") == PROBLEMS[EARLY]
    assert read("200012310000", zone="UTC") == "2000-12-31T00:00:00Z"
    assert read("999999999999") == "2001-09-09T01:46:39.999000Z"


def test_a_reader_can_be_sent_to_another_process() -> None:
    reader = TimeReader(TimeSpec(zone="Europe/Rome", formats=("%Y-%m-%d",)))
    before = reader.read_texts(["2020-07-12"])
    assert pickle.loads(pickle.dumps(reader)).read_texts(["2020-07-12"]).time_us.tolist() == before.time_us.tolist()


def test_bounds_are_exact() -> None:
    assert read("2000-01-01T00:00:00Z") == "2000-01-01T00:00:00Z"
    assert read("1999-12-31T23:59:59.999999Z") == PROBLEMS[EARLY]
    assert read("2099-12-31T23:59:59.999999Z") == "2099-12-31T23:59:59.999999Z"
    assert read("2100-01-01T00:00:00Z") == PROBLEMS[LATE]
    assert read("1970-01-01T00:00:01Z", earliest_us=0) == "1970-01-01T00:00:01Z"


@pytest.mark.parametrize(
    ("text", "unknown", "day_first", "month_first"),
    [
        ("08/12/2018", PROBLEMS[AMBIGUOUS], "2018-12-08T00:00:00Z", "2018-08-12T00:00:00Z"),
        ("08-08-2018", "2018-08-08T00:00:00Z", "2018-08-08T00:00:00Z", "2018-08-08T00:00:00Z"),
        ("13/07/2020", "2020-07-13T00:00:00Z", "2020-07-13T00:00:00Z", PROBLEMS[CALENDAR]),
        ("07/13/2020", "2020-07-13T00:00:00Z", PROBLEMS[CALENDAR], "2020-07-13T00:00:00Z"),
        ("08.12.2018", "2018-12-08T00:00:00Z", "2018-12-08T00:00:00Z", "2018-08-12T00:00:00Z"),
        ("18.05.20", PROBLEMS[AMBIGUOUS], "2020-05-18T00:00:00Z", PROBLEMS[CALENDAR]),
        ("18.05.20 9:00", "2020-05-18T09:00:00Z", "2020-05-18T09:00:00Z", PROBLEMS[CALENDAR]),
        ("20/07/13", PROBLEMS[AMBIGUOUS], "2013-07-20T00:00:00Z", PROBLEMS[CALENDAR]),
        ("07/13/20", "2020-07-13T00:00:00Z", PROBLEMS[CALENDAR], "2020-07-13T00:00:00Z"),
        ("13/13/2020", PROBLEMS[CALENDAR], PROBLEMS[CALENDAR], PROBLEMS[CALENDAR]),
    ],
)
def test_the_order_of_day_and_month_is_never_guessed(text: str, unknown: str, day_first: str, month_first: str) -> None:
    read_as = [read(text, zone="UTC", day_first=order) for order in (None, True, False)]
    assert read_as == [unknown, day_first, month_first]


def test_formats_are_tried_in_order_and_nothing_else_is_read() -> None:
    formats = ("%d/%m/%Y", "%m/%d/%Y", "%Y%m%d")
    texts = ["08/12/2018", "12/31/2018", "20181231", "1594512094", "2020-07-12", "31/31/2018"]
    assert [read(text, zone="UTC", formats=formats) for text in texts] == [
        "2018-12-08T00:00:00Z",
        "2018-12-31T00:00:00Z",
        "2018-12-31T00:00:00Z",
        "fits none of the formats",
        "fits none of the formats",
        "is no time of the calendar",
    ]


def test_a_column_of_many_forms_is_read_value_by_value() -> None:
    texts = ["2020-07-12T00:00:00Z", None, "1594512094", "x", "12/07/2020 1:00", "2020-07-12T00:00:01Z", ""] * 50
    times = TimeReader(TimeSpec(zone="UTC", day_first=True)).read_texts(texts)
    expected = ([1594512000, 0, 1594512094, 0, 1594515600, 1594512001, 0]) * 50
    assert times.time_us.tolist() == [second * 1_000_000 for second in expected]
    assert times.problem.tolist() == [FINE, MISSING, FINE, UNKNOWN, FINE, FINE, MISSING] * 50


def test_all_kinds_of_arrow_arrays_are_taken() -> None:
    texts = ["2020-07-12T00:00:00Z", None, "2020-07-12T00:00:01Z"]
    plain = pa.array(["skipped", *texts])[1:]
    arrays = [plain, plain.cast(pa.large_string()), plain.dictionary_encode(), pa.chunked_array([plain[:1], plain[1:]])]
    for array in arrays:
        times = TimeReader(TimeSpec()).read_texts(array)
        assert times.time_us.tolist() == [1_594_512_000_000_000, 0, 1_594_512_001_000_000]
    empties: list[TimeTexts] = [pa.array([], pa.string()), [], pa.chunked_array([], pa.string())]
    for empty in empties:
        assert TimeReader(TimeSpec()).read_texts(empty).time_us.tolist() == []
    assert TimeReader(TimeSpec()).read_texts(pa.nulls(2, pa.string())).problem.tolist() == [MISSING, MISSING]


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (TimeSpec(unit="weeks"), "'weeks' is no unit of time; choose s, ms, us, ns, minutes, hours, days, excel"),
        (TimeSpec(zone="Europe/Rom"), "'Europe/Rom' is no zone of the IANA database; did you mean Europe/Rome?"),
        (TimeSpec(formats=("%H:%M",)), "'%H:%M' names no day"),
    ],
)
def test_a_wrong_description_is_refused(spec: TimeSpec, message: str) -> None:
    with pytest.raises(ValueError, match=message.replace("?", r"\?")):
        TimeReader(spec)


AWARE = st.datetimes(timezones=st.timezones())


@given(st.lists(AWARE, min_size=1, max_size=5), st.sampled_from("T "))
@settings(deadline=None)
def test_iso_texts_are_read_as_datetime_reads_them(moments: list[dt.datetime], separator: str) -> None:
    texts = [moment.isoformat(separator) for moment in moments]
    times = TimeReader(LOOSE).read_texts(texts)
    expected = [parse_time(text) for text in texts]
    assert [FINE if us < 4_102_444_800_000_000 else LATE for us in expected] == times.problem.tolist()
    assert [us if us < 4_102_444_800_000_000 else 0 for us in expected] == times.time_us.tolist()


DATES = ["%d/%m/%Y", "%d-%m-%y", "%d.%m.%Y", "%Y/%m/%d", "%d %B %Y", "%b %d, %Y", "%A, %d-%b-%y", "%Y-%b-%d"]
TIMES_OF_DAY = ["", " %H:%M", " %H.%M.%S", " %I:%M:%S %p", ", %I:%M%p", "T%H:%M:%S.%f"]


@given(
    st.datetimes(dt.datetime(2000, 1, 1), dt.datetime(2068, 12, 31)),
    st.sampled_from(DATES),
    st.sampled_from(TIMES_OF_DAY),
    st.sampled_from(["", " UTC", "Z", " -0130", "+05:45", " GMT+2"]),
)
@settings(deadline=None)
def test_recognised_forms_are_read_as_strptime_reads_them(
    moment: dt.datetime, date: str, time: str, offset: str
) -> None:
    pattern = date + time
    expected = dt.datetime.strptime(moment.strftime(pattern), pattern)
    behind = {" -0130": 90, "+05:45": -345, " GMT+2": -120}.get(offset, 0) if time else 0
    text = moment.strftime(pattern) + (offset if time else "")
    times = TimeReader(LOOSE).read_texts([text])
    assert times.time_us.tolist() == [
        (expected + dt.timedelta(minutes=behind) - dt.datetime(1970, 1, 1)) // dt.timedelta(microseconds=1)
    ]


@given(st.floats(min_value=946_684_800, max_value=3_155_759_999))
@settings(deadline=None)
def test_seconds_are_rounded_as_the_canonical_ts_is(seconds: float) -> None:
    assert TimeReader(TimeSpec()).read_texts([repr(seconds)]).time_us.tolist() == [parse_time(repr(seconds))]
    assert TimeReader(TimeSpec()).read_numbers(np.array([seconds])).time_us.tolist() == [parse_time(repr(seconds))]


MESSY = st.one_of(
    st.none(),
    st.text(max_size=30),
    st.text("0123456789-/.:+TZ ,eapm", max_size=25),
    AWARE.map(str),
    st.floats().map(repr),
)
SPECS = st.builds(
    TimeSpec,
    formats=st.sampled_from([(), ("%d/%m/%Y", "%m/%d/%Y %H:%M"), ("%Y%m%d",)]),
    zone=st.sampled_from(["", "Europe/Rome", "+02:00"]),
    unit=st.sampled_from(["", "s", "ns", "excel", "matlab", "labview", "days"]),
    day_first=st.sampled_from([None, True, False]),
    earliest_us=st.sampled_from([0, 946_684_800_000_000]),
)


@given(st.lists(MESSY, max_size=12), SPECS)
@settings(deadline=None)
def test_no_text_raises_and_none_changes_how_another_is_read(texts: list[str | None], spec: TimeSpec) -> None:
    series = np.arange(len(texts))
    together = TimeReader(spec).read_texts(texts, PassClues(series))
    alone = [TimeReader(spec).read_texts([text]) for text in texts]
    assert together.time_us.tolist() == [times.time_us[0] for times in alone]
    assert together.problem.tolist() == [times.problem[0] for times in alone]


@given(st.lists(st.floats(), max_size=12), SPECS)
@settings(deadline=None)
def test_no_number_raises(values: list[float], spec: TimeSpec) -> None:
    times = TimeReader(spec).read_numbers(np.array(values, np.float64), PassClues(np.arange(len(values))))
    assert [problem == MISSING for problem in times.problem] == [math.isnan(value) for value in values]
    assert ((times.time_us == 0) | (times.time_us >= spec.earliest_us)).all()
