import base64
import hashlib
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from plotting.report import command
from plotting.report.words import WORDS
from tests.support.records import transition
from tests.support.report_pages import (
    HOSTILE,
    addresses,
    big_run,
    breakdowns,
    cards,
    embedded,
    entry,
    hostile_run,
    hot,
    letter,
    make,
    parse,
    report,
    rows_of,
    small_run,
)
from tests.support.runs import MINUTE, T0, window, write, write_csv, write_run

HERE = Path(command.__file__).parent
SOURCES = ("page.html", "page.js", "page.py", "incident_table.py", "pictures.py", "script_data.py")
REMARK = {"class": "remark"}


@pytest.fixture
def run(tmp_path):
    return small_run(tmp_path / "run")


def test_the_headline_counts_what_is_stored(run, tmp_path):
    page = parse(make(tmp_path, run))
    assert cards(page) == {
        "Anomalies": "60",
        "Devices": "2",
        "Readings decoded": "30",
        "Values of temp": "576",
        "Windows of temp": "48",
        "Dead letters": "3",
    }
    assert breakdowns(page) == {
        "By severity": {"critical": "20", "warning": "20", "info": "20"},
        "Anomalies by rule": {"temp-high": "30", "temp-spike": "30"},
        "By device": {"a": "40", "b": "20"},
        "Dead letters by reason": {"too_late": "2", "not_json": "1"},
    }
    assert "12\u00a0Jul\u00a02020\u00a000:00 – 12\u00a0Jul\u00a02020\u00a000:24 UTC" in page.all("header")[0].text


def test_what_is_stored_twice_counts_once_and_the_last_pane_counts(tmp_path):
    run = write_run(tmp_path / "run", [window(count=5), window(count=9, pane=1)], [hot()])
    for name in ("x", "y"):
        write(run, "aggregates", [window(count=9, pane=1)], name=name)
        write(run, "anomalies", [hot()], name=name)
        write(run, "dead_letters", [letter()], name=name)
        write(run, "ledger", [entry()], name=name)
    numbers = cards(parse(make(tmp_path, run)))
    assert (numbers["Values of temp"], numbers["Windows of temp"]) == ("9", "1")
    assert (numbers["Anomalies"], numbers["Dead letters"], numbers["Readings decoded"]) == ("1", "1", "24")


def test_the_embedded_columns_are_the_anomalies_to_the_last_bit(tmp_path):
    anomalies = [
        hot("b", T0 + 7, 31.123456789012345),
        hot("a", T0 + 2_000_003, -5.5, "info", threshold=-3.0, upper=40.0, rule="range"),
        hot("a", T0 + 2_000_003, 99.0, "warning", metric="humidity", threshold=80.5),
        msgspec.structs.replace(hot("a", T0 + 9_000_000, 1.0, threshold=2.0), comparison="below"),
        msgspec.structs.replace(hot("a", T0 + 9_000_001, 3.0, threshold=2.0, upper=4.0), comparison="inside"),
    ]
    run = write_run(tmp_path / "run", [window()], anomalies)
    assert rows_of(embedded(parse(make(tmp_path, run)))) == [
        (T0 + 7, 31.123456789012345, "b", "temp", "temp-high", "critical", "above 30\u00a0°C"),
        (T0 + 2_000_003, -5.5, "a", "temp", "range", "info", "outside -3\u00a0°C – 40\u00a0°C"),
        (T0 + 2_000_003, 99.0, "a", "humidity", "temp-high", "warning", "above 80.5\u00a0%"),
        (T0 + 9_000_000, 1.0, "a", "temp", "temp-high", "critical", "below 2\u00a0°C"),
        (T0 + 9_000_001, 3.0, "a", "temp", "temp-high", "critical", "inside 2\u00a0°C – 4\u00a0°C"),
    ]


