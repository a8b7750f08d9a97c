"""The column that people most probably mean."""

import pytest

from telemetry.feed.files.likely_columns import likely_device, likely_time, similar_column


@pytest.mark.parametrize(
    ("columns", "times", "device"),
    [
        ("timestamp,device_id,temperature", ("timestamp",), ("device_id",)),
        ("entity_id,state,last_changed", ("last_changed",), ("entity_id",)),
        ("id,room_id/id,noted_date,temp,out/in", ("noted_date",), ("room_id/id",)),
        ("Date,Time,CO(GT),T", ("Date", "Time"), ()),
        ("datetime,Current,Pressure", ("datetime",), ()),
        ("_time,_value,host", ("_time",), ("host",)),
        ("Timestamp (UTC),Sensor ID,Temp [°C]", ("Timestamp (UTC)",), ("Sensor ID",)),
        ("reading,mote_id,humidity", (), ("mote_id",)),
        ("Measurement Time,Station Name", ("Measurement Time",), ("Station Name",)),
        ("timestmp,devcie", ("timestmp",), ("devcie",)),
        ("created_at,entry_id,field1,name", ("created_at",), ("name",)),
        ("temp,humidity", (), ()),
        (",,", (), ()),
    ],
)
def test_likely_columns(columns: str, times: tuple[str, ...], device: tuple[str, ...]) -> None:
    assert likely_time(columns.split(",")) == times
    assert likely_device(columns.split(",")) == device


def test_similar_columns() -> None:
    assert similar_column("recieved_at", ["received_at", "time"]) == ("received_at",)
    assert similar_column("ts", ["temp", "smoke"]) == ()
