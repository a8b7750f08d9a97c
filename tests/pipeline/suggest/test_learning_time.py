"""How long rules learn in long recordings and in short ones."""

import pytest

from pipeline.suggest.learning_time import learning_time
from pipeline.suggest.round_numbers import DAY_US, HOUR_US
from tests.support.recordings import noise, profile_of


def learned(
    hours: float, every_s: float = 60, without_us: int = DAY_US, wanted_us: int | None = None
) -> tuple[float, str, bool] | None:
    found = learning_time(profile_of(noise(int(hours * 3600 / every_s) + 1), every_s), without_us, wanted_us)
    return None if found is None else (found.time_us / HOUR_US, found.field, bool(found.note))


@pytest.mark.parametrize(
    ("hours", "expected"),
    [
        (48, (24, "", False)),
        (47, (8, "8h", True)),
        (12, (3, "3h", True)),
        (6.6, None),  # a quarter holds fewer than 100 readings
    ],
)
def test_a_short_recording_shortens_it(hours, expected):
    assert learned(hours) == expected


def test_it_takes_ten_minutes_at_least():
    assert learned(0.6, every_s=1) is None
    assert learned(0.7, every_s=1) == (1 / 6, "10m", True)


def test_slow_readings_need_longer():
    assert learned(48, 60, HOUR_US) == (2, "2h", False)
    assert learned(1, 10, HOUR_US) is None
    assert learned(96, 60, DAY_US, 2 * DAY_US) == (48, "2d", False)


def test_the_note_says_what_would_be_better():
    profile = profile_of(noise(721))
    found = learning_time(profile, DAY_US)
    assert found is not None
    assert found.note == ("It learns for 3h, as a device was recorded for 12h; better: `learn: 1d`.")
