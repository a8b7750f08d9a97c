"""Check the report in a browser."""

from pathlib import Path
from urllib.parse import quote

import pytest

from tests.support import needs
from tests.support.browser import Page, browsing
from tests.support.live_servers import until
from tests.support.report_pages import HOSTILE, big_run, hostile_run, make, small_run

pytestmark = [
    needs.CHROMIUM.mark,
    pytest.mark.xdist_group("chromium"),
]
CONTRAST = Path(__file__).with_name("contrast.js")
COUNT = "document.getElementById('count').textContent"
ELEMENTS = "document.querySelectorAll('*').length"
HASH = "decodeURIComponent(location.hash)"


@pytest.fixture(scope="module")
def tab(tmp_path_factory):
    with browsing(tmp_path_factory.mktemp("profile")) as page:
        yield page


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A page of each run; made once."""
    found: dict[str, Path] = {}
    for name, write in (("small", small_run), ("hostile", hostile_run), ("big", big_run)):
        folder = tmp_path_factory.mktemp(name)
        found[name] = make(folder, write(folder / "run"))
    found["french"] = make(tmp_path_factory.mktemp("fr"), found["big"].parent / "run", "--lang", "fr")
    return found


@pytest.fixture
def page(tab, files):
    """The small run's page, opened afresh on a desktop; whoever uses it leaves no complaint and asks for nothing."""
    tab.viewport(1280, 900)
    tab.complaints.clear()
    show(tab, files["small"])
    yield tab
    assert tab.complaints == []
    assert {address.split(":")[0] for address in tab.requests} <= {"file", "data"}
    assert len([address for address in tab.requests if address.startswith("file:")]) == 1


def show(tab: Page, file: Path, fragment: str = "") -> None:
    tab.open(f"file://{quote(str(file))}{fragment}")


def column(tab: Page, number: int) -> list[str]:
    found: list[str] = tab.evaluate(
        f"[...document.querySelectorAll('#body tr td:nth-child({number})')].map((cell) => cell.textContent)"
    )
    return found


def sorting(tab: Page) -> dict[str, str]:
    found: dict[str, str] = tab.evaluate(
        "Object.fromEntries([...document.querySelectorAll('#table th')].map((th) => "
        "[th.querySelector('button').dataset.sort, th.getAttribute('aria-sort')]).filter(([, way]) => way !== 'none'))"
    )
    return found


def test_the_newest_come_first_a_page_at_a_time(page):
    assert page.evaluate(COUNT) == "60 of 60 anomalies"
    assert sorting(page) == {"time": "descending"}
    assert column(page, 1)[:2] == ["2020-07-12 00:19:40", "2020-07-12 00:19:20"]
    assert len(column(page, 1)) == 25
    page.click("[data-page=next]")
    page.click("[data-page=next]")
    assert len(column(page, 1)) == 10
    assert column(page, 1)[-1] == "2020-07-12 00:00:00"
    assert page.evaluate("document.getElementById('page').textContent") == "Page 3 of 3"
    assert page.evaluate("document.querySelector('[data-page=next]').disabled")
    page.click("[data-page=first]")
    page.choose("#size", "100")
    assert len(column(page, 1)) == 60


def test_every_column_sorts_both_ways_by_mouse(page):
    page.choose("#size", "100")
    for number, name in enumerate(("time", "device", "metric", "value", "limit", "rule"), start=1):
        page.click(f"[data-sort={name}]")
        first, way, times = column(page, number), sorting(page)[name], column(page, 1)
        page.click(f"[data-sort={name}]")
        second = column(page, number)
        assert {way, sorting(page)[name]} == {"ascending", "descending"}
        assert len(sorting(page)) == 1
        assert sorted(first) == (first if way == "ascending" else first[::-1])
        assert second == first[::-1]
        assert column(page, 1) == times[::-1]  # also what is equal is the other way round
    page.click("[data-sort=severity]")
    assert column(page, 7) == ["critical"] * 20 + ["warning"] * 20 + ["info"] * 20


