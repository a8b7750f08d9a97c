"""Codes for missing values, and numbers that only look like them."""

import pytest

from telemetry.feed.propose.columns import SampleColumn
from telemetry.feed.propose.sentinels import common_sentinels, find_sentinels, find_texts, written


def column(name: str, *values: object) -> SampleColumn:
    return SampleColumn(name, values, (name,))


@pytest.mark.parametrize(
    ("values", "codes"),
    [
        (("13.6", "-200", "13.3"), (-200.0,)),
        ((20, 21, -99.9, 22), (-99.9,)),
        ((20, 21, 9999, -9999, 22), (-9999.0, 9999.0)),
        ((20, 21, 32767), (32767.0,)),
        ((900, 950, 999), ()),  # a number like others
        ((20, 21, -150), ()),  # far, but no code
        ((20, 21, 85), ()),  # a heat that has to be seen
        ((-199, -201, -200), ()),
        ((20, -200), ()),  # one other number shows no distance
        ((-9999, -9999), ()),
    ],
)
def test_codes_are_far_from_all_other_values(values: tuple[object, ...], codes: tuple[float, ...]) -> None:
    assert find_sentinels([column("x", *values)]) == ({"x": codes} if codes else {})


def test_codes_of_several_columns_are_common() -> None:
    found = {"a": (-200.0,), "b": (-200.0, -1.0)}
    assert common_sentinels(found, 3) == (-200.0,)
    assert common_sentinels(found, 5) == ()
    assert common_sentinels({"a": (-200.0,)}, 1) == ()


def test_texts_in_place_of_numbers() -> None:
    assert find_texts([column("a", "1", "broken", "NA", "x1"), column("b", "broken", "2", "err")]) == ("broken",)
    assert find_texts([column("a", "on", "off", "on")]) == ()


def test_numbers_are_written_as_people_do() -> None:
    assert [written(number) for number in (-200.0, -99.9, 1e30)] == ["-200", "-99.9", "1e+30"]
