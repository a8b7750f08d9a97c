"""Names of columns, as people write them."""

import pytest

from telemetry.feed.propose.names import (
    are_quantities,
    device_score,
    is_counter,
    is_envelope,
    is_quantity,
    metric_name_score,
    other_meaning,
    time_score,
    tokens,
    value_rank,
)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("deviceId", ("device", "id")),
        ("Device ID", ("device", "id")),
        ("UTCTime", ("utc", "time")),
        ("last_changed", ("last", "changed")),
        ("PM2.5", ("pm", "2", "5")),
        ("Außentemperatur", ("außentemperatur",)),
        ("#", ()),
    ],
)
def test_words(name: str, expected: tuple[str, ...]) -> None:
    assert tokens(name) == expected


def test_times_by_how_certain_they_are() -> None:
    names = ["ts", "created_at", "measurement time", "t", "temp", "uptime", "ingested_at"]
    assert [time_score(name) for name in names] == [3.0, 2.0, 1.5, 1.0, 0.0, -1.5, -3.0]


def test_devices_by_how_certain_they_are() -> None:
    names = ["device", "deviceid", "node_id", "sensor", "gateway", "location", "name", "id"]
    scores = [device_score(name) for name in names]
    assert scores == sorted(scores, reverse=True)
    assert min(scores[:4]) > 3
    others = ["sensor_type", "battery", "pump_speed", "application_id", "message_id", "temp", "__name__", ""]
    assert [device_score(name) for name in others] == [0.0] * 8


@pytest.mark.parametrize("name", ["temp", "roomTemp", "outtemp", "PM2.5", "CO2", "relHumidity", "carbon_dioxide"])
def test_quantities(name: str) -> None:
    assert is_quantity(name)


@pytest.mark.parametrize("name", ["status", "field1", "id", "c7", ""])
def test_what_is_no_known_quantity(name: str) -> None:
    assert not is_quantity(name)


def test_names_of_quantities_alone() -> None:
    assert [are_quantities(name) for name in ("temperature", "carbon_dioxide", "temp 1", "")] == [
        True,
        True,
        False,
        False,
    ]


def test_other_meanings() -> None:
    names = ["entry_id", "Lat", "hour", "temp_flag", "quality", "air_quality", "location", "temp"]
    assert [other_meaning(name) for name in names] == [
        "an identifier", "a coordinate", "a part of the date", "a mark of quality", "a mark of quality", "",
        "an identifier", "",
    ]  # fmt: skip
    assert [is_counter(name) for name in ("RECORD", "", "No.", "temp")] == [True, True, True, False]
    assert [is_envelope(name) for name in ("f_port", "fCnt", "temp")] == [True, True, False]


def test_columns_of_names_and_values() -> None:
    assert [metric_name_score(name) for name in ("Parameter", "entity_id", "sensor", "temp")] == [3.0, 3.0, 1.0, 0.0]
    assert [value_rank(name) for name in ("value", "_value", "state", "temp")] == [0, 0, 1, -1]