def test_values_sort_as_numbers(tab, files):
    show(tab, files["big"], "#sort=value")
    values = [float(text.split("\u00a0")[0]) for text in column(tab, 4)]
    assert values == sorted(values)
    tab.click("[data-page=last]")
    assert float(column(tab, 4)[-1].split("\u00a0")[0]) > 40


def test_the_keyboard_sorts(page):
    page.evaluate("document.querySelector('[data-sort=device]').focus()")
    page.press("Enter")
    assert sorting(page) == {"device": "ascending"}
    assert column(page, 2) == ["a"] * 25
    page.press(" ")
    assert sorting(page) == {"device": "descending"}
    assert page.evaluate("document.activeElement.dataset.sort") == "device"
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.press("Tab")
    assert page.evaluate("document.activeElement.dataset.sort") == "metric"


def test_each_filter_filters_and_they_add_up(page):
    page.choose("#device", "a")
    assert page.evaluate(COUNT) == "40 of 60 anomalies"
    page.choose("#rule", "temp-spike")
    assert page.evaluate(COUNT) == "20 of 60 anomalies"
    page.choose("#severity", "info")
    assert page.evaluate(COUNT) == "10 of 60 anomalies"
    assert set(zip(column(page, 2), column(page, 6), column(page, 7), strict=True)) == {("a", "temp-spike", "info")}
    page.choose("#from", "2020-07-12T00:09:40")
    assert column(page, 1)[-1] == "2020-07-12 00:09:40"
    page.choose("#to", "2020-07-12T00:19:40")
    assert column(page, 1)[0] == "2020-07-12 00:17:40"
    assert page.evaluate(COUNT) == "5 of 60 anomalies"
    page.click("#reset")
    assert page.evaluate(COUNT) == "60 of 60 anomalies"
    assert page.evaluate(HASH) == "#" or page.evaluate(HASH) == ""


def test_a_time_can_be_corrected_part_by_part(page):
    page.choose("#from", "2020-07-12T00:10:00")
    page.evaluate("document.getElementById('from').focus()")
    page.press("Backspace")  # the month: without it the field has no value
    assert page.evaluate(COUNT) == "60 of 60 anomalies"
    page.press("7")
    assert page.evaluate(COUNT) == "30 of 60 anomalies"


def test_the_search_looks_for_each_word_in_all_texts(page):
    page.type("#q", "SPIKE warn")
    page.wait(f"{COUNT} === '10 of 60 anomalies'")
    assert set(zip(column(page, 6), column(page, 7), strict=True)) == {("temp-spike", "warning")}
    page.type("#q", " nothing")
    page.wait(f"{COUNT} === '0 of 60 anomalies'")
    assert column(page, 1) == ["No anomaly matches."]


def test_a_period_of_the_timeline_filters_and_a_second_click_undoes_it(page):
    page.click(".lane:nth-child(1) svg", x=0.501)
    found = page.evaluate(COUNT)
    assert found == "1 of 60 anomalies"
    assert column(page, 2) == ["a"]
    assert "00:09:" in column(page, 1)[0] or "00:10:" in column(page, 1)[0]
    assert page.evaluate("document.getElementById('device').value") == "a"
    page.click(".lane:nth-child(1) svg", x=0.501)
    assert page.evaluate(COUNT) == "60 of 60 anomalies"


def test_the_arrow_keys_go_from_period_to_period(page):
    page.evaluate("document.querySelector('.lane:nth-child(2) svg').focus()")
    page.press("ArrowRight")
    page.press("ArrowRight")
    text = page.evaluate("document.activeElement.getAttribute('aria-valuetext')")
    assert text == "2020-07-12 00:01:00 – 2020-07-12 00:01:10 UTC: 1"
    page.press("Enter")
    assert column(page, 1) == ["2020-07-12 00:01:00"]
    assert column(page, 2) == ["b"]


