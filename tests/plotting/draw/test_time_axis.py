import datetime as dt
import itertools
import warnings

import numpy as np
import pytest
from matplotlib.figure import Figure

from plotting.draw.time_axis import ShortDateFormatter, style_time_axis, to_days
from plotting.style.texts import TEXTS

DAY = dt.datetime(2020, 7, 12, tzinfo=dt.UTC)


def ticks(step: dt.timedelta, count: int, language="en", start=DAY) -> tuple[list[str], str]:
    formatter = ShortDateFormatter(TEXTS[language])
    values = [(start + n * step).timestamp() / 86_400 for n in range(count)]
    return formatter.format_ticks(values), formatter.get_offset()


@pytest.mark.parametrize(
    ("step", "texts", "rest"),
    [
        (dt.timedelta(days=31), ["Jul 2020", "Aug 2020", "Sep 2020"], ""),
        (dt.timedelta(days=1), ["12 Jul", "13 Jul", "14 Jul"], "2020"),
        (dt.timedelta(hours=12), ["12 Jul", "12:00", "13 Jul"], "13 Jul 2020"),
        (dt.timedelta(minutes=10), ["12 Jul", "00:10", "00:20"], "12 Jul 2020"),
        (dt.timedelta(seconds=5), ["12 Jul", "00:00:05", "00:00:10"], "12 Jul 2020"),
        (dt.timedelta(milliseconds=200), ["12 Jul", "00:00:00.200", "00:00:00.400"], "12 Jul 2020"),
    ],
)
def test_ticks_are_as_short_as_their_distance_allows(step, texts, rest):
    assert ticks(step, 3) == (texts, rest)


def test_months_are_french_in_french():
    assert ticks(dt.timedelta(days=1), 2, "fr") == (["12 juil.", "13 juil."], "2020")


def test_one_tick_and_none_are_fine():
    assert ticks(dt.timedelta(days=1), 1) == (["12 Jul"], "2020")
    assert ticks(dt.timedelta(days=1), 0) == ([], "")


def test_the_machine_s_time_zone_does_not_matter(monkeypatch):
    import time

    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        assert ticks(dt.timedelta(hours=6), 2)[0] == ["12 Jul", "06:00"]
    finally:
        monkeypatch.undo()
        time.tzset()


def test_a_single_date_reads_to_the_minute():
    assert ShortDateFormatter(TEXTS["en"])(to_days(np.array([1_594_512_094_385_975]))[0]) == "00:01"


@pytest.mark.parametrize("seconds", [3, 59, 200, 3_000, 20_000, 86_000, 200_000, 340_000, 400_000, 10**6, 10**7, 10**8])
def test_any_span_has_a_few_different_ticks(seconds):
    axes = Figure().subplots()
    start = DAY.timestamp() / 86_400
    axes.set_xlim(start, start + seconds / 86_400)
    style_time_axis(axes, TEXTS["en"])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        axes.figure.canvas.draw()
    labels = [label.get_text() for label in axes.get_xticklabels()]
    assert 3 <= len(labels) <= 12
    assert all(one != other for one, other in itertools.pairwise(labels))
