import subprocess
import sys
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure

import plotting
from plotting import overview, scatter, trend
from plotting.data.results import read_results, read_run
from plotting.draw.time_axis import to_days
from plotting.style.themes import DARK, LIGHT
from telemetry.feed.parse import parse_feed
from tests.support.runs import MINUTE, T0, anomaly, window, write_run

TIMES = T0 + np.arange(6) * MINUTE
VALUES = np.array([20.0, 21.0, 35.0, 22.0, 36.0, 23.0])
STAMPS = TIMES.view("M8[us]")
HOT = VALUES > 30


def axes_of() -> Any:
    figure = Figure()
    FigureCanvasAgg(figure)
    return figure.subplots()


def artists(axes, name) -> list[Any]:
    return [child for child in axes.get_children() if child.get_gid() == name]


def dots(axes, name) -> list[list[float]]:
    return [offset for cloud in artists(axes, name) for offset in cloud.get_offsets().tolist()]


def places(times, values) -> list[list[float]]:
    return [[float(day), float(value)] for day, value in zip(to_days(np.asarray(times)), values, strict=True)]


def named(name) -> pd.DataFrame:
    return pd.DataFrame({name: pd.Series(STAMPS).dt.tz_localize("UTC"), "temp": VALUES, "device": "a"})


@pytest.mark.parametrize(
    "readings",
    [
        (TIMES, VALUES),
        (STAMPS, VALUES.tolist()),
        (STAMPS.astype("M8[ns]"), VALUES),
        (pd.Series(STAMPS).dt.tz_localize("UTC").dt.tz_convert("Asia/Tokyo"), VALUES),
        (list(pd.to_datetime(STAMPS)), VALUES),
        {"time": STAMPS, "value": VALUES},
        pd.DataFrame({"time": STAMPS, "value": VALUES}),
        named("event_time"),
        named("source_time"),
    ],
)
@pytest.mark.parametrize("marks", [HOT, (TIMES[HOT], VALUES[HOT]), {"event_time": TIMES[HOT], "value": VALUES[HOT]}])
def test_a_scatter_of_arrays_or_frames_has_each_point_once_in_its_colour(readings, marks):
    axes = axes_of()
    assert scatter(readings, axes, anomalies=marks, metric="temp") is axes
    assert dots(axes, "readings") == places(TIMES[~HOT], VALUES[~HOT])
    assert dots(axes, "anomalies") == places(TIMES[HOT], VALUES[HOT])
    assert tuple(artists(axes, "anomalies")[0].get_facecolor()[0]) == to_rgba(LIGHT.red)


def test_units_and_labels_are_those_of_a_feed():
    feed = parse_feed("version: 1\nmetrics: {temp: {unit: $/$, label: Price}}")
    axes = scatter((TIMES, VALUES), axes_of(), thresholds=[30.0], metric="temp", feed=feed)
    assert axes.get_ylabel() == "Price ($/$)"
    assert not axes.yaxis.label.get_parse_math()
    assert [text.get_text() for text in artists(axes, "bound")] == ["30\xa0$/$"]
    windows = {"window_start": TIMES, "window_end": TIMES + MINUTE, "mean": VALUES, "min": VALUES, "max": VALUES}
    axes = trend({**windows, "stddev": np.ones(6)}, axes_of(), metric="temp", language="fr", feed=feed)
    assert axes.get_ylabel() == "Price ($/$)"
    assert trend({**windows, "stddev": np.ones(6)}, axes_of(), metric="temp").get_ylabel() == "Temperature (°C)"


def test_stored_anomalies_bring_their_thresholds(tmp_path):
    stored = [anomaly(at=int(t), value=35.0, threshold=10.0, upper=30.0) for t in TIMES[:2]]
    found = read_results(write_run(tmp_path, [window()], stored), "temp").anomalies
    axes = scatter((TIMES, VALUES), axes_of(), anomalies=found, metric="temp")
    assert [line.get_ydata()[0] for line in artists(axes, "threshold")] == [10.0, 30.0]
    assert [text.get_text() for text in artists(axes, "bound")] == ["10\xa0°C", "30\xa0°C"]
    other = scatter((TIMES, VALUES), axes_of(), anomalies=found, thresholds=[25.0])
    assert [line.get_ydata()[0] for line in artists(other, "threshold")] == [25.0]
    assert artists(scatter((TIMES, VALUES), axes_of(), anomalies=found, thresholds=()), "threshold") == []


def test_what_has_no_value_or_time_is_left_out():
    times, values = STAMPS.copy(), VALUES.copy()
    times[0], values[1], values[3] = np.datetime64("NaT"), np.nan, np.inf
    axes = scatter((times, values), axes_of())
    assert dots(axes, "readings") == places(TIMES[[2, 4, 5]], VALUES[[2, 4, 5]])


