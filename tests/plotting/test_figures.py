import inspect
import subprocess
import sys

import matplotlib as mpl
import pytest
from matplotlib.figure import Figure

from plotting.data.panels import TimeRange
from plotting.figures import FILE_METADATA, KINDS, PictureRequest, draw, make_figure, picture_bytes
from telemetry.errors import ConfigError
from telemetry.feed.parse import parse_feed
from tests.support.records import transition
from tests.support.runs import MINUTE, T0, anomaly, window, write, write_csv, write_run


@pytest.fixture
def run(tmp_path):
    windows = [window(device, minute, 20.0 + minute) for device in "ab" for minute in range(4)]
    windows += [window("c", metric="humidity", mean=50.0)]
    found = [anomaly("a", T0 + n) for n in (7, 8)] + [anomaly("c", T0, 99.0, metric="humidity", rule="damp")]
    return write_run(tmp_path / "run", windows, found)


def title(figure) -> str:
    (text,) = [text for text in figure.texts if text.get_gid() == "title"]
    return str(text.get_text())


@pytest.mark.parametrize(
    ("kind", "language", "expected"),
    [
        ("scatter", "en", "Temperature against time"),
        ("trend", "en", "Temperature trend"),
        ("overview", "en", "Overview of the run"),
        ("scatter", "fr", "Visualisation des températures en fonction du temps"),
        ("trend", "fr", "Tendance de la température"),
        ("overview", "fr", "Vue d’ensemble de l’exécution"),
    ],
)
def test_each_kind_is_a_figure_with_its_title(run, kind, language, expected):
    figure = make_figure(kind, run, language=language)
    assert isinstance(figure, Figure)
    assert title(figure) == expected


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("kind", ["scatter", "trend"])
def test_units_and_labels_are_those_of_the_feed(tmp_path, kind, language):
    found = [anomaly(metric="NO2(GT)", value=40.5, threshold=40.0)]
    run = write_run(tmp_path, [window(device, metric="NO2(GT)", mean=39.0) for device in "ab"], found)
    feed = parse_feed("{version: 1, metrics: {NO2(GT): {unit: µg/m³, label: Nitrogen dioxide}}}")
    figure = make_figure(kind, run, "NO2(GT)", language=language, feed=feed)
    assert "Nitrogen dioxide" in title(figure)
    assert "NO2(GT)" not in title(figure)
    assert figure.get_supylabel() == "Nitrogen dioxide (µg/m³)"
    bounds = [text.get_text() for text in figure.axes[0].texts if text.get_gid() == "bound"]
    assert bounds == ["40\xa0µg/m³"]
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert any(label.endswith("(40\xa0µg/m³)") for label in legend)
    assert make_figure(kind, run, "NO2(GT)").get_supylabel() == "NO2(GT)"
    assert title(make_figure("overview", run, "NO2(GT)", feed=feed)) == "Overview: Nitrogen dioxide"


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("devices", ["a", "ab"])
def test_units_and_labels_are_no_formulas(tmp_path, devices):
    run = write_run(tmp_path, [window(device, metric="x$_") for device in devices], [anomaly(metric="x$_")])
    feed = parse_feed("version: 1\nmetrics: {'x$_': {unit: '$^$', label: 'Price $\\\\frac{$'}}")
    figure = make_figure("trend", run, "x$_", feed=feed)
    assert title(figure) == "Price $\\\\frac{$ trend"
    assert picture_bytes(figure, "svg").startswith(b"<?xml")
    assert picture_bytes(make_figure("trend", run, "x$_"), "png").startswith(b"\x89PNG")


@pytest.mark.parametrize("kind", KINDS)
def test_metric_devices_and_span_choose_what_is_in_the_picture(run, kind):
    whole, part = make_figure(kind, run, "temp"), make_figure(kind, run, "temp", ["b"], TimeRange(T0, T0 + MINUTE))
    summary = {"scatter": "1 window  ·  1 device  ·  0 anomalies", "trend": "1 window  ·  1 device  ·  0 anomalies"}
    said = [text.get_text().replace("\xa0", " ") for text in part.texts if text.get_gid() == "summary"]
    assert said[0].startswith("12 Jul 2020 00:00 – 12 Jul 2020 00:01 UTC  ·  ")
    assert summary.get(kind, "1 device  ·  0 anomalies  ·  0 dead letters  ·  0 gaps") in said[0]
    assert "2 devices" in next(t.get_text().replace("\xa0", " ") for t in whole.texts if t.get_gid() == "summary")


