import tempfile
import tracemalloc
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.collections import PathCollection

from plotting.data.downsample import Windows
from plotting.data.panels import Panel, Points, TimeRange, most_anomalous, reading_panels, window_panels
from plotting.data.readings import read_readings
from plotting.data.results import RunResults, read_results
from plotting.figures import PictureRequest, draw
from tests.support.runs import MINUTE, T0, anomaly, window, write_csv, write_run

NOTHING = np.empty(0, dtype=np.int64)
NO_WINDOWS = Windows(NOTHING, NOTHING, NOTHING, *[NOTHING.astype(float)] * 4)
SECOND = 1_000_000
WINDOW = window()


@pytest.fixture
def readings(tmp_path):
    rows = [(T0 / 1e6 + n, device, 20 + n) for n in range(5) for device in "ab"]
    return read_readings([write_csv(tmp_path / "r.csv", rows)], "temp").frame


def stored(tmp_path, *anomalies, windows=(WINDOW,)) -> RunResults:
    return read_results(write_run(tmp_path / "run", windows, anomalies), "temp")


def test_a_reading_is_red_when_its_device_and_own_time_are_an_anomaly_s(tmp_path, readings):
    run = stored(tmp_path, anomaly("a", T0 + 3 * SECOND, 23.0, shift=86_400 * SECOND))
    (a, b), unmatched = reading_panels(readings, run.anomalies, ["a", "b"], TimeRange())
    assert a.anomalies.times.tolist() == [T0 + 3 * SECOND]  # at its source time, though the replay was rebased
    assert a.anomalies.values.tolist() == [23.0]
    assert a.readings.values.tolist() == [20.0, 21.0, 22.0, 24.0]
    assert (len(b.anomalies), len(b.readings), unmatched) == (0, 5, 0)
    assert (a.thresholds, b.thresholds) == ((30.0,), ())


def test_a_microsecond_beside_is_another_reading_and_is_counted(tmp_path, readings):
    run = stored(tmp_path, anomaly("a", T0 + 3 * SECOND + 1))
    (a,), unmatched = reading_panels(readings, run.anomalies, ["a"], TimeRange())
    assert (len(a.anomalies), a.thresholds, unmatched) == (0, (), 1)


def test_devices_are_told_apart_whether_they_are_text_or_categories(tmp_path, readings):
    run = stored(tmp_path, anomaly("b", T0 + 4 * SECOND), anomaly("a", T0), anomaly("c", T0), anomaly("b", T0 - 1))
    mixed = readings.iloc[[9, 0, 3, 2, 1, 8, 7, 5, 6, 4]]
    devices = ["c", "b", "a"]
    panels, unmatched = reading_panels(mixed, run.anomalies, devices, TimeRange(), block_rows=2)
    plain, same = reading_panels(mixed.astype({"device": object}), run.anomalies, devices, TimeRange())
    assert (unmatched, same) == (2, 2)
    expected = [([], []), ([21, 20, 23, 22], [24]), ([21, 24, 23, 22], [20])]
    assert [(p.readings.values.tolist(), p.anomalies.values.tolist()) for p in panels] == expected
    assert [(p.readings.values.tolist(), p.anomalies.values.tolist()) for p in plain] == expected


def test_the_range_is_half_open_for_readings_and_anomalies(tmp_path, readings):
    run = stored(tmp_path, *[anomaly("a", T0 + n * SECOND) for n in (1, 3)])
    (a,), unmatched = reading_panels(readings, run.anomalies, ["a"], TimeRange(T0 + SECOND, T0 + 3 * SECOND))
    assert (a.anomalies.times - T0).tolist() == [SECOND]
    assert (a.readings.times - T0).tolist() == [2 * SECOND]
    assert unmatched == 0


def test_windows_that_touch_the_range_are_shown_in_order(tmp_path):
    windows = [window(minute=m, mean=20.0 + m) for m in (3, 0, 2, 1)]
    run = stored(tmp_path, windows=windows)
    span = TimeRange(T0 + MINUTE + 1, T0 + 3 * MINUTE)
    (panel,) = window_panels(run.aggregates, run.anomalies, ["a"], span)
    assert panel.windows.mean.tolist() == [21.0, 22.0]
    assert panel.windows.min.tolist() == [20.0, 21.0]


def test_without_readings_anomalies_lie_at_their_event_time_once_each(tmp_path):
    shift = 60 * SECOND
    run = stored(tmp_path, anomaly(at=T0, shift=shift), anomaly(at=T0, rule="other", threshold=10.0, shift=shift))
    (panel,) = window_panels(run.aggregates, run.anomalies, ["a"], TimeRange())
    assert panel.anomalies.times.tolist() == [T0 + shift]
    assert panel.thresholds == (10.0, 30.0)


