import functools
import io
import shutil
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image

from plotting.__main__ import main
from plotting.render import render
from telemetry.errors import ConfigError
from telemetry.feed.default_feed import metric_catalog
from telemetry.feed.parse import load_feed
from tests.support.runs import MINUTE, T0, anomaly, window, write, write_csv, write_run

SECOND = 1_000_000


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    windows = [window(device, minute, 20.0 + minute) for device in "ab" for minute in range(4)]
    windows += [window(metric="humidity", mean=50.0)]
    return write_run(tmp_path_factory.mktemp("run"), windows, [anomaly("a", T0 + n * SECOND) for n in (7, 8)])


@pytest.fixture(scope="module")
def csv_file(tmp_path_factory):
    rows = [((T0 + n * SECOND) / 1e6, device, 24 + n, 60 - n) for n in range(9) for device in "ab"]
    return write_csv(
        tmp_path_factory.mktemp("csv") / "readings.csv",
        [*rows, (1, "a", "broken", 1)],
        ("ts", "device", "temp", "humidity"),
    )


def picture(file) -> Any:
    return np.asarray(Image.open(file).convert("RGB")).astype(int)


def colored(pixels, color) -> int:
    return int((np.abs(pixels - np.array(color)).max(axis=2) < 40).sum())


def cli(*arguments, capsys) -> tuple[int, str, str]:
    code = main(["render", *map(str, arguments)])
    out, err = capsys.readouterr()
    return code, out, err


@pytest.mark.parametrize("with_readings", [True, False])
def test_the_picture_has_red_and_blue_pixels(run, csv_file, tmp_path, with_readings):
    render(run, tmp_path / "p.png", readings=[csv_file] if with_readings else [])
    pixels = picture(tmp_path / "p.png")
    assert pixels.shape[1] == 1650
    assert colored(pixels, (209, 35, 42)) > 100
    assert colored(pixels, (0, 114, 178)) > 100
    assert colored(pixels, (255, 255, 255)) > pixels.shape[0] * pixels.shape[1] * 0.8


def test_the_bounds_of_the_rules_are_drawn_though_nothing_has_breached_them(tmp_path, capsys):
    calm = write_run(tmp_path / "calm", [window(minute=m) for m in range(4)])
    rules = tmp_path / "rules.yaml"
    rules.write_text("version: 1\nrules: [{id: hot, metric: temp, above: 30}, {id: damp, metric: humidity, above: 1}]")
    for figure in ("scatter", "trend"):
        output = tmp_path / f"{figure}.png"
        arguments = ("--results", calm, "--figure", figure, "--rules", rules, "--output", output)
        assert cli(*arguments, capsys=capsys)[0] == 0
        rows = (np.abs(picture(output)[160:] - np.array((209, 35, 42))).max(axis=2) < 60).sum(axis=1)
        assert rows.max() > 500  # a dashed line from one side to the other
        assert (rows > 500).sum() <= 3  # one


def test_a_feed_gives_units_and_labels(run, tmp_path, capsys):
    feed = tmp_path / "feed.yaml"
    feed.write_text("version: 1\nmetrics: {temp: {unit: K, label: Oven}}\n")
    arguments = ("--results", run, "--figure", "trend", "--output")
    assert cli(*arguments, tmp_path / "with.svg", "--feed", feed, capsys=capsys)[0] == 0
    assert cli(*arguments, tmp_path / "without.svg", capsys=capsys)[0] == 0
    render(run, tmp_path / "same.svg", figure="trend", catalog=metric_catalog(load_feed(str(feed))))
    content = {name: (tmp_path / f"{name}.svg").read_bytes() for name in ("with", "without", "same")}
    assert content["with"] == content["same"] != content["without"]


