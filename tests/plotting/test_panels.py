import numpy as np
import pandas as pd
import pytest

from plotting.panels import Panel, Points, TimeRange, most_anomalous, reading_panels, window_panels
from plotting.readings import read_readings
from plotting.reduce import Windows
from plotting.results import Results, read_results
from tests.plotting.runs import MINUTE, T0, anomaly, window, write_csv, write_run

NOTHING = np.empty(0, dtype=np.int64)
NO_WINDOWS = Windows(NOTHING, NOTHING, NOTHING, *[NOTHING.astype(float)] * 4)
SECOND = 1_000_000
WINDOW = window()


@pytest.fixture
def readings(tmp_path):
    rows = [(T0 / 1e6 + n, device, 20 + n) for n in range(5) for device in "ab"]
    return read_readings([write_csv(tmp_path / "r.csv", rows)], "temp").frame


def stored(tmp_path, *anomalies, windows=(WINDOW,)) -> Results:
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
