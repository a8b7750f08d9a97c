import pyarrow as pa

from telemetry.feed.times.made import joined, made
from telemetry.feed.times.problems import FINE, LATE
from telemetry.feed.times.reader import TimeReader
from telemetry.feed.times.spec import TimeSpec
from telemetry.text.timestamps import LATEST_US

SECOND = 1_000_000


def test_rows_follow_each_other_from_the_start() -> None:
    start = 1_594_512_000 * SECOND
    times = made(start, 5 * SECOND, 100, 3)
    assert times.time_us.tolist() == [start + 500 * SECOND, start + 505 * SECOND, start + 510 * SECOND]
    assert times.problem.tolist() == [FINE] * 3


def test_parts_are_the_whole() -> None:
    whole = made(0, 7, 0, 10).time_us.tolist()
    assert made(0, 7, 0, 4).time_us.tolist() + made(0, 7, 4, 6).time_us.tolist() == whole


def test_rows_that_reach_the_end_of_time_have_a_problem() -> None:
    times = made(LATEST_US - 2 * SECOND, SECOND, 0, 4)
    assert times.time_us.tolist() == [LATEST_US - 2 * SECOND, LATEST_US - SECOND, 0, 0]
    assert times.problem.tolist() == [FINE, FINE, LATE, LATE]
    assert made(0, SECOND, 10**30, 2).problem.tolist() == [LATE, LATE]
    assert made(LATEST_US - 1, SECOND, 0, 2).problem.tolist() == [FINE, LATE]


def test_a_date_and_a_time_of_day_are_joined() -> None:
    texts = joined(pa.array(["10/03/2004", None, "10/03/2004"]), pa.array(["18.00.00", "19.00.00", None]))
    assert texts.to_pylist() == ["10/03/2004 18.00.00", None, None]
    times = TimeReader(TimeSpec(zone="Europe/Rome", day_first=True)).read_texts(texts)
    assert times.time_us.tolist() == [1_078_938_000 * SECOND, 0, 0]
