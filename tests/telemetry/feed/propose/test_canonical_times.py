"""Say a unit where the canonical form would not read the times."""

import pytest

from telemetry.feed.propose.canonical_times import unit_to_say
from telemetry.feed.propose.propose import propose


@pytest.mark.parametrize(
    ("values", "unit"),
    [
        (("1594512000", "1594512060.5"), ""),
        ((1594512000, None), ""),
        (("2020-07-12T00:00:00Z",), ""),
        (("1594512000123", "1594512060123"), "ms"),
        ((1594512000123456,), "us"),
        (("1594512000123456789",), "ns"),
        (("12 Jul 2020 00:00 UTC",), "s"),
        ((), ""),
    ],
)
def test_the_unit_is_that_of_the_numbers(values: tuple[object, ...], unit: str) -> None:
    assert unit_to_say(values) == unit


def test_a_file_in_milliseconds_with_canonical_names_is_read() -> None:
    feed = propose("x.csv", b"ts,device,temp\n1594512000123,a,1\n1594512060123,a,2\n").feed
    assert feed.time.unit == "ms"
    assert propose("x.csv", b"ts,device,temp\n1594512000,a,1\n1594512060,a,2\n").feed.time.unit is None