def test_a_feed_that_cannot_be_used_is_refused_in_one_line(run, tmp_path, capsys):
    feed = tmp_path / "feed.yaml"
    feed.write_text("version: 1\nmetrics: {temp: {units: K}}\n")
    code, out, err = cli("--results", run, "--output", tmp_path / "p.png", "--feed", feed, capsys=capsys)
    assert (code, out) == (2, "")
    assert err.startswith(f"plotting: error: --feed {feed}: line 2: metrics")
    assert err.endswith(": unknown field 'units', did you mean unit?\n")


def test_a_run_without_anomalies_has_no_red_pixel_but_in_its_legend(tmp_path):
    calm = write_run(tmp_path / "calm", [window(minute=m) for m in range(4)])
    render(calm, tmp_path / "p.png")
    pixels = picture(tmp_path / "p.png")
    assert colored(pixels[160:], (209, 35, 42)) == 0
    assert colored(pixels[160:], (0, 114, 178)) > 100


def test_the_summary_counts(run, csv_file, tmp_path):
    summary = render(run, tmp_path / "p.png", readings=[csv_file])
    assert (summary.points, summary.drawn, summary.anomalies) == (18, 18, 2)
    assert (summary.unreadable, summary.unmatched, summary.devices) == (1, 0, ("a", "b"))
    windows = render(run, tmp_path / "p.png")
    assert (windows.points, windows.drawn, windows.anomalies, windows.unreadable) == (8, 8, 2, 0)


def test_anomalies_of_other_readings_are_counted_as_such(run, tmp_path):
    other = write_csv(tmp_path / "other.csv", [(T0 / 1e6, "a", 20)])
    summary = render(run, tmp_path / "p.png", readings=[other])
    assert (summary.anomalies, summary.unmatched) == (0, 2)


@pytest.mark.parametrize("kind", ["png", "svg", "pdf"])
def test_the_extension_chooses_the_format_and_the_bytes_repeat(run, csv_file, tmp_path, kind):
    start = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}[kind]
    files = [tmp_path / f"{name}.{kind}" for name in "xy"]
    for file in files:
        render(run, file, readings=[csv_file])
    assert files[0].read_bytes().startswith(start)
    assert files[0].read_bytes() == files[1].read_bytes()
    if kind == "svg":
        assert b"<image" in files[0].read_bytes()  # the clouds of points are pixels in it


OPTIONS = [
    ["--metric", "humidity"],
    ["--device", "b"],
    ["--device", "b", "--device", "a"],
    ["--start", "2020-07-12T00:00:04Z"],
    ["--end", f"{T0 / 1e6 + 5}"],
    ["--lang", "fr"],
    ["--theme", "dark"],
]


@pytest.fixture(scope="module")
def plain(tmp_path_factory) -> Callable[..., Any]:
    """Return a function that draws a picture without an option, once for the same arguments."""

    @functools.cache
    def draw(*arguments) -> Any:
        file = tmp_path_factory.mktemp("plain") / "plain.png"
        assert main(["render", *map(str, arguments), "--output", str(file)]) == 0
        return picture(file)

    return draw


def check_picture_changes(plain, tmp_path, common, option, capsys) -> None:
    before = plain(*common)
    assert capsys.readouterr().err == ""
    code, _, err = cli(*common, "--output", tmp_path / "changed.png", *option, capsys=capsys)
    assert (code, err) == (0, "")
    changed = picture(tmp_path / "changed.png")
    assert before.shape != changed.shape or (before != changed).any()


@pytest.mark.parametrize("option", OPTIONS, ids=" ".join)
@pytest.mark.parametrize("with_readings", [True, False])
def test_each_option_changes_the_picture(run, csv_file, plain, tmp_path, option, with_readings, capsys):
    if not with_readings and option[0] in ("--start", "--end"):
        option = [option[0], f"{(T0 + 2 * MINUTE) / 1e6}"]
    common = ["--results", run, *(["--readings", csv_file] if with_readings else [])]
    check_picture_changes(plain, tmp_path, common, option, capsys)


