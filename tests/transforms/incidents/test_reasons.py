"""The sentence that says why a reading is unusual."""

import pytest

from telemetry.feed.default_feed import DEFAULT_CATALOG
from telemetry.model.metric_info import MetricCatalog, MetricInfo
from telemetry.rules.unusual import LearnedStuck, Unusual, UnusualKind
from transforms.incidents.reasons import reason

HOUR = 3_600_000_000


def unusual(kind: UnusualKind, **more: object) -> Unusual:
    return Unusual(kind, 4.0, 2.0, 0, HOUR, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("condition", "numbers", "sentence"),
    [
        (
            unusual("jump"),
            (29.0, 19.74, 20.04, 0.4584),
            "29 °C; 20.0 at the reading before; 20 times the usual change (a usual change is 0.4584)",
        ),
        (unusual("level"), (29.0, 9.25, 20.0, 0.043), "29 °C; expected 20.00 ± 0.043; 9.2 times the usual spread"),
        (
            unusual("level", season="hour"),
            (-40.5, 20.9, 12345.6, 100.0),
            "-40.5 °C; expected 12345.6 ± 100 at this hour; 21 times the usual spread",
        ),
        (
            unusual("drift"),
            (19.73, 9.4, 20.22, 0.5285),
            "19.73 °C in the last minutes; 20.2 ± 0.5285 in the last hours; 9.4 times as far from it as usual",
        ),
        (
            unusual("novel"),
            (29.0, 4.9, 20.82, 0.03),
            "29 °C; nothing like it before; the nearest known value is 20.82",
        ),
        (unusual("novel"), (20.81, 4.3, 20.82, 0.03), "20.81 °C; one in 19,953 values is like it"),
        (
            unusual("novel", span_us=HOUR),
            (24.66, 5.0, None, None),
            "a mean of 1h near 24.66 °C: rarer than any before, 1.2 times as rare as it takes",
        ),
        (
            LearnedStuck(0, HOUR),
            (20.0, 1.1, None, None),
            "20 °C again and again: 1.1 times the longest run that is usual",
        ),
    ],
    ids=["jump", "level", "hour", "drift", "new", "rare", "mean", "stuck"],
)
def test_each_kind(condition: Unusual | LearnedStuck, numbers: tuple[float | None, ...], sentence: str) -> None:
    value, score, expected, spread = numbers
    assert reason(condition, "temp", value, score, expected, spread, DEFAULT_CATALOG) == sentence


def test_several_metrics_have_no_value() -> None:
    condition = unusual("together", metrics=("temp", "humidity", "co"))
    sentence = "temp, humidity and co are together 12 times as far from their usual values as they usually are"
    assert reason(condition, "", None, 12.3, None, None) == sentence


def test_a_metric_without_a_unit_and_a_reading_without_a_score() -> None:
    assert reason(LearnedStuck(0, HOUR), "other", 7.0, 2.0, None, None) == (
        "7 again and again: 2.0 times the longest run that is usual"
    )
    assert reason(unusual("jump"), "temp", 7.0, None, 6.0, 1.0) is None


def test_units_are_those_of_the_catalog() -> None:
    catalog = MetricCatalog({"NO2(GT)": MetricInfo("µg/m³", "Nitrogen dioxide"), "door": MetricInfo("open", "", True)})
    jump = unusual("jump")
    assert reason(jump, "NO2(GT)", 113.0, 5.0, 96.0, 3.25, catalog) == (
        "113 µg/m³; 96.0 at the reading before; 5.0 times the usual change (a usual change is 3.25)"
    )
    assert reason(LearnedStuck(0, HOUR), "door", 1.0, 2.0, None, None, catalog) == (
        "1 again and again: 2.0 times the longest run that is usual"
    )
    assert reason(LearnedStuck(0, HOUR), "temp", 20.0, 2.0, None, None, catalog) == (
        "20 again and again: 2.0 times the longest run that is usual"
    )


def test_the_numbers_of_a_broken_sensor_are_short() -> None:
    """A sentence once had 300 digits."""
    assert reason(unusual("jump"), "temp", 1.7e308, 2.18e30, -1.6e300, 0.4584, DEFAULT_CATALOG) == (
        "1.7e+308 °C; -1.6e+300 at the reading before; 2.18e+30 times the usual change (a usual change is 0.4584)"
    )
    assert reason(unusual("novel"), "temp", 1.7e308, 5.0, 1e30, 3e28, DEFAULT_CATALOG) == (
        "1.7e+308 °C; nothing like it before; the nearest known value is 1e+30"
    )
