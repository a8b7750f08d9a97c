import numpy as np
import pyarrow as pa

from telemetry.feed.times.made import counted, joined
from telemetry.feed.times.problems import EARLY, FINE, LATE, MISSING
from telemetry.feed.times.reader import TimeReader
from telemetry.feed.times.spec import TimeSpec
from telemetry.text.timestamps import LATEST_US

SECOND = 1_000_000
START = 1_594_512_000 * SECOND


def test_numbers_count_from_the_start() -> None:
    times = counted(START, 5 * SECOND, np.array([100.0, 0.0, -1.0, 0.5, 0.1234567]), 0)
    assert (times.time_us - START).tolist() == [500 * SECOND, 0, -5 * SECOND, 2_500_000, 617_284]
    assert times.problem.tolist() == [FINE] * 5


def test_numbers_that_lead_beyond_all_times_have_a_problem() -> None:
    counts = np.array([0.0, 1.0, 2.0, 1e300, np.inf, -np.inf, np.nan, -3.0])
    times = counted(LATEST_US - 2 * SECOND, SECOND, counts, LATEST_US - 4 * SECOND)
    assert times.time_us.tolist() == [LATEST_US - 2 * SECOND, LATEST_US - SECOND, 0, 0, 0, 0, 0, 0]
    assert times.problem.tolist() == [FINE, FINE, LATE, LATE, LATE, EARLY, MISSING, EARLY]


def test_parts_of_a_time_are_joined_unless_one_is_blank() -> None:
    years, days, clocks = (
        pa.array(["2020", " 2020 ", "2020", None]),
        pa.array(["194", "195", "", "196"]),
        ["1", "2", "3", "4"],
    )
    assert joined(years, days, pa.array(clocks)).to_pylist() == ["2020 194 1", "2020 195 2", None, None]


def test_a_date_and_a_time_of_day_are_joined() -> None:
    texts = joined(pa.array(["10/03/2004", None, "10/03/2004"]), pa.array(["18.00.00", "19.00.00", None]))
    assert texts.to_pylist() == ["10/03/2004 18.00.00", None, None]
    times = TimeReader(TimeSpec(zone="Europe/Rome", day_first=True)).read_texts(texts)
    assert times.time_us.tolist() == [1_078_938_000 * SECOND, 0, 0]