def test_nothing_to_draw_is_an_empty_axes_with_its_labels():
    axes = scatter(([], []), axes_of(), metric="temp", language="fr")
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("Horodatage (UTC)", "Température (°C)")
    assert (dots(axes, "readings"), dots(axes, "anomalies")) == ([], [])


def test_no_anomaly_disappears_however_many_readings_there_are():
    count = 300_000
    times = T0 + np.arange(count) * 1_000_000
    values = np.round(np.random.default_rng(1).normal(20, 1, count), 1)
    axes = scatter((times, values), axes_of(), anomalies=values > 23)
    assert len(dots(axes, "anomalies")) == (values > 23).sum() > 300
    assert 1_000 < len(dots(axes, "readings")) < count / 4
    assert min(value for _, value in dots(axes, "readings")) == values.min()


def windows_of(tmp_path, minutes=(0, 1, 2, 30), **more) -> pd.DataFrame:
    write_run(tmp_path, [window(minute=m, mean=20.0 + m, **more) for m in minutes])
    return read_results(tmp_path, "temp").aggregates


def test_a_trend_draws_stored_windows_and_breaks_at_gaps(tmp_path):
    frame = windows_of(tmp_path)
    axes = axes_of()
    assert trend(frame, axes, anomalies=(TIMES[:1], VALUES[:1]), metric="temp") is axes
    line = artists(axes, "mean")[0]
    np.testing.assert_array_equal(line.get_ydata(), [20.0, 21.0, 22.0, np.nan, 50.0])
    first, second = artists(axes, "deviation")[0].get_paths()
    assert sorted(set(first.vertices[:, 1])) == [19.5, 20.5, 21.5, 22.5]
    assert sorted(set(second.vertices[:, 1])) == [49.5, 50.5]
    assert artists(axes, "range")[0].get_paths()[1].vertices[:, 1].max() == 51.0
    assert dots(axes, "anomalies") == places(TIMES[:1], VALUES[:1])
    assert axes.get_ylabel() == "Temperature (°C)"


def test_a_trend_of_plain_arrays_in_any_order_takes_the_last_pane():
    start = np.array([1, 0, 0]) * MINUTE + T0
    arrays = {"window_start": start, "window_end": start + MINUTE, "mean": [3.0, 2.0, 1.0], "min": [2.0, 1, 0]}
    axes = trend({**arrays, "max": [4.0, 3, 2], "stddev": [0.5] * 3, "pane_index": [0, 7, 6]}, axes_of())
    assert artists(axes, "mean")[0].get_ydata().tolist() == [2.0, 3.0]


def test_the_metric_chooses_rows_of_a_table(tmp_path):
    write_run(tmp_path, [window(), window(metric="humidity", mean=50.0)], [anomaly(), anomaly(metric="humidity")])
    both = pd.concat([read_results(tmp_path, name).aggregates for name in ("temp", "humidity")])
    assert artists(trend(both, axes_of(), metric="humidity"), "mean")[0].get_ydata().tolist() == [50.0]


def run_of(tmp_path) -> Any:
    windows = [window(device, m) for device in "ab" for m in (*range(5), *range(30, 35))]
    return read_run(write_run(tmp_path, windows, [anomaly("a", int(t)) for t in TIMES]))


def parts(figure) -> dict[str, Any]:
    return {axes.get_title(loc="left"): axes for axes in figure.axes}


@pytest.mark.parametrize("letters", [["bad_row", "bad_row", "x"], {"reason": ["bad_row", "bad_row", "x"]}])
def test_an_overview_fills_a_figure_or_a_part_of_one(tmp_path, letters):
    run = run_of(tmp_path)
    whole = Figure(figsize=(11, 12))
    FigureCanvasAgg(whole)
    parts_of: Any = whole.subfigures(2, 1)
    upper, lower = parts_of
    assert overview(run.anomalies, lower, windows=run.windows, dead_letters=letters) is lower
    shown = parts(lower)
    assert artists(shown["Anomalies per device and hour"], "heat")[0].get_array().filled(0).tolist() == [[6], [0]]
    assert len(artists(shown["Data and gaps per device"], "gap")[1].get_paths()) == 1
    assert [bar.get_width() for bar in shown["Dead letters by reason"].patches] == [2, 1]
    assert upper.axes == []
    half = whole.bbox.height / 2
    assert all(axes.get_tightbbox().y1 <= half for axes in lower.axes)
    other = Figure(figsize=(11, 6))
    FigureCanvasAgg(other)
    assert overview(run.anomalies, other, theme="dark") is other
    assert to_rgba(other.get_facecolor()) == to_rgba(DARK.paper)
    assert [text.get_text() for text in artists(parts(other)["Data and gaps per device"], "empty")] == ["No windows"]


