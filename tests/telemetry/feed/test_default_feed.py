"""The default feed is a valid feed; units and labels come from a feed."""

import pytest

from telemetry.feed.default_feed import (
    BOOLEAN_METRICS,
    DEFAULT_CATALOG,
    DEFAULT_METRICS,
    READING_UNITS,
    default_feed,
    metric_catalog,
)
from telemetry.feed.errors import FeedError
from telemetry.feed.feed import Feed
from telemetry.feed.parse import load_feed, parse_feed
from telemetry.model.metric_info import MetricCatalog, MetricInfo
from tests.support.sources import ROOT


def catalog_of(metrics: str) -> MetricCatalog:
    return metric_catalog(parse_feed(f"version: 1\nmetrics:\n{metrics}"))


def test_the_file_passes_every_check_of_a_feed() -> None:
    assert load_feed(str(ROOT / "telemetry/feed/default_feed.yaml")) == default_feed()
    assert default_feed() is default_feed()


def test_it_is_the_canonical_form() -> None:
    assert default_feed() == Feed(metrics=default_feed().metrics)


def test_the_columns_of_the_founding_data_set() -> None:
    assert list(READING_UNITS) == ["co", "humidity", "light", "lpg", "motion", "smoke", "temp"]
    assert {"light", "motion"} == BOOLEAN_METRICS
    assert DEFAULT_METRICS == ("co", "humidity", "lpg", "smoke", "temp")
    assert DEFAULT_CATALOG.entries["temp"] == MetricInfo("°C", "Temperature")
    assert DEFAULT_CATALOG.entries["motion"] == MetricInfo("bool", "Motion", True)


def test_units_labels_and_booleans_are_those_of_the_feed() -> None:
    found = catalog_of("""
  CO(GT): {unit: mg/m³, label: Carbon monoxide}
  "Temp, °C": {unit: °C}
  door: {label: Front door, boolean: true, unit: open}
  plain:
""")
    assert found == MetricCatalog(
        {
            "CO(GT)": MetricInfo("mg/m³", "Carbon monoxide"),
            "Temp, °C": MetricInfo("°C"),
            "door": MetricInfo("open", "Front door", True),
            "plain": MetricInfo(),
        }
    )
    assert [found.unit(name) for name in ("CO(GT)", "door", "plain", "temp")] == ["mg/m³", "open", "", ""]
    assert [found.unit_of_values(name) for name in ("CO(GT)", "door", "temp")] == ["mg/m³", "", ""]
    assert [found.label(name) for name in ("CO(GT)", "Temp, °C", "temp")] == ["Carbon monoxide", "Temp, °C", "temp"]
    assert [found.is_boolean(name) for name in ("door", "plain", "motion")] == [True, False, False]


def test_a_feed_that_says_nothing_is_the_default_one() -> None:
    assert metric_catalog(Feed()) == DEFAULT_CATALOG
    assert metric_catalog(parse_feed("version: 1\nstrict: true")) == DEFAULT_CATALOG


def test_units_of_foreign_telemetry_are_not_guessed() -> None:
    assert metric_catalog(parse_feed("version: 1\ntime: {column: when}")) == MetricCatalog()


def test_labels_tell_metrics_apart() -> None:
    found = catalog_of("""
  t1: {label: Temperature}
  t2: {label: Temperature}
  t3: {label: t4}
  t4:
""")
    labels = [found.label(name) for name in ("t1", "t2", "t3", "t4")]
    assert labels == ["Temperature (t1)", "Temperature (t2)", "t4 (t3)", "t4"]


@pytest.mark.parametrize("field", ["unit", "label"])
@pytest.mark.parametrize("text", ["a\\nb", "\\x1b[2J", "\\u2028", "\\x9b"])
def test_units_and_labels_are_one_line(field: str, text: str) -> None:
    with pytest.raises(FeedError) as caught:
        parse_feed(f'version: 1\nmetrics:\n  a:\n    {field}: "{text}"\n')
    assert str(caught.value) == f"line 4: metrics.a.{field}: must be one line, without control characters"