def test_an_overview_is_of_all_metrics_unless_one_is_named(run):
    def devices(figure) -> list[str]:
        return [label.get_text() for label in figure.axes[0].get_yticklabels()]

    assert devices(make_figure("overview", run)) == ["a", "b", "c"]
    assert devices(make_figure("overview", run, "humidity")) == ["c"]
    assert title(make_figure("overview", run, "humidity")) == "Overview: Humidity"


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("kind", KINDS)
def test_matplotlib_s_settings_are_as_before(run, kind, theme):
    with mpl.rc_context({"lines.linewidth": 7.0}):
        before = dict(mpl.rcParams)
        picture_bytes(make_figure(kind, run, theme=theme), "png", theme)
        assert dict(mpl.rcParams) == before


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("file", FILE_METADATA)
def test_the_same_results_give_the_same_bytes(run, kind, file):
    first, second = (picture_bytes(make_figure(kind, run), file) for _ in range(2))
    assert first == second
    assert len(first) > 5_000


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"kind": "pie"}, "--figure pie: not one of scatter, trend, overview"),
        ({"theme": "sepia"}, "--theme sepia: not one of light, dark"),
        ({"language": "de"}, "--lang de: not one of en, fr"),
        ({"metric": "wind"}, "--metric wind: no results of it, there are humidity, temp"),
        ({"devices": ["z"]}, "--device z: no such device, there are a, b, c"),
        ({"span": TimeRange(5, 5)}, "not before --end"),
        ({"span": TimeRange(5, 9)}, "nothing to draw: no window, anomaly or dead letter in the time range asked for"),
        ({"readings": ["r.csv"]}, "--readings r.csv: not drawn by --figure overview, only by scatter"),
        ({"kind": "trend", "readings": ["r.csv"]}, "--readings r.csv: not drawn by --figure trend, only by scatter"),
    ],
)
def test_what_does_not_exist_is_refused(run, arguments, problem):
    with pytest.raises(ConfigError) as error:
        make_figure(**{"kind": "overview", "results": run, **arguments})
    assert problem in str(error.value)


def test_the_arguments_come_in_the_order_that_is_promised():
    names = list(inspect.signature(make_figure).parameters)
    assert names == ["kind", "results", "metric", "devices", "span", "language", "theme", "readings", "rules", "feed"]


def test_pyplot_is_not_loaded(run):
    code = (
        "import sys; from plotting.figures import make_figure, picture_bytes\n"
        f"for kind in ('scatter', 'trend', 'overview'): picture_bytes(make_figure(kind, {str(run)!r}), 'png')\n"
        "print([name for name in ('matplotlib.pyplot', 'apache_beam') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("kind", ["scatter", "trend", "scatter of readings"])
def test_stored_incidents_of_the_metric_and_the_time_range_are_shaded(run, tmp_path, kind):
    write(
        run,
        "incidents",
        [
            transition(device="a", incident_id="one", opened_at=T0 + MINUTE),
            transition(device="b", incident_id="two", metric="humidity"),
            transition(1, device="b", incident_id="three", state="closed", closed_at=T0 + MINUTE),
        ],
    )
    files = [write_csv(tmp_path / "r.csv", [(T0 / 1e6 + 30 * n, name, 20) for n in range(8) for name in "ab"])]
    readings = files if kind == "scatter of readings" else []

    def shaded(**options) -> list[int]:
        drawn = draw(kind.split()[0], PictureRequest(run, readings, "temp", **options))
        counts = [sum(c.get_gid() == "incident" for c in axes.get_children()) for axes in drawn.figure.axes]
        assert drawn.incidents == sum(counts)
        return counts

    assert shaded() == [1, 1]
    assert shaded(devices=["b"]) == [1]
    assert shaded(span=TimeRange(T0 + MINUTE, None)) == [1, 0]
