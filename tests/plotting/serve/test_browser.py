"""Check the live page in a browser, served by the command."""

import contextlib
import shutil
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest

from tests.support import needs
from tests.support.browser import Page, browsing
from tests.support.live_pages import CANVAS, HASH, LIVE, changed, observe, settled
from tests.support.live_servers import end, start, until
from tests.support.runs import MINUTE, T0, anomaly, window, write, write_run

pytestmark = [
    needs.CHROMIUM.mark,
    pytest.mark.xdist_group("chromium"),
]
HOSTILE = "<script>alert(1)</script>"
TABLE = "document.getElementById('latest').innerText"
PROBLEM = "document.getElementById('problem').textContent"
TIP = "document.getElementById('tip').innerText"


@pytest.fixture(scope="module")
def tab(tmp_path_factory):
    with browsing(tmp_path_factory.mktemp("profile")) as page:
        observe(page)
        yield page


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    windows = [window(device, minute, 20.0 + minute / 9) for device in ("a", HOSTILE) for minute in range(30)]
    windows += [window("a", minute, 50.0, metric="humidity") for minute in range(30)]
    return write_run(tmp_path_factory.mktemp("template"), windows, [anomaly("a", T0 + 5 * MINUTE + MINUTE // 2, 31.0)])


@pytest.fixture(scope="module")
def shared(tmp_path_factory, template):
    """A server for those who write nothing."""
    folder = tmp_path_factory.mktemp("shared") / "run"
    shutil.copytree(template, folder)
    with serving(folder) as address:
        yield address


@contextlib.contextmanager
def serving(folder, *arguments):
    process, address = start("--results", folder, "--port", 0, "--refresh", "0.2s", *arguments)
    try:
        yield address
        assert end(process) == (0, "ended\n", "")
    finally:
        process.kill()


@pytest.fixture
def page(tab, shared):
    """The page, opened afresh on a desktop; whoever uses it leaves no complaint and asks nobody else."""
    look(tab, shared)
    yield tab
    check(tab, shared)


def look(tab: Page, address: str, query: str = "") -> None:
    tab.viewport(1280, 1000)
    tab.complaints.clear()
    tab.open(address + query)
    tab.wait(f"{LIVE} && {HASH} !== 0")
    settled(tab)


def check(tab: Page, address: str) -> None:
    tab.evaluate("1")
    assert tab.complaints == []
    assert tab.refused == []
    assert tab.requests
    assert [asked for asked in tab.requests if not asked.startswith((address, "data:", f"blob:{address}"))] == []


def box(tab: Page) -> tuple[float, float, float, float]:
    tab.evaluate(f"{CANVAS}.scrollIntoView({{block: 'center', behavior: 'instant'}})")
    x, y, across, up = tab.evaluate(
        f"(() => {{ const r = {CANVAS}.getBoundingClientRect(); return [r.left, r.top, r.width, r.height]; }})()"
    )
    return x, y, across, up


def place(tab: Page, right: float, down: float) -> tuple[float, float]:
    x, y, across, up = box(tab)
    return x + right * across, y + down * up


def button(tab: Page, name: str) -> None:
    """Click on a button of Matplotlib's toolbar, by the name of its image."""
    tab.evaluate(f"document.querySelector('#picture button img[src*=\"{name}.png\"]').parentElement.id = 'mpl-{name}'")
    tab.click(f"#mpl-{name}")


def query(tab: Page) -> dict[str, list[str]]:
    return parse_qs(urlsplit(tab.evaluate("location.href")).query)


def appear(folder: Path, record, name: str) -> None:
    """Write a file as the job does: complete when it gets its final name."""
    hidden = write(folder, "anomalies", [record], name=f".{name}")
    hidden.rename(hidden.with_name(f"{name}.jsonl"))


def test_a_new_anomaly_appears_in_table_and_picture_and_a_zoomed_view_stays(tab, template, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(template, folder)
    with serving(folder) as address:
        look(tab, address)
        tab.evaluate("window.marked = true")
        before = settled(tab)
        for number in range(3):
            appear(folder, anomaly("a", T0 + (10 + number) * MINUTE, 40.0 + number), f"new{number}")
            tab.wait(f"{TABLE}.includes('{40 + number}\u00a0°C')")
            before = changed(tab, before)
        assert tab.evaluate("window.marked")
        assert tab.evaluate("document.getElementById('anomalies').textContent") == "4"

        button(tab, "zoom_to_rect")
        tab.drag(place(tab, 0.3, 0.35), place(tab, 0.6, 0.4))
        zoomed = changed(tab, before)
        appear(folder, anomaly("a", T0 + 28 * MINUTE, 41.0, threshold=30.0), "outside")
        tab.wait(f"{TABLE}.includes('00:28:00')")
        still = settled(tab)
        button(tab, "home")
        home = changed(tab, still)
        assert len({before, zoomed, home}) == 3  # home shows what has come, too
        look(tab, address)
        assert settled(tab) == home
        check(tab, address)


def test_zoom_and_pan_change_the_picture_and_home_undoes_it(page):
    whole = settled(page)
    button(page, "zoom_to_rect")
    page.drag(place(page, 0.3, 0.3), place(page, 0.6, 0.4))
    zoomed = changed(page, whole)
    button(page, "home")
    assert changed(page, zoomed) == whole
    button(page, "move")
    page.drag(place(page, 0.4, 0.3), place(page, 0.5, 0.35))
    moved = changed(page, whole)
    assert moved != zoomed
    button(page, "home")
    assert changed(page, moved) == whole


def test_no_image_is_lost_that_is_decoded_while_the_next_one_comes(page):
    whole = settled(page)

    def zoom() -> None:
        button(page, "zoom_to_rect")
        page.drag(place(page, 0.3, 0.3), place(page, 0.6, 0.4))

    def move() -> None:
        button(page, "move")
        page.drag(place(page, 0.4, 0.3), place(page, 0.5, 0.35))
        button(page, "move")

    zoom()
    changed(page, whole)
    move()
    moved = settled(page)
    button(page, "home")
    assert changed(page, moved) == whole

    page.evaluate("live.hold = true")
    zoom()
    page.wait("live.held.length > 0")  # the zoomed picture has come and is not decoded yet
    move()
    for _ in range(3):  # time for an event, a request and an image
        page.evaluate("live.answer()")
    page.evaluate("live.release()")
    page.wait("live.drawn === live.image.src")
    assert settled(page) == moved
    button(page, "home")
    assert changed(page, moved) == whole


def test_the_pointer_says_what_is_under_it(page):
    page.move(*place(page, 0.5, 0.3))
    page.wait(f"{TIP}.startsWith('Mean')")
    assert "12\u00a0readings" in page.evaluate(TIP)
    page.move(2, 2)
    page.wait("document.getElementById('tip').hidden")


def test_a_hostile_name_is_text(page):
    page.click("#devices summary")
    page.wait(f"[...document.querySelectorAll('#names bdi')].some((one) => one.textContent === '{HOSTILE}')")
    assert page.evaluate("document.querySelectorAll('#names script, #latest script, #chosen script').length") == 0
    page.click(f"#names input[value='{HOSTILE}']")
    page.wait(f"document.getElementById('chosen').textContent === '{HOSTILE}'")
    assert query(page)["device"] == [HOSTILE]


def test_device_metric_and_time_change_picture_and_address(page):
    whole = settled(page)
    page.click("#devices summary")
    page.click("#names input[value=a]")
    alone = changed(page, whole)
    assert query(page) == {"figure": ["trend"], "device": ["a"], "theme": ["light"]}
    page.choose("#metric", "humidity")
    humid = changed(page, alone)
    assert query(page)["metric"] == ["humidity"]
    page.choose("#last", "15min")
    late = changed(page, humid)
    assert query(page)["last"] == ["15min"]
    page.choose("#last", "own")
    page.choose("#start", "2020-07-12T00:10:00")
    page.wait("location.search.includes('start')")
    own = changed(page, late)
    assert query(page)["start"] == ["2020-07-12T00:10Z"]
    assert "last" not in query(page)
    page.open(page.evaluate("location.href"))
    page.wait(f"{HASH} === {own}")  # the address alone shows the same
    page.evaluate("document.getElementById('devices').open = true")
    page.click("#everyone")
    page.wait("!location.search.includes('device')")


def test_figures_switch(page):
    seen = [settled(page)]
    for figure in ("overview", "scatter", "trend"):
        page.click(f"[name=figure][value={figure}]")
        seen.append(changed(page, seen[-1]))
        assert query(page)["figure"] == [figure]
    page.wait(f"{HASH} === {seen[0]}")
    assert len(set(seen[:3])) == 3


def test_dark(page):
    light = settled(page)
    page.choose("#theme", "dark")
    dark = changed(page, light)
    assert dark != light
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(14, 19, 25)"
    assert query(page)["theme"] == ["dark"]


def test_french(tab, shared):
    look(tab, shared, "?lang=fr&figure=overview")
    assert tab.evaluate("document.documentElement.lang") == "fr"
    assert tab.evaluate("document.getElementById('status').textContent").startswith("En direct – données jusqu’à")
    assert "critique" in tab.evaluate(TABLE)
    tab.choose("#theme", "dark")
    tab.wait("location.search.includes('dark')")
    assert query(tab)["lang"] == ["fr"]
    check(tab, shared)


def test_what_is_refused_is_said_until_something_else_is_chosen(tab, shared):
    look(tab, shared, "?theme=light&last=2h")
    tab.wait(f"{PROBLEM}.includes('2h')")
    settled(tab)
    assert tab.evaluate(PROBLEM).startswith("Cannot show this")
    tab.choose("#last", "1h")
    tab.wait(f"{PROBLEM} === ''")
    check(tab, shared)


def test_a_picture_is_saved_as_a_file(page, tmp_path):
    page.call("Page.setDownloadBehavior", behavior="allow", downloadPath=str(tmp_path))
    page.evaluate("document.querySelector('#picture select').value = 'svg'")
    button(page, "filesave")
    until((tmp_path / "trend.svg").exists)
    assert b"<svg" in (tmp_path / "trend.svg").read_bytes()


def test_a_phone_shows_it_without_moving_sideways(tab, shared):
    look(tab, shared)
    tab.viewport(360, 740, phone=True)
    tab.open(shared)
    tab.wait(f"{LIVE} && {HASH} !== 0")
    for figure in ("trend", "overview"):
        tab.click(f"[name=figure][value={figure}]")
        settled(tab)
        assert (
            tab.evaluate("[innerWidth, document.documentElement.scrollWidth, document.body.scrollWidth]") == [360] * 3
        )
    small = tab.evaluate(
        "[...document.querySelectorAll('form select, form input, form summary')].filter((one) => one.offsetParent)"
        ".filter((one) => one.getBoundingClientRect().right > innerWidth).map((one) => one.outerHTML)"
    )
    assert small == []
    check(tab, shared)


def test_it_comes_back_by_itself_when_the_server_does(tab, template, tmp_path):
    process, address = start("--results", template, "--port", 0)
    port = urlsplit(address).port
    try:
        look(tab, address)
        tab.evaluate("window.marked = true")
        before = settled(tab)
        assert end(process)[0] == 0
        tab.wait("document.getElementById('status').dataset.state === 'lost'")
        tab.move(*place(tab, 0.5, 0.5))  # nobody hears it
        folder = tmp_path / "run"
        shutil.copytree(template, folder)
        write(folder, "anomalies", [msgspec.structs.replace(anomaly("a", T0 + 9 * MINUTE, 44.0))], name="meanwhile")
        process, again = start("--results", folder, "--port", port)
        assert again == address
        tab.wait(LIVE)
        changed(tab, before)
        assert "44\u00a0°C" in tab.evaluate(TABLE)
        assert tab.evaluate("window.marked")
        refused = [one for one in tab.complaints if "ERR_CONNECTION_REFUSED" not in one]
        assert refused == []
    finally:
        process.kill()