@pytest.mark.parametrize("option", OPTIONS, ids=" ".join)
@pytest.mark.parametrize("figure", ["trend", "overview"])
def test_each_option_changes_the_other_figures_too(run, plain, tmp_path, figure, option, capsys):
    if option[0] in ("--start", "--end"):
        option = [option[0], f"{(T0 + 2 * MINUTE) / 1e6}"]
    common = ("--results", run, "--figure", figure)
    check_picture_changes(plain, tmp_path, common, option, capsys)


def test_the_scatter_is_drawn_unless_another_figure_is_asked_for(run, tmp_path, capsys):
    for name, extra in (("x", []), ("y", ["--figure", "scatter"]), ("z", ["--figure", "trend"])):
        assert cli("--results", run, "--output", tmp_path / f"{name}.png", *extra, capsys=capsys)[0] == 0
    x, y, z = ((tmp_path / f"{name}.png").read_bytes() for name in "xyz")
    assert x == y != z


def test_a_dark_picture_is_light_on_dark(run, tmp_path):
    for figure in ("scatter", "trend", "overview"):
        render(run, tmp_path / "p.png", figure=figure, theme="dark")
        pixels = picture(tmp_path / "p.png")
        paper = np.abs(pixels - np.array((0x15, 0x1B, 0x23))).max(axis=2) < 4
        assert paper.mean() > 0.7
        assert paper[[0, -1]].all()
        assert colored(pixels, (0x56, 0xB4, 0xE9)) + colored(pixels, (0x39, 0x6F, 0x90)) > 100
        assert ((pixels > 200).all(axis=2)).sum() > 300  # words


