"""Check that the memory of a live run is bounded over twelve simulated hours."""

import gc
import sys
from typing import Any

import pytest

from plotting.serve.live_run import LETTER_IDENTITY, LiveRun
from plotting.serve.record_buffer import AnomalyBuffer, RecordBuffer
from plotting.serve.view_choice import ViewChoice
from tests.support.live_drawing import Tab
from tests.support.live_tables import take
from tests.support.report_pages import letter
from tests.support.runs import MINUTE, T0, anomaly, window

BOUND_BYTES = 400_000
BOUND_OBJECTS = 2_000
STEP = 60  # minutes between two looks


def in_use(run) -> Any:
    """Return how many objects there are, and the bytes of them and of what a run holds.

    `tracemalloc` says the same, and takes half a minute for it: 7.0 MB after four hours and 7.3 MB after twelve.
    """
    gc.collect()
    objects = gc.get_objects()
    rows = sum(series.rows.nbytes for series in run.series_by_key.values())
    frames = sum(int(frame.memory_usage(deep=True).sum()) for frame in (run.anomalies.frame, run.letters.frame))
    return len(objects), sum(map(sys.getsizeof, objects)) + rows + frames


def test_twelve_hours_take_no_more_than_four():
    run = LiveRun(
        longest_series=64,
        anomalies=AnomalyBuffer(max_records=60),
        letters=RecordBuffer(LETTER_IDENTITY, ("reason", "event_time"), max_records=30),
    )
    choices = (
        ViewChoice(width=480),
        ViewChoice("scatter", width=480, last="1h"),
        ViewChoice("overview", "*", width=480),
    )
    tabs = [Tab(run, choice, keep=False).begin() for choice in choices]
    held: dict[int, tuple[int, int]] = {}
    for minute in range(0, 12 * 60, STEP):
        some = range(minute, minute + STEP)
        take(
            run,
            [window(d, at, 20.0 + at % 9, metric=m) for d in "ab" for m in ("temp", "humidity") for at in some],
            [anomaly("ab"[at % 2], T0 + at * MINUTE, 31.0, metric=("temp", "humidity")[at % 3 == 0]) for at in some],
            [letter("too_late", at) for at in some[::3]],
        )
        for tab in tabs:
            tab.show()
        tabs[0].mouse("motion_notify", 100 + minute % 300, 100)
        if minute % 120 == 60:
            held[(minute + STEP) // 60] = in_use(run)
    print(held)
    assert all(tab.blobs >= 12 for tab in tabs)
    assert run.windows == 4 * 720
    assert max(map(len, run.series_by_key.values())) <= 64
    assert (run.anomalies.total, len(run.anomalies.frame), run.letters.total) == (720, 60, 240)
    assert held[12][0] - held[4][0] < BOUND_OBJECTS
    assert held[12][1] - held[4][1] < BOUND_BYTES


@pytest.mark.parametrize("figures", [("trend", "scatter"), ("overview", "trend")])
def test_a_tab_that_changes_its_mind_all_day_takes_no_more(figures):
    run = LiveRun()
    take(run, [window("a", minute) for minute in range(5)], [anomaly("a")])
    tab = Tab(run, keep=False).begin()
    counts = []
    for number in range(12):
        tab.hear("choose", parameters={"figure": [figures[number % 2]]})
        if number % 4 == 3:
            gc.collect()
            counts.append(len(gc.get_objects()))
    assert counts[-1] - counts[0] < BOUND_OBJECTS