def test_a_range_has_two_lines_and_a_moving_bound_none(tmp_path):
    run = stored(tmp_path, anomaly(threshold=10.0, upper=30.0))
    (panel,) = window_panels(run.aggregates, run.anomalies, ["a"], TimeRange())
    assert panel.thresholds == (10.0, 30.0)
    moving = stored(tmp_path / "m", *[anomaly(at=T0 + n, threshold=30.0 + n) for n in range(5)])
    (panel,) = window_panels(moving.aggregates, moving.anomalies, ["a"], TimeRange())
    assert panel.thresholds == ()


def test_devices_with_the_most_anomalies_are_shown_in_their_order():
    def panel(device, red, blue) -> Panel:
        points, anomalies = (Points(np.arange(n), np.zeros(n)) for n in (blue, red))
        return Panel(device, points, NO_WINDOWS, anomalies, ())

    panels = [panel("a", 0, 9), panel("b", 1, 0), panel("c", 0, 10), panel("d", 5, 0)]
    assert [shown.device for shown in most_anomalous(panels, 3)] == ["b", "c", "d"]


def test_results_without_rows_of_a_device_are_an_empty_panel(tmp_path):
    run = stored(tmp_path)
    (panel,) = window_panels(run.aggregates, run.anomalies, ["nobody"], TimeRange())
    assert panel.points == 0
    assert isinstance(run.anomalies, pd.DataFrame)


def test_panels_of_many_readings_take_little_more_than_the_readings():
    count, devices = 300_000, [f"d{n}" for n in range(10)]
    frame = pd.DataFrame(
        {
            "device": pd.Categorical.from_codes((np.arange(count) % 10).tolist(), pd.Index(devices)),
            "time": pd.DatetimeIndex((np.arange(count) * SECOND).view("M8[us]"), tz="UTC"),
            "value": np.arange(count) / 7,
        }
    )
    found = pd.DataFrame([{"device": "d3", "source_time": pd.Timestamp(3, unit="s", tz="UTC")}])
    found["source_time"] = found["source_time"].astype("datetime64[us, UTC]")
    found = found.assign(threshold=30.0, threshold_upper=np.nan)
    tracemalloc.start()
    try:
        panels, _ = reading_panels(frame, found, devices, TimeRange())
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert sum(panel.points for panel in panels) == count
    assert all((np.diff(panel.readings.times) > 0).all() for panel in panels)  # in the order of the rows
    assert peak < 32 * count  # the panels are 16 bytes a reading, the order of the rows is 8


CLUSTERED = st.lists(
    st.tuples(
        st.sampled_from("ab"),
        st.integers(0, 6).map(lambda hour: hour * 3_600 * SECOND),  # a pixel column each
        st.integers(0, 12),  # microseconds in it: some twice
        st.sampled_from([20.0, 20.01, 20.02, 21.0, 35.0, -3.5]),
        st.booleans(),
    ),
    min_size=1,
    max_size=80,
)


def extremes(values) -> list[float]:
    return sorted(values)[:1] + sorted(values)[-1:]


@settings(max_examples=25, deadline=None)
@given(CLUSTERED)
def test_no_anomaly_and_no_extreme_is_lost_between_the_readings_and_the_picture(rows):
    known = {(device, T0 + hour + offset) for device, hour, offset, _, red in rows if red}
    with tempfile.TemporaryDirectory() as folder:
        cells = [(f"{(T0 + hour + offset) / 1e6:.6f}", device, value) for device, hour, offset, value, _ in rows]
        file = write_csv(Path(folder) / "r.csv", cells)
        run = write_run(Path(folder) / "run", [WINDOW], [anomaly(*one) for one in sorted(known)])
        drawn = draw("scatter", PictureRequest(run, [file]))
    assert (drawn.points, drawn.unmatched, drawn.unreadable) == (len(rows), 0, 0)
    for axes, device in zip(drawn.figure.axes, drawn.devices, strict=True):
        clouds = {
            child.get_gid(): np.asarray(child.get_offsets())[:, 1]
            for child in axes.get_children()
            if isinstance(child, PathCollection)
        }
        own = [(T0 + hour + offset, value) for name, hour, offset, value, _ in rows if name == device]
        red = sorted(value for time, value in own if (device, time) in known)
        blue = [value for time, value in own if (device, time) not in known]
        assert sorted(clouds.get("anomalies", np.empty(0)).tolist()) == red
        shown = clouds.get("readings", np.empty(0)).tolist()
        assert extremes(shown) == extremes(blue)
        assert len(shown) <= len(blue)
        bottom, top = axes.get_ylim()
        assert all(bottom < value < top for value in red + blue)
    assert {device for device, *_ in rows} == set(drawn.devices)