def test_the_overview_has_the_colours_of_what_it_counts(run, tmp_path):
    render(run, tmp_path / "p.png", figure="overview")
    pixels = picture(tmp_path / "p.png")
    top = pixels[: pixels.shape[0] // 2]
    assert colored(top, (0xE3, 0x1A, 0x1C)) + colored(top, (0x80, 0x00, 0x26)) > 1_000  # a cell of the heat map
    assert colored(pixels, (115, 178, 213)) > 1_000  # data
    assert colored(pixels[pixels.shape[0] // 2 :], (209, 35, 42)) > 1_000  # a bar
    calm = write_run(tmp_path / "calm", [window(minute=m) for m in range(4)])
    render(calm, tmp_path / "c.png", figure="overview")
    assert colored(picture(tmp_path / "c.png"), (209, 35, 42)) == 0


def test_the_summary_of_an_overview_counts_what_is_in_it(run, tmp_path, capsys):
    code, out, _ = cli("--results", run, "--figure", "overview", "--output", tmp_path / "p.svg", capsys=capsys)
    assert (code, out.startswith(f"{tmp_path / 'p.svg'}: 2 anomalies, 0 dead letters, 0 gaps, 2 devices, ")) == (
        0,
        True,
    )


def test_the_summary_is_one_line(run, csv_file, tmp_path, capsys):
    file = tmp_path / "deep" / "down" / "p.png"
    code, out, _ = cli("--results", run, "--readings", csv_file, "--output", file, "--end", T0 / 1e6 + 8, capsys=capsys)
    assert code == 0
    expected = f"{file}: 16 of 16 points drawn, 1 anomalies, 2 devices, 1 rows without a readable value left out, "
    assert out.startswith(expected)
    assert out.endswith(" s\n")
    assert out.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--results", "nowhere"], "--results nowhere: no such directory"),
        (["--results", "."], "--results .: no results in it"),
        (["--device", "c"], "--device c: no such device, there are a, b"),
        (["--metric", "wind"], "--metric wind: no results of it, there are humidity, temp"),
        (["--metric", "wind", "--readings", "readings.csv"], "no column 'wind', it has ts, device, temp, humidity"),
        (["--readings", "none.csv"], "--readings none.csv: No such file"),
        (["--output", "p.gif"], "--output p.gif: not a picture's name, it ends in .png, .svg, .pdf"),
        (["--output", "p"], "--output p: not a picture's name"),
        (["--output", "readings.csv/p.png"], "--output readings.csv/p.png: cannot be written"),
        (["--output", "folder.png"], "--output folder.png: cannot be written: Is a directory"),
        (["--start", "20", "--end", "10"], "--start 1970-01-01T00:00:20.000000Z: not before --end 1970"),
        (["--start", "10", "--end", "10"], "not before --end"),
        (["--start", "soon"], "--start soon: not a time"),
        (["--start", "2020-07-12T00:00:00"], "names no offset from UTC"),
        (["--end", "1e300"], "--end 1e300: not between 1970 and 2100"),
        (["--end", "10"], "nothing to draw"),
        (["--lang", "de"], "--lang"),
        (["--theme", "sepia"], "--theme"),
        (["--figure", "pie"], "--figure"),
        (["--figure", "trend", "--readings", "readings.csv"], "--readings readings.csv: not drawn by --figure trend"),
        (["--figure", "overview", "--device", "c"], "--device c: no such device, there are a, b"),
        (["--figure", "overview", "--end", "10"], "nothing to draw"),
        (["--columns", "x"], "--columns"),
        (["--rules", "none.yaml"], "--rules none.yaml: No such file"),
        (["--rules", "readings.csv"], "--rules readings.csv: must be a mapping"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_mistakes_are_one_line_and_exit_code_2(run, csv_file, tmp_path, monkeypatch, capsys, arguments, problem):
    monkeypatch.chdir(tmp_path)
    shutil.copy(csv_file, tmp_path)
    (tmp_path / "folder.png").mkdir()
    code, out, err = cli("--results", run, "--output", "p.png", *arguments, capsys=capsys)
    assert (code, out) == (2, "")
    assert err.startswith("plotting: error: ")
    assert problem in err
    assert err.count("\n") == 1
    assert not (tmp_path / "p.png").exists()


def test_a_command_is_needed(capsys):
    assert main([]) == 2
    assert capsys.readouterr().err.startswith("plotting: error: ")


def test_the_language_is_checked_without_the_parser_too(run, tmp_path):
    with pytest.raises(ConfigError, match="--lang de: not one of en, fr"):
        render(run, tmp_path / "p.png", language="de")


def test_many_devices_show_those_with_the_most_anomalies(tmp_path):
    windows = [window(f"d{number:02}") for number in range(30)]
    run = write_run(tmp_path / "run", windows, [anomaly("d29"), anomaly("d17")])
    summary = render(run, tmp_path / "p.png")
    assert len(summary.devices) == 12
    assert summary.devices[-2:] == ("d17", "d29")
    chosen = render(run, tmp_path / "p.png", devices=["d29", "d01"])
    assert chosen.devices == ("d29", "d01")


def test_of_400_000_readings_a_quarter_at_most_is_drawn_in_a_small_file(tmp_path):
    generator, count = np.random.default_rng(7), 400_000
    seconds = T0 / 1e6 + np.arange(count)
    values = np.round(22 + generator.normal(0, 1, count), 1)
    target = io.StringIO()
    target.write("ts,device,temp\n")
    np.savetxt(target, np.column_stack([seconds, values]), fmt="%.0f,a,%.1f")
    (tmp_path / "r.csv").write_text(target.getvalue())
    hot = np.flatnonzero(values > 25.9)
    run = tmp_path / "run"
    write(run, "anomalies", [anomaly(at=int(seconds[n]) * SECOND, value=float(values[n])) for n in hot])
    summary = render(run, tmp_path / "p.svg", readings=[tmp_path / "r.csv"])
    assert (summary.points, summary.anomalies) == (count, len(hot))
    assert len(hot) < summary.drawn < count / 4
    assert (tmp_path / "p.svg").stat().st_size < 1_000_000


@pytest.mark.parametrize("module", ["plotting.__main__", "publisher.simulate"])
def test_neither_beam_nor_pyplot_nor_the_pipeline_is_imported(module):
    unwanted = ("apache_beam", "matplotlib.pyplot", "pipeline")
    code = f"import sys, {module}; print([name for name in {unwanted} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