def test_an_overview_counts_an_anomaly_delivered_twice_once_and_leaves_out_what_has_no_time():
    table = pd.DataFrame({"anomaly_id": ["x", "x", "y"], "device": "a", "rule_id": "r", "severity": "info"})
    table["event_time"] = [pd.Timestamp(T0, unit="us")] * 2 + [pd.NaT]
    figure = Figure(figsize=(11, 6))
    FigureCanvasAgg(figure)
    shown = parts(overview(table, figure))
    assert [bar.get_width() for bar in shown["Anomalies by rule and severity"].patches] == [1]


def test_the_legend_is_the_axes_own(tmp_path):
    axes = trend(windows_of(tmp_path), axes_of(), anomalies=(TIMES[:1], VALUES[:1]), language="fr")
    said = [text.get_text() for text in axes.legend().get_texts()]
    assert set(said) == {
        "Moyenne par fenêtre (4)",
        "Du minimum au maximum de la fenêtre",
        "Moyenne ± écart type",
        "Anomalies (1)",
    }


def test_two_devices_can_share_axes():
    axes = axes_of()
    scatter((TIMES, VALUES), axes)
    scatter((TIMES + 60 * MINUTE, VALUES + 50), axes)
    low, high = axes.get_ylim()
    assert low < VALUES.min() < VALUES.max() + 50 < high
    assert axes.get_xlim()[1] > to_days(TIMES + 60 * MINUTE).max()


def test_no_setting_is_changed_and_none_of_the_axes_style(tmp_path):
    run, frame = run_of(tmp_path / "run"), windows_of(tmp_path / "windows")
    with mpl.rc_context({"axes.facecolor": "#abcdef", "lines.linewidth": 7.0}):
        before = dict(mpl.rcParams)
        axes = axes_of()
        scatter((TIMES, VALUES), axes, anomalies=HOT, theme="dark")
        trend(frame, axes, theme="dark")
        figure = Figure(figsize=(11, 6))
        FigureCanvasAgg(figure)
        overview(run.anomalies, figure, windows=run.windows).canvas.draw()
        axes.figure.canvas.draw()
        assert dict(mpl.rcParams) == before
        assert to_rgba(axes.get_facecolor()) == to_rgba("#abcdef")
        assert artists(axes, "mean")[0].get_color() == DARK.blue


@pytest.mark.parametrize(
    ("call", "problem"),
    [
        (lambda: scatter({"time": STAMPS}, axes_of()), "readings without value: they have time"),
        (lambda: scatter({"at": STAMPS, "value": VALUES}, axes_of()), "readings without time: they have at, value"),
        (lambda: scatter((TIMES, VALUES[:2]), axes_of()), r"times of shape \(6,\), values of shape \(2,\)"),
        (lambda: scatter((TIMES, VALUES), axes_of(), anomalies=HOT[:2]), "2 booleans of anomalies for 6 readings"),
        (lambda: scatter((TIMES / 1e6, VALUES), axes_of()), "not fractions"),
        (
            lambda: scatter({"time": TIMES[:2], "value": [1, 2], "device": ["b", "a"]}, axes_of()),
            "readings of 2 devices: choose one of a, b",
        ),
        (lambda: trend({"window_start": STAMPS}, axes_of()), "windows without window_end, mean, min, max, stddev"),
        (lambda: overview({"device": []}, Figure()), "anomalies without rule_id, severity, event_time"),
        (lambda: scatter((TIMES, VALUES), axes_of(), language="de"), "language 'de': not one of en, fr"),
        (lambda: scatter((TIMES, VALUES), axes_of(), theme="sepia"), "theme 'sepia': not one of light, dark"),
    ],
)
def test_mistakes_say_what_is_wrong(call, problem):
    with pytest.raises(ValueError, match=problem):
        call()


def test_the_package_loads_nothing_before_it_is_asked():
    code = (
        "import sys, plotting\n"
        "names = ('matplotlib', 'pandas', 'numpy', 'apache_beam', 'matplotlib.pyplot')\n"
        "print([name for name in names if name in sys.modules])\n"
        "from plotting import scatter, trend, overview\n"
        "print([name for name in names if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["[]", "['matplotlib', 'pandas', 'numpy']"]


def test_what_the_package_does_not_have_is_an_attribute_error():
    assert sorted(plotting.__all__) == ["overview", "scatter", "trend"]
    with pytest.raises(AttributeError, match="has no attribute 'pie'"):
        _ = plotting.pie
