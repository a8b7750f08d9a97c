"""The hour that comes twice, in live messages."""

import numpy as np

from telemetry.feed.times.pass_clues import PassClues
from telemetry.feed.times.reader import TimeReader
from telemetry.feed.times.spec import TimeSpec
from telemetry.text.timestamps import parse_time

LONDON = TimeReader(TimeSpec(zone="Europe/London"))


def shown(clock: str, published: str) -> str:
    """Return hours and minutes, UTC, of times of day on the day the clocks of London go back."""
    days = [time if "T" in time else f"2020-10-25T{time}" for time in published.split()]
    arrival = PassClues(publish_us=np.array([parse_time(f"{time}:00Z") for time in days]))
    times = LONDON.read_texts([f"2020-10-25 {time}" for time in clock.split()], arrival)
    return " ".join(str(us)[11:16] for us in times.time_us.astype("datetime64[us]"))


def test_the_pass_is_nearer_to_the_publish_time() -> None:
    assert shown("01:30 01:30 01:30 01:30", "00:30 01:30 00:59 01:01") == "00:30 01:30 00:30 01:30"
    assert shown("01:59 01:00 01:30", "00:58 01:00 00:20") == "00:59 01:00 00:30"


def test_other_times_do_not_depend_on_the_publish_time() -> None:
    assert shown("00:59 02:00 12:00", "01:00 02:00 23:00") == "23:59 02:00 12:00"


def test_the_order_tells_the_pass_of_data_that_are_published_again() -> None:
    later = " ".join(["2026-01-01T00:00"] * 4)
    assert shown("01:00 01:30 01:00 01:30", later) == "00:00 00:30 01:00 01:30"
    assert shown("01:30 01:00 01:30", "00:31 2026-01-01T00:00 2026-01-01T00:00") == "00:30 00:00 00:30"


def test_some_of_the_times_keep_their_arrival() -> None:
    arrival = PassClues(np.array([7, 8, 9]), None, np.array([1, 2, 3]))
    some = arrival.of(np.array([0, 2]))
    assert some.order is not None
    assert some.publish_us is not None
    assert (some.order.tolist(), some.publish_us.tolist()) == ([7, 9], [1, 3])
    assert PassClues().of([0]) == PassClues()