@pytest.mark.parametrize(
    ("selector", "count", "state"),
    [
        (".lane:nth-child(2) button", 20, "#device=b"),
        ("#body tr:nth-child(2) td:nth-child(2) button", 40, "#device=a"),
        ("[data-filter=device][data-name=b]", 20, "#device=b"),
        ("[data-filter=rule][data-name=temp-high]", 30, "#rule=temp-high"),
        ("[data-filter=severity][data-name=critical]", 20, "#severity=critical"),
    ],
)
def test_names_and_numbers_are_links_to_the_table(page, selector, count, state):
    page.click(selector)
    assert page.evaluate(COUNT) == f"{count} of 60 anomalies"
    assert page.evaluate(HASH) == state


def test_a_row_is_shown_in_the_timeline(page):
    page.click("#body tr:nth-child(2) td:nth-child(4)")
    assert page.evaluate("document.querySelectorAll('#body tr[aria-current=true]').length") == 1
    assert page.evaluate(
        "[...document.querySelectorAll('.marker')].map((m) => [m.getAttribute('visibility'), m.getAttribute('x1')])"
    ) == [["visible", "116"], ["hidden", None]]  # of 120 periods of 10 s
    assert page.evaluate("document.getElementById('detail').textContent") == (
        "\u2068a\u2069, 2020-07-12 00:19:20 UTC: 32\u00a0°C (above 30\u00a0°C)"
    )
    page.click("#body tr:nth-child(2) td:nth-child(1) button")
    assert page.evaluate("document.querySelectorAll('#body tr[aria-current=true]').length") == 0
    assert page.evaluate("document.activeElement.closest('tr').dataset.row") == "58"


def test_the_address_keeps_the_state(page, files):
    page.choose("#severity", "critical")
    page.click("[data-sort=value]")
    page.choose("#size", "50")
    page.click("#body tr:nth-child(3) td:nth-child(4)")
    fragment = page.evaluate("location.hash")
    before = (column(page, 1), sorting(page), page.evaluate("document.getElementById('detail').textContent"))
    show(page, files["small"], fragment)
    after = (column(page, 1), sorting(page), page.evaluate("document.getElementById('detail').textContent"))
    assert after == before
    assert page.evaluate("document.getElementById('severity').value") == "critical"
    page.evaluate("location.hash = '#device=b&from=2020-07-12T00:10:00'")
    page.wait(f"{COUNT} === '10 of 60 anomalies'")
    show(page, files["small"], "#device=none&sort=constructor&page=999&size=7&row=1e9&from=x&q=%3Cb%3E")
    assert page.evaluate(COUNT) == "0 of 60 anomalies"
    assert sorting(page) == {"time": "descending"}


def test_hostile_names_are_text(page, files):
    show(page, files["hostile"])
    assert sorted(column(page, 2)) == sorted(HOSTILE)
    assert page.evaluate("[typeof window.hacked, document.images.length, document.scripts.length]") == [
        "undefined",
        2,
        2,
    ]
    for name in HOSTILE:
        page.choose("#device", name)
        assert column(page, 2) == [name]
        show(page, files["hostile"], page.evaluate("location.hash"))
        assert column(page, 2) == [name]
    assert page.evaluate("document.documentElement.scrollWidth") == 1280


def test_what_is_injected_all_the_same_does_not_run(tab, files):
    tab.viewport(1280, 900)
    show(tab, files["small"])
    tab.evaluate(
        "(() => { const s = document.createElement('script'); s.textContent = 'window.hacked = 1';"
        "document.body.append(s, Object.assign(new Image(), {src: 'http://192.0.2.1/x.png'})); })()"
    )
    until(lambda: tab.evaluate("true") and tab.refused and len(tab.complaints) >= 2)
    assert tab.evaluate("typeof window.hacked") == "undefined"
    assert tab.refused == ["csp"]
    assert len([complaint for complaint in tab.complaints if "Content Security Policy" in complaint]) == 2


