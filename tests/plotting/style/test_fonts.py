"""Check that a device may have any name: pictures are drawn without a word on standard error."""

import subprocess
import sys
import warnings

import matplotlib as mpl
import pytest
from matplotlib.figure import Figure

from plotting.figures import picture_bytes
from plotting.style import fonts
from plotting.style.fonts import boxes_for_missing_glyphs, families
from plotting.style.themes import THEMES
from tests.support.live_servers import Served, end, start
from tests.support.runs import T0, anomaly, window, write_run

NAMES = ["温度センサー", "\U0001f600\U0001f321", "\u0995\u09cd\u09b7", "\U00013000", "a"]


@pytest.fixture
def results(tmp_path):
    windows = [window(name, minute) for name in NAMES for minute in range(3)]
    return write_run(tmp_path / "results", windows, [anomaly(name, T0) for name in NAMES])


RENDER = """
import sys
from telemetry.cli.main import main
print([main(["render", *sys.argv[1:-1], "--output", f"{sys.argv[-1]}.{kind}"]) for kind in ("png", "svg", "pdf")])
"""


@pytest.mark.parametrize("figure", ["scatter", "trend", "overview"])
def test_render_says_nothing_about_glyphs(results, tmp_path, figure):
    """In one process; `-W always` lets the second and third format say what the first has said."""
    words = ["--results", str(results), "--figure", figure, str(tmp_path / "picture")]
    command = [sys.executable, "-W", "always::UserWarning", "-c", RENDER, *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == "[0, 0, 0]"
    assert all((tmp_path / f"picture.{kind}").stat().st_size > 1_000 for kind in ("png", "svg", "pdf"))


def test_report_says_nothing_about_glyphs(results, tmp_path):
    page = tmp_path / "page.html"
    command = ["report", "--results", str(results), "--output", str(page)]
    done = subprocess.run([sys.executable, "-m", "telemetry", *command], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert NAMES[0] in page.read_text(encoding="utf-8")


@pytest.mark.parametrize("figure", ["scatter", "trend", "overview"])
def test_the_live_page_says_nothing_about_glyphs(results, figure):
    process, address = start("--results", results, "--port", 0)
    try:
        served = Served.__new__(Served)
        served.address, served.port = address, int(address.rstrip("/").rsplit(":", 1)[1])
        with served.tab(f"figure={figure}") as page:
            name = page.hear("session")["id"]
            page.hear("run", lambda message: message["windows"] != "0")
            page.send("draw")
            while not isinstance(page.socket.recv(timeout=60), bytes):  # the picture
                pass
            assert served.get(f"/save/{name}.png")[0] == 200
            code, _, complained = end(process)
    finally:
        process.kill()
    assert (code, complained) == (0, "")


def test_only_that_warning_is_silenced():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with boxes_for_missing_glyphs():
            warnings.warn("Glyph 128512 (\\N{GRINNING FACE}) missing from font(s) DejaVu Sans.", stacklevel=1)
            warnings.warn("Matplotlib currently does not support Bengali natively.", stacklevel=1)
            warnings.warn("Tight layout not applied.", stacklevel=1)
    assert [str(warning.message) for warning in caught] == ["Tight layout not applied."]


def test_a_font_that_is_installed_stands_in(monkeypatch):
    monkeypatch.setattr(fonts, "_FALLBACKS", ("no such font", "DejaVu Serif"))
    families.cache_clear()
    try:
        found = families()
        assert found == ("DejaVu Sans", "DejaVu Serif")  # both come with Matplotlib
        with THEMES["dark"].style():
            assert mpl.rcParams["font.sans-serif"] == list(found)
    finally:
        families.cache_clear()


def test_a_figure_of_one_s_own_is_encoded_without_a_warning(recwarn):
    figure = Figure()
    figure.text(0.5, 0.5, NAMES[0])
    assert picture_bytes(figure, "png").startswith(b"\x89PNG")
    assert len(recwarn) == 0
