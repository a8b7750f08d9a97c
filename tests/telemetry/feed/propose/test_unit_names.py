"""Units, wherever people write them."""

import pytest

from telemetry.feed.propose.unit_names import (
    is_unit_cell,
    known_unit,
    split_unit,
    unit_behind,
    unit_in_words,
    unit_of_cell,
)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Temp, °C", ("Temp", "°C")),
        ("Temp, °C (LGR S/N: 1, SEN S/N: 2)", ("Temp", "°C")),
        ("Temperature [°C]", ("Temperature", "°C")),
        ("Temp (F)", ("Temp", "°F")),
        ("Humidity(%)", ("Humidity", "%")),
        ("Wind / Speed (m/s)", ("Wind / Speed", "m/s")),
        ("C6H6(GT)", ("C6H6(GT)", "")),
        ("PT08.S1(CO)", ("PT08.S1(CO)", "")),
        ("Date Time, GMT-07:00", ("Date Time, GMT-07:00", "")),
        ("temp_c", ("temp_c", "")),
    ],
)
def test_units_at_the_end_of_names(name: str, expected: tuple[str, str]) -> None:
    assert split_unit(name) == expected


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("temp_c", "°C"),
        ("AirTemp_C", "°C"),
        ("temperature_fahrenheit", "°F"),
        ("humidity_pct", "%"),
        ("WindSpeed_ms", "m/s"),
        ("latency_ms", "ms"),
        ("kWh", "kWh"),
        ("battery_v", "V"),
        ("pressure_hPa", "hPa"),
        ("water_temp_deg_c", "°C"),
        ("sensor_a", ""),
        ("channel_c", ""),
        ("T", ""),
        ("temp", ""),
        ("", ""),
    ],
)
def test_units_within_names(name: str, unit: str) -> None:
    assert unit_in_words(name) == unit


@pytest.mark.parametrize(
    ("text", "unit"),
    [("Deg C", "°C"), ("celsius", "°C"), ("%RH", "%"), ("MW", "MW"), ("mw", "mW"), ("ug/m3", "µg/m³"), ("GT", "")],
)
def test_spellings(text: str, unit: str) -> None:
    assert known_unit(text) == unit


@pytest.mark.parametrize(
    ("text", "unit"), [("21.5 °C", "°C"), ("21,5°C", "°C"), ("-4 dBm", "dBm"), ("3 widgets", "widgets"), ("21.5", "")]
)
def test_units_behind_numbers(text: str, unit: str) -> None:
    assert unit_behind(text) == unit


def test_rows_of_units() -> None:
    assert [is_unit_cell(cell) for cell in ("TS", "Deg C", "[m/s]", "Avg", "", "double", "Room A")] == [True] * 6 + [
        False
    ]
    assert [unit_of_cell(cell) for cell in ("Deg C", "(m/s)", "Avg", "", "W/m^2", "quux")] == [
        "°C", "m/s", "", "", "W/m²", "quux",
    ]  # fmt: skip