def test_names_from_the_data_are_text_wherever_they_stand(tmp_path):
    page = parse(make(tmp_path, hostile_run(tmp_path / "<b>run & 'co'")))
    assert [element.attributes for element in page.all("script")] == [{"type": "application/json", "id": "data"}, {}]
    assert len(page.all("img")) == 2
    assert not page.all("b")
    assert not [name for element in page.every() for name in element.attributes if name.startswith("on")]
    assert embedded(page)["device"]["names"] == list(HOSTILE)
    assert set(breakdowns(page)["By device"]) == set(HOSTILE)
    (static,) = page.all("noscript")
    assert [row.all("td")[1].text for row in static.all("tr")[1:]] == list(reversed(HOSTILE))
    assert {button.attributes["data-name"] for button in page.all("button", **{"data-filter": "device"})} == {*HOSTILE}
    assert "<b>run & 'co'" in page.all("header")[0].text
    assert HOSTILE[0] in page.all("img")[0].attributes["alt"]


def test_units_and_labels_are_those_of_a_feed_and_stay_text(tmp_path):
    metric, label = "Temp, °C", HOSTILE[2]
    feed = tmp_path / "feed.yaml"
    described = {metric: {"unit": "<°F>", "label": label}, "door": {"unit": "open", "boolean": True}}
    feed.write_bytes(msgspec.yaml.encode({"version": 1, "metrics": described}))
    found = [hot(metric=metric), hot(at=T0 + 1, metric="temp"), hot(at=T0 + 2, value=1.0, metric="door", threshold=0.5)]
    run = write_run(tmp_path / "run", [window(metric=metric)], found)
    write(run, "incidents", [msgspec.structs.replace(transition(), metric=metric)])
    for language in ("en", "fr"):
        page = parse(make(tmp_path, run, "--metric", metric, "--feed", feed, "--lang", language))
        assert [element.attributes for element in page.all("script")] == [
            {"type": "application/json", "id": "data"},
            {},
        ]
        data = embedded(page)
        assert data["metric"]["names"] == [label, "temp", "door"]
        assert data["units"] == {label: "<°F>"}
        assert [row[-1].split()[-1] for row in rows_of(data)] == ["<°F>", "30", "0.5" if language == "en" else "0,5"]
        texts = [cell.text for row in page.all("noscript")[0].all("tr")[1:] for cell in row.all("td")[2:4]]
        assert texts == ["door", "1", "temp", "31", label, "31\u00a0<°F>"]
        (incidents,) = [table for table in page.all("table") if "incidents" in table.attributes.get("class", "")]
        assert [cell.text for cell in incidents.all("td")[6:9]] == [label, *incident_bounds(language)]
        assert any(label in name for name in cards(page))
        assert label in page.all("img")[0].attributes["alt"]


def incident_bounds(language: str) -> tuple[str, str]:
    """Return condition and worst value of the incident of a test."""
    worst = "30.5" if language == "en" else "30,5"
    return WORDS[language]["above"].format(low="30\u00a0<°F>"), f"{worst}\u00a0<°F>"


def test_the_data_block_cannot_end_before_its_end(tmp_path):
    text = make(tmp_path, hostile_run(tmp_path / "run")).read_text(encoding="utf-8")
    block = text.split('id="data">')[1].split("</script>")[0]
    assert block.isascii()
    assert not set("<>&") & set(block)
    assert block.endswith("}")


@pytest.mark.filterwarnings("error:Glyph")
def test_control_characters_are_seen_and_not_obeyed(tmp_path):
    run = write_run(tmp_path / "run", [window()], [hot("a\x00b\x1bc")])
    page = make(tmp_path, run)
    assert "\x00" not in page.read_text(encoding="utf-8")
    assert set(breakdowns(parse(page))["By device"]) == {"a\ufffdb\ufffdc"}
    assert embedded(parse(page))["device"]["names"] == ["a\x00b\x1bc"]


