import dataclasses
import string

import pytest

from plotting.style.texts import TEXTS
from telemetry.feed.default_feed import DEFAULT_CATALOG, READING_UNITS
from telemetry.model.metric_info import MetricCatalog, MetricInfo

ENGLISH, FRENCH = TEXTS["en"], TEXTS["fr"]
SEVERITIES = {"info", "warning", "critical"}
OF_METRICS = {"titles", "trend_titles", "names", "catalog"}
OTHER = MetricCatalog(
    {
        "NO2(GT)": MetricInfo("µg/m³", "Nitrogen dioxide"),
        "Temp, °C": MetricInfo("°C"),
        "door": MetricInfo("open", "Front door", True),
    }
)
SAME_WORD = {"anomalies", "incident", "incident_count"}  # in English and in French


def placeholders(text) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("field", [field.name for field in dataclasses.fields(ENGLISH) if field.name not in OF_METRICS])
def test_every_text_is_translated_with_the_same_placeholders(field):
    one, other = getattr(ENGLISH, field), getattr(FRENCH, field)
    assert one
    assert other
    if field not in SAME_WORD:
        assert one != other
    if isinstance(one, str):
        assert placeholders(one) == placeholders(other)
    elif isinstance(one, tuple):
        assert len(one) == len(other)
    else:
        assert one.keys() == other.keys() == SEVERITIES


def test_french_has_every_metric_of_the_default_feed_and_english_its_labels():
    assert FRENCH.titles.keys() == FRENCH.trend_titles.keys() == FRENCH.names.keys() == READING_UNITS.keys()
    assert [ENGLISH.name(metric) for metric in READING_UNITS] == [
        "Carbon monoxide", "Humidity", "Light", "LPG", "Motion", "Smoke", "Temperature"
    ]  # fmt: skip
    assert ENGLISH.title("lpg") == "Liquefied petroleum gas against time"
    assert ENGLISH.trend_title("lpg") == "Liquefied petroleum gas trend"
    assert ENGLISH.title("co") == "Carbon monoxide against time"


@pytest.mark.parametrize("texts", TEXTS.values(), ids=TEXTS)
def test_units_and_labels_of_another_feed_are_shown_as_they_are(texts):
    told = texts.of_metrics(OTHER)
    assert told.value_axis("NO2(GT)") == "Nitrogen dioxide (µg/m³)"
    assert told.value_axis("Temp, °C") == "Temp, °C (°C)"
    assert told.value_axis("door") == f"Front door ({texts.yes_no})"
    assert told.value_axis("temp") == "temp"  # not in that feed: no translation, no unit
    assert told.quantity(3.0, "NO2(GT)") == "3\xa0µg/m³"
    assert told.quantity(1.0, "door") == "1"
    assert told.quantity(3.0, "temp") == "3"
    assert told.overview_title("NO2(GT)").endswith(" Nitrogen dioxide")
    assert [told.listed_name(name) for name in ("NO2(GT)", "temp")] == ["Nitrogen dioxide", "temp"]
    assert texts.of_metrics(DEFAULT_CATALOG) is texts
    assert texts.value_axis("temp") != told.value_axis("temp")


def test_titles_of_labels_and_of_names():
    english, french = ENGLISH.of_metrics(OTHER), FRENCH.of_metrics(OTHER)
    assert english.title("NO2(GT)") == "Nitrogen dioxide against time"
    assert english.title("Temp, °C") == "“Temp, °C” against time"
    assert english.trend_title("NO2(GT)") == "Nitrogen dioxide trend"
    assert english.trend_title("temp") == "Trend of “temp”"
    assert french.title("NO2(GT)") == "Visualisation de « Nitrogen dioxide » en fonction du temps"
    assert french.trend_title("temp") == "Tendance de « temp »"


def test_tables_name_the_metrics_of_the_default_feed_as_rules_and_flags_do():
    assert [texts.listed_name("temp") for texts in (ENGLISH, FRENCH)] == ["temp", "temp"]


def test_control_characters_of_a_name_are_seen():
    assert ENGLISH.value_axis("a\x1bb") == "a\ufffdb"
    assert ENGLISH.title("a\nb") == "“a\ufffdb” against time"


def test_the_founding_words_in_french():
    assert FRENCH.title("temp") == "Visualisation des températures en fonction du temps"
    assert FRENCH.value_axis("temp") == "Température (°C)"
    assert FRENCH.time_axis.startswith("Horodatage")


def test_metrics_nobody_named_keep_their_name_and_have_no_unit():
    assert ENGLISH.title("pressure") == "“pressure” against time"
    assert ENGLISH.value_axis("pressure") == "pressure"
    assert ENGLISH.quantity(3.5, "pressure") == "3.5"
    assert ENGLISH.value_axis("light") == "Light (0 = no, 1 = yes)"


def test_numbers_are_written_as_the_language_does():
    assert (ENGLISH.integer(402849), FRENCH.integer(402849)) == ("402,849", "402\u202f849")
    assert (ENGLISH.quantity(30.5, "temp"), FRENCH.quantity(30.5, "temp")) == ("30.5\xa0°C", "30,5\xa0°C")
    assert ENGLISH.quantity(30.0, "temp") == "30\xa0°C"


@pytest.mark.parametrize(
    ("count", "english", "french"), [(0, "0\xa0windows", "0\xa0fenêtre"), (1, "1\xa0window", "1\xa0fenêtre")]
)
def test_zero_and_one_take_the_number_of_the_language(count, english, french):
    assert ENGLISH.counted(ENGLISH.windows, count) == english
    assert FRENCH.counted(FRENCH.windows, count) == french


def test_moments_name_the_month_in_utc():
    assert ENGLISH.moment(1_594_512_094_385_975) == "12\xa0Jul\xa02020\xa000:01"
    assert FRENCH.moment(1_594_512_094_385_975) == "12\xa0juil.\xa02020\xa000:01"


@pytest.mark.parametrize(
    ("seconds", "english", "french"),
    [
        (0, "0 s", "0 s"),
        (59.6, "1 min", "1 min"),
        (125, "2 min 5 s", "2 min 5 s"),
        (3600 + 59, "1 h", "1 h"),
        (90_000, "1 d 1 h", "1 j 1 h"),
        (86_400 * 1234, "1,234 d", "1\u202f234 j"),
    ],
)
def test_durations_have_the_two_largest_units(seconds, english, french):
    written = [texts.duration(round(seconds * 1e6)).replace("\xa0", " ") for texts in (ENGLISH, FRENCH)]
    assert written == [english, french]


def test_the_titles_of_trends_and_overviews():
    assert ENGLISH.trend_title("temp") == "Temperature trend"
    assert FRENCH.trend_title("pression") == "Tendance de « pression »"
    assert (ENGLISH.overview_title(None), ENGLISH.overview_title("temp")) == (
        "Overview of the run",
        "Overview: Temperature",
    )
    assert FRENCH.overview_title("pression") == "Vue d’ensemble : pression"
    hours = [ENGLISH.heat_title(hours * 3_600_000_000).rpartition(" and ")[2] for hours in (1, 24, 168)]
    assert hours == ["hour", "day", "7 days"]


def test_an_unknown_severity_keeps_its_name():
    assert (FRENCH.severity("warning"), FRENCH.severity("fatal")) == ("avertissement", "fatal")