def test_of_a_hundred_thousand_rows_the_page_holds_one_page(page, files):
    show(page, files["big"])
    assert page.evaluate(COUNT) == "100,000 of 100,000 anomalies"
    assert page.evaluate(ELEMENTS) < 2_500
    page.click("[data-sort=value]")
    assert column(page, 4) == sorted(column(page, 4), key=lambda text: float(text.split()[0]))
    page.click("[data-sort=device]")
    assert set(column(page, 2)) == {"sensor-000"}
    page.choose("#device", "sensor-007")
    assert set(column(page, 2)) == {"sensor-007"}
    page.choose("#device", "")
    page.choose("#size", "500")
    page.click("[data-page=last]")
    assert len(column(page, 2)) == 500
    assert page.evaluate(ELEMENTS) < 10_000
    page.type("#q", "sensor-00 rule-3")
    page.wait(f"!{COUNT}.startsWith('100,000')")
    assert {text[:9] for text in column(page, 2)} == {"sensor-00"}
    assert (
        page.evaluate("document.getElementById('more').textContent") == "388 more devices are shown only in the table."
    )


@pytest.mark.parametrize("name", ["small", "hostile", "big", "french"])
def test_nothing_is_wider_than_a_phone(page, files, name):
    page.viewport(360, 740, phone=True)
    show(page, files[name])
    assert page.evaluate("[document.documentElement.scrollWidth, innerWidth]") == [360, 360]
    outside = page.evaluate(
        "[...document.querySelectorAll('main > section > *, #app > *, form *, .card, .lane, nav *')]"
        ".filter((e) => e.getBoundingClientRect().right > 360.5).map((e) => e.outerHTML.slice(0, 80))"
    )
    assert outside == []


def test_dark_is_dark_and_readable(page):
    page.viewport(1280, 900, scheme="dark")
    contrast = CONTRAST.read_text()
    ground, least = page.evaluate(contrast)
    assert ground < 0.02
    assert least >= 4.5  # WCAG AA
    page.viewport(1280, 900, scheme="light")
    ground, least = page.evaluate(contrast)
    assert ground > 0.8
    assert least >= 4.5


def test_french_numbers_and_words(page, files):
    show(page, files["french"])
    assert page.evaluate(COUNT) == "100\u202f000 anomalies sur 100\u202f000"
    assert column(page, 5)[0] == "au-dessus de 30\u00a0°C"
    assert all("," in text for text in column(page, 4))
    assert set(column(page, 7)) == {"critique"}
    page.type("#q", "critique sensor-007")
    page.wait(f"!{COUNT}.startsWith('100')")
    assert set(column(page, 2)) == {"sensor-007"}


def test_without_scripts_there_is_still_a_table(page, files):
    page.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        show(page, files["big"])
        seen = page.evaluate(
            "[document.querySelectorAll('noscript tbody tr').length, document.getElementById('app').hidden]"
        )
        assert seen == [200, True]
    finally:
        page.call("Emulation.setScriptExecutionDisabled", value=False)


def test_paper_has_the_table_and_not_the_controls(page):
    page.call("Emulation.setEmulatedMedia", media="print")
    try:
        names = "form, nav, #table, img, .card"
        visible = f"[...document.querySelectorAll('{names}')].filter((e) => e.checkVisibility())"
        assert set(page.evaluate(visible + ".map((e) => e.id || e.tagName)")) == {"table", "IMG", "DIV"}
    finally:
        page.call("Emulation.setEmulatedMedia", media="")


def test_everything_that_can_be_used_has_a_name(page):
    used = "button, input, select, a, img, svg[tabindex], [role=region]"
    nameless = page.evaluate(
        f"[...document.querySelectorAll('{used}')].filter((e) => !(e.textContent.trim() || e.alt || e.labels?.length"
        " || e.getAttribute('aria-label') || e.getAttribute('aria-labelledby'))).map((e) => e.outerHTML)"
    )
    assert nameless == []


def test_times_are_utc_whatever_the_clock_on_the_wall_says(page, files):
    page.call("Emulation.setTimezoneOverride", timezoneId="America/New_York")
    try:
        show(page, files["small"], "#from=2020-07-12T00:10:00")
        assert column(page, 1)[0] == "2020-07-12 00:19:40"
        assert page.evaluate(COUNT) == "30 of 60 anomalies"
        assert page.evaluate("document.getElementById('from').value") == "2020-07-12T00:10"
    finally:
        page.call("Emulation.setTimezoneOverride", timezoneId="")