def test_the_page_refers_to_nothing_outside_itself(run, tmp_path):
    page = parse(make(tmp_path, run))
    assert addresses(page) == {"data:", "#numbers", "#pictures", "#table-heading"}
    (script,) = [element for element in page.all("script") if "type" not in element.attributes]
    assert set(re.findall(r"\w+://[^\"']*", script.text)) == {"http://www.w3.org/2000/svg"}  # a name, not a place
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval|Function\(", script.text)


def test_the_policy_allows_this_style_and_this_script_alone(run, tmp_path):
    page = parse(make(tmp_path, run))

    def digest(text: str) -> str:
        return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"

    (meta,) = page.all("meta", **{"http-equiv": "Content-Security-Policy"})
    (script,) = [element for element in page.all("script") if "type" not in element.attributes]
    assert dict(part.split(maxsplit=1) for part in meta.attributes["content"].split("; ")) == {
        "default-src": "'none'",
        "img-src": "data:",
        "style-src": digest(page.all("style")[0].text),
        "script-src": digest(script.text),
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    assert not [element for element in page.every() if "style" in element.attributes]


def test_a_hundred_thousand_anomalies_are_a_page_for_an_e_mail(tmp_path):
    file = make(tmp_path, big_run(tmp_path / "run"))
    assert file.stat().st_size < 6_000_000
    page = parse(file)
    content = embedded(page)
    assert content["rows"] == len(content["time"]) == len(content["device"]["at"]) == 100_000
    assert cards(page)["Anomalies"] == "100,000"
    assert breakdowns(page)["By device"]["and 390 more"]
    assert len(page.all("noscript")[0].all("tr")) == 201
    assert "newest 200 of 100,000" in page.all("noscript")[0].text


def test_a_time_range_takes_part_of_all_but_the_dead_letters_and_says_so(run, tmp_path):
    start, end = f"{(T0 + 5 * MINUTE) / 1e6}", "2020-07-12T00:10:00Z"
    page = parse(make(tmp_path, run, "--start", start, "--end", end))
    assert cards(page) == {
        "Anomalies": "15",
        "Devices": "2",
        "Readings decoded (whole run)": "30",
        "Values of temp": "120",
        "Windows of temp": "10",
        "Dead letters (whole run)": "3",
    }
    times = [row[0] for row in rows_of(embedded(page))]
    assert (min(times), max(times)) == (T0 + 5 * MINUTE, T0 + 10 * MINUTE - 20_000_000)


def test_windows_that_overlap_are_pointed_out(tmp_path):
    sliding = [msgspec.structs.replace(window(minute=m), window_end=T0 + (m + 2) * MINUTE) for m in range(3)]
    side_by_side = [window(device, minute) for device in "ab" for minute in range(3)]
    remarks = [
        [element.text for element in parse(make(tmp_path, write_run(tmp_path / name, windows))).all("p", **REMARK)]
        for name, windows in (("sliding", sliding), ("tumbling", side_by_side))
    ]
    assert remarks == [[WORDS["en"]["overlapping"], ""], [""]]  # the empty one is the timeline's


def test_the_metric_chooses_the_picture_and_the_numbers_but_the_table_has_all(tmp_path):
    windows = [window(), window(metric="humidity", mean=50.0, count=7)]
    run = write_run(tmp_path / "run", windows, [hot(), hot(metric="humidity", value=99.0)])
    pages = [parse(make(tmp_path, run, "--metric", metric)) for metric in ("temp", "humidity")]
    assert [cards(page).get("Values of humidity") for page in pages] == [None, "7"]
    assert [len(rows_of(embedded(page))) for page in pages] == [2, 2]
    images = [page.all("img")[0].attributes for page in pages]
    assert images[0]["src"] != images[1]["src"]
    assert images[1]["alt"].startswith("Humidity trend. 1\u00a0anomaly; a. ")


def test_readings_make_one_more_picture_and_all_have_their_true_size(run, tmp_path):
    readings = write_csv(tmp_path / "r.csv", [(T0 / 1e6 + n, "a", 20 + n) for n in range(9)])
    images = parse(make(tmp_path, run, "--readings", readings)).all("img")
    titles = [image.attributes["alt"].partition(".")[0] for image in images]
    assert titles == ["Temperature against time", "Temperature trend", "Overview of the run"]
    for image in images:
        png = base64.b64decode(image.attributes["src"].removeprefix("data:image/png;base64,"))
        size = (int.from_bytes(png[16:20], "big"), int.from_bytes(png[20:24], "big"))
        assert size == (int(image.attributes["width"]), int(image.attributes["height"]))
    assert len(parse(make(tmp_path, run)).all("img")) == 2


def test_french_is_french_throughout(run, tmp_path):
    page = parse(make(tmp_path, run, "--lang", "fr"))
    assert page.all("html")[0].attributes["lang"] == "fr"
    assert page.all("h1")[0].text == "Rapport d’anomalies"
    assert breakdowns(page)["Par gravité"] == {"critique": "20", "avertissement": "20", "information": "20"}
    assert embedded(page)["limit"]["names"] == ["au-dessus de 30\u00a0°C"]
    assert embedded(page)["words"] == dict(WORDS["fr"])


def test_french_numbers_have_a_comma_and_narrow_spaces(tmp_path):
    anomalies = [hot("a", T0 + n * MINUTE, 31.25, threshold=30.5) for n in range(1_234)]
    page = parse(make(tmp_path, write_run(tmp_path / "run", [window()], anomalies), "--lang", "fr"))
    assert cards(page)["Anomalies"] == "1\u202f234"
    assert embedded(page)["limit"]["names"] == ["au-dessus de 30,5\u00a0°C"]
    assert [cell.text for cell in page.all("noscript")[0].all("tr")[1].all("td")][3:5] == [
        "31,25\u00a0°C",
        "au-dessus de 30,5\u00a0°C",
    ]


def test_both_languages_have_the_same_words_with_the_same_blanks():
    blanks = {lang: {key: set(re.findall(r"{(\w+)}", text)) for key, text in words.items()}
              for lang, words in WORDS.items()}  # fmt: skip
    assert blanks["en"] == blanks["fr"]


def test_every_word_is_used():
    source = "".join((HERE / name).read_text() for name in SOURCES)
    generated = {"all_device", "all_rule", "all_severity", "info", "warning", "critical"}
    generated |= {"reason_rule-changed", "reason_shelved"}
    unused = [key for key in WORDS["en"] if not re.search(rf"""\$w_{key}\b|words\.{key}\b|["']{key}["']""", source)]
    assert set(unused) - generated == set()


def test_the_same_run_is_the_same_page(run, tmp_path):
    assert make(tmp_path, run).read_bytes() == make(tmp_path, run).read_bytes()


def test_a_run_without_any_reading_still_has_a_page(tmp_path):
    run = tmp_path / "run"
    write(run, "dead_letters", [letter("not_json")])
    page = parse(make(tmp_path, run))
    assert (cards(page)["Dead letters"], cards(page)["Anomalies"]) == ("1", "0")
    assert [image.attributes["alt"].partition(".")[0] for image in page.all("img")] == ["Overview of the run"]
    assert WORDS["en"]["none_stored"] in page.all("main")[0].text


@pytest.mark.parametrize("letters", [[], [letter()]])
def test_where_there_is_nothing_to_draw_the_page_says_so(tmp_path, letters):
    run = tmp_path / "run"
    write(run, "ledger", [entry(count=0)])
    write(run, "dead_letters", letters)
    page = parse(make(tmp_path, run, *(["--start", "10"] if letters else [])))
    assert not page.all("img")
    assert WORDS["en"]["no_pictures"].format(metric="temp") in page.all("main")[0].text


def test_the_line_at_the_end_says_what_was_written(run, tmp_path, capsys):
    file = make(tmp_path / "deep", run)
    out = capsys.readouterr().out
    assert re.fullmatch(rf"{re.escape(str(file))}: 60 anomalies, 2 devices, 2 pictures, 0\.\d MB, \d+\.\d s\n", out)


def test_the_output_may_be_in_a_bucket(run, monkeypatch, capsys):
    written: dict[str, bytes] = {}
    monkeypatch.setattr(command, "write_file", written.__setitem__)
    assert report("gs://bucket/folder/report.html", run) == 0
    (content,) = written.values()
    assert list(written) == ["gs://bucket/folder/report.html"]
    assert content.startswith(b"<!DOCTYPE html>")


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--results", "nowhere"], "--results nowhere: no such directory"),
        (["--output", "p.pdf"], "--output p.pdf: not a page's name, it ends in .html"),
        (["--output", "readings.csv/p.html"], "--output readings.csv/p.html: cannot be written: "),
        (["--output", "folder.html"], "--output folder.html: cannot be written: Is a directory"),
        (["--output", "moon://b/p.html"], "--output moon://b/p.html: cannot be written: Beam has no filesystem"),
        (["--metric", "wind"], "--metric wind: no results of it, there are temp"),
        (["--readings", "none.csv"], "--readings none.csv: No such file"),
        (["--start", "soon"], "--start soon: not a time"),
        (["--start", "20", "--end", "10"], "--start 20: is not before --end 10"),
        (["--lang", "de"], "--lang"),
        (["--theme", "x"], "--theme"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_mistakes_are_one_line_and_exit_code_2(run, tmp_path, monkeypatch, capsys, arguments, problem):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder.html").mkdir()
    (tmp_path / "readings.csv").write_text("ts,device,temp\n")
    assert report("p.html", run, *arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("plotting: error: ")
    assert problem in err
    assert err.count("\n") == 1
    assert not (tmp_path / "p.html").exists()


def incidents_of(page) -> list[list[str]]:
    """The cells of the table of incidents."""
    (table,) = page.all("table", **{"class": "anomalies incidents"})
    return [[cell.text.replace("\xa0", " ") for cell in row.all("td")] for row in table.all("tr")[1:]]


def write_incidents(run) -> None:
    silent: dict[str, Any] = {"condition": "silence", "metric": "", "threshold": None, "worst": None, "readings": 0}
    rate: dict[str, Any] = {"condition": "rate above", "threshold": 2.5, "worst": 3.25, "rule_id": "rises"}
    mean: dict[str, Any] = {"condition": "mean outside", "threshold": 14.0, "threshold_upper": 29.0, "rule_id": "mean"}
    write(
        run,
        "incidents",
        [
            transition(incident_id="1"),
            transition(2, incident_id="1", state="closed", closed_at=T0 + 90_500_000),
            transition(incident_id="2", device="b", opened_at=T0 + MINUTE, severity="info", **rate),
            transition(incident_id="3", rule_id="quiet", opened_at=T0 + 2 * MINUTE, **silent),
            transition(3, incident_id="4", device="", state="closed", reason="rule-changed", opened_at=T0 + MINUTE,
                       closed_at=T0 + 3 * MINUTE, **silent),
            transition(1, incident_id="5", state="updated", flapping=True, stale=True, severity="warning", worst=30.5,
                       **mean),
        ],
    )  # fmt: skip


def test_incidents_are_a_table_open_ones_first_then_the_newest(run, tmp_path):
    write_incidents(run)
    page = parse(make(tmp_path, run))
    device = "b8:27:eb"
    assert incidents_of(page) == [
        ["2020-07-12 00:02:00", "open", "–", "critical", "quiet", device, "", "silent", "", "0"],
        ["2020-07-12 00:01:00", "open", "–", "info", "rises", "b", "temp", "rate above 2.5", "3.25", "1"],
        ["2020-07-12 00:00:00", "open, flapping, no new data", "–", "warning", "mean", device, "temp",
         "mean outside 14 °C – 29 °C", "30.5 °C", "2"],
        ["2020-07-12 00:01:00", "2020-07-12 00:03:00, rule changed", "2 min", "critical", "temp-high", "the source", "",
         "silent", "", "0"],
        ["2020-07-12 00:00:00", "2020-07-12 00:01:30", "1 min 30 s", "critical", "temp-high", device, "temp",
         "above 30 °C", "32.5 °C", "3"],
    ]  # fmt: skip
    assert cards(page)["Incidents (3 open)"] == "5"
    assert list(cards(page)).index("Incidents (3 open)") == 1
    assert addresses(page) == {"data:", "#numbers", "#incidents", "#pictures", "#table-heading"}
    assert [row.attributes.get("class") for row in page.all("table", **{"class": "anomalies incidents"})[0].all("tr")][
        1:
    ] == ["open", "open", "open", None, None]


def test_incidents_in_french(run, tmp_path):
    write_incidents(run)
    page = parse(make(tmp_path, run, "--lang", "fr"))
    found = incidents_of(page)
    assert [row[1] for row in found[:4]] == [
        "en cours",
        "en cours",
        "en cours, instable, sans nouvelle mesure",
        "2020-07-12 00:03:00, règle modifiée",
    ]
    assert [row[7] for row in found] == [
        "muet",
        "variation au-dessus de 2,5",
        "moyenne hors de 14 °C – 29 °C",
        "muet",
        "au-dessus de 30 °C",
    ]


@pytest.mark.parametrize(("language", "score", "jumps"), [("en", "8.4", "jumps"), ("fr", "8,4", "saute")])
def test_incidents_of_rules_that_learn_have_a_score_and_below_them_a_sentence(run, tmp_path, language, score, jumps):
    write_incidents(run)
    learned = {
        "incident_id": "6",
        "condition": "jump",
        "threshold": None,
        "opened_at": T0 + 3 * MINUTE,
        "device": "<b>",
    }
    write(
        run,
        "incidents",
        [
            transition(1, score=8.3576, why="36 °C; <20> at the reading before", **learned),
            transition(2, score=0.5, why="less", **learned),
            transition(3, incident_id="7", score=126.4, opened_at=T0 - MINUTE, condition="stuck"),
        ],
        name="learned",
    )
    page = parse(make(tmp_path, run, "--lang", language))
    (table,) = page.all("table", **{"class": "anomalies incidents"})
    heads = [cell.text for cell in table.all("th")]
    assert (len(heads), heads[-1]) == (11, "Score")
    first, sentence, *rest = incidents_of(page)
    assert (first[7], first[10]) == (jumps, score)
    assert sentence == ["36 °C; <20> at the reading before"]
    assert [row[10] for row in rest] == ["", "", "", "126", "", ""]
    (why,) = table.all("tr", **{"class": "why"})
    assert {"colspan": "11", "lang": "en"}.items() <= why.all("td")[0].attributes.items()


def test_the_time_range_chooses_incidents_and_without_any_there_is_no_table(run, tmp_path):
    page = parse(make(tmp_path, run))
    assert not page.all("table", **{"class": "anomalies incidents"})
    assert "Incidents" not in page.all("main")[0].text
    write_incidents(run)
    page = parse(make(tmp_path, run, "--end", f"{(T0 + MINUTE) / 1e6}"))
    assert [row[4] for row in incidents_of(page)] == ["mean", "temp-high"]


def test_names_of_incidents_are_text_and_most_of_many_are_shown(run, tmp_path):
    many = [transition(incident_id=f"{n:03}", device=HOSTILE[n % len(HOSTILE)], rule_id="r") for n in range(205)]
    write(run, "incidents", many)
    page = parse(make(tmp_path, run))
    rows = incidents_of(page)
    assert len(rows) == 200
    assert {row[5] for row in rows} == set(HOSTILE)
    assert "The first 200 of 205 incidents" in page.all("main")[0].text
    assert len(page.all("script")) == 2
