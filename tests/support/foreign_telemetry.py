"""Telemetry as people have it, in small, each sample with the feed that describes it."""

import base64
import gzip
import json
from collections.abc import Mapping
from typing import Any

from telemetry.feed.feed import CsvFields, DeviceFields, Feed, LongFields, MetricFields, TimeFields

FILE = DeviceFields(file=True)
CELSIUS = MetricFields(unit="°C")

TABLES: Mapping[str, tuple[str, Feed]] = {
    "canonical": (
        "ts,device,temp,motion\n1594512094,a,21.0,false\n1594512104,b,21.5,true\n",
        Feed(metrics={"temp": None, "motion": MetricFields(boolean=True)}),
    ),
    "other names": (
        "time,sensor_id,temperature\n2020-07-12T00:00:00Z,s1,21\n2020-07-12T00:01:00Z,s2,22\n",
        Feed(
            time=TimeFields(column="time"), device=DeviceFields(column="sensor_id"), metrics={"temperature": None}
        ),
    ),
    "names without a capital letter or a mark between": (
        "deviceid,eventtime,roomtemp\nd1,2020-07-12T00:00:00Z,21.5\nd2,2020-07-12T00:00:00Z,22.5\n",
        Feed(
            time=TimeFields(column="eventtime"), device=DeviceFields(column="deviceid"), metrics={"roomtemp": None}
        ),
    ),
    "no device, naive times": (
        "datetime;Flow;Pressure\n2021-01-02 10:14:33;32.0;0.05\n2021-01-02 10:14:34;32.1;0.38\n",
        Feed(
            csv=CsvFields(delimiter=";"),
            time=TimeFields(column="datetime", zone="UTC"),
            device=FILE,
            metrics={"Flow": None, "Pressure": None},
        ),
    ),
    "decimal commas, date and time apart, a code for missing values, empty columns": (
        "Date;Time;NO(X);T;;\n21/03/2005;18.00.00;2,6;13,6;;\n21/03/2005;19.00.00;2;13,3;;\n"
        "21/03/2005;20.00.00;-200;-200;;\n;;;;;\n",
        Feed(
            csv=CsvFields(delimiter=";", decimal=","),
            time=TimeFields(column=("Date", "Time"), zone="UTC", day_first=True),
            device=FILE,
            metrics={"NO(X)": None, "T": None},
            missing=(-200.0,),
        ),
    ),
    "a code in one column": (
        "ts,device,temp,co\n1594512094,a,20,4\n1594512104,a,-127,4\n1594512114,a,21,4\n",
        Feed(metrics={"temp": MetricFields(missing=(-127.0,)), "co": None}),
    ),
    "texts in place of numbers": (
        "ts,device,temp\n1594512094,a,20\n1594512104,a,broken\n1594512114,a,broken\n1594512124,a,21\n",
        Feed(metrics={"temp": None}, missing=("broken",)),
    ),
    "one value a row, one room": (
        "entity_id,state,last_changed\nsensor.attic_temperature,21.4,2024-05-01T10:00:00.000Z\n"
        "sensor.attic_humidity,48,2024-05-01T10:00:02.113Z\nbinary_sensor.gate,on,2024-05-01T10:02:10.000Z\n"
        "sensor.attic_temperature,unavailable,2024-05-01T10:01:00.500Z\n",
        Feed(
            time=TimeFields(column="last_changed"),
            device=DeviceFields(name="attic"),
            metrics={
                "temperature": MetricFields(column="sensor.attic_temperature"),
                "humidity": MetricFields(column="sensor.attic_humidity"),
                "gate": MetricFields(column="binary_sensor.gate", boolean=True),
            },
            long=LongFields("entity_id", "state"),
        ),
    ),
    "one value a row, two rooms": (
        "entity_id,state,last_changed\nsensor.attic_temperature,21.4,2024-05-01T10:00:00.000Z\n"
        "sensor.bath_temperature,22,2024-05-01T10:00:02.113Z\nsensor.bath_relative_humidity,50,2024-05-01T10:02:10Z\n",
        Feed(
            time=TimeFields(column="last_changed"),
            device=DeviceFields(column="entity_id", match=r"^(?:[a-z_]+\.)?(.+)_(?:relative_humidity|temperature)$"),
            metrics={"temperature": None, "relative_humidity": None},
            long=LongFields("entity_id", "state", "_(relative_humidity|temperature)$"),
        ),
    ),
    "one value a row, with its unit, and coordinates": (
        "station,utc,local,parameter,value,unit,latitude\n"
        "S1,2020-07-12T00:00:00Z,2020-07-12T02:00:00+02:00,pm25,12.1,µg/m³,41.9\n"
        "S1,2020-07-12T00:00:00Z,2020-07-12T02:00:00+02:00,no2,22.1,ppb,41.9\n",
        Feed(
            time=TimeFields(column="utc"),
            device=DeviceFields(column="station"),
            metrics={"pm25": MetricFields(unit="µg/m³"), "no2": MetricFields(unit="ppb")},
            long=LongFields("parameter", "value"),
        ),
    ),
    "a logger with four lines of header": (
        '"TOA5","S","CR800","1","OS","CPU","1","T"\n"TIMESTAMP","RECORD","AirTemp_C","WS_ms"\n'
        '"TS","RN","Deg C","m/s"\n"","","Avg","Avg"\n"2026-06-25 10:00:00",1,23.4,4.8\n'
        '"2026-06-25 10:10:00",2,"NAN",4.1\n',
        Feed(
            csv=CsvFields(header=2, skip=2),
            time=TimeFields(column="TIMESTAMP", zone="UTC"),
            device=FILE,
            metrics={"AirTemp_C": CELSIUS, "WS_ms": MetricFields(unit="m/s")},
        ),
    ),
    "a logger with a title, units and the zone in its header": (
        '"Plot Title: 12"\n"#","Date Time, GMT-07:00","Temp, °C (LGR S/N: 1, SEN S/N: 1)"\n'
        "1,06/27/14 10:00:00 AM,21.963\n2,06/27/14 10:15:00 AM,22.1\n",
        Feed(
            csv=CsvFields(header=2),
            time=TimeFields(column="Date Time, GMT-07:00", zone="-07:00", day_first=False),
            device=FILE,
            metrics={"Temp": MetricFields(column="Temp, °C (LGR S/N: 1, SEN S/N: 1)", unit="°C")},
        ),
    ),
    "lines before the header": (
        "version=1.0\nfile created: today\n\ntimestamp,type,name,status\n2020-11-23T08:19:27+10:00,Reader,R2,1\n"
        "2020-11-04T13:23:04+10:00,Reader,R3,0\n",
        Feed(
            csv=CsvFields(header=4),
            time=TimeFields(column="timestamp"),
            device=DeviceFields(column="name"),
            metrics={"status": None},
        ),
    ),
    "no header": (
        "1553424480,nan,14.4,0\n1553424540,nan,12.35,0\n1553424600,nan,12.2,0\n",
        Feed(
            csv=CsvFields(header=0, columns=("c1", "c2", "c3", "c4")),
            time=TimeFields(column="c1"),
            device=FILE,
            metrics={"c2": None, "c3": None, "c4": None},
        ),
    ),
    "a comment is the header": (
        "# time temp\n1594512094 21.5\n1594512104 22.5\n",
        Feed(
            csv=CsvFields(delimiter=" ", header=0, columns=("time", "temp"), comment="#"),
            time=TimeFields(column="time"),
            device=FILE,
            metrics={"temp": None},
        ),
    ),
    "comments before the header and between rows": (
        "# logger\nts,device,temp\n1594512094,a,21.5\n# restart\n1594512104,a,22.5\n",
        Feed(csv=CsvFields(header=2, comment="#"), metrics={"temp": None}),
    ),
    "the first column has no name": (
        ",temp\n2020-01-01T00:00:00Z,21.5\n2020-01-01T00:01:00Z,21.6\n",
        Feed(time=TimeFields(column="column 1"), device=FILE, metrics={"temp": None}),
    ),
    "rows have a number that the header leaves out": (
        '"date","Light"\n"1","2015-02-04 17:51:00Z",426\n"2","2015-02-04 17:51:59Z",429.5\n',
        Feed(
            csv=CsvFields(columns=("row", "date", "Light")),
            time=TimeFields(column="date"),
            device=FILE,
            metrics={"Light": None},
        ),
    ),
    "spaces, tabs": (
        "ts\t device\t temp\n1594512094\t a\t 21.0\n1594512104\t a\t 22.0\n",
        Feed(csv=CsvFields(delimiter="\t"), metrics={"temp": None}),
    ),
    "columns aligned by blanks": (
        "time        temp    hum\n1594512094  21.5    40\n1594512104  9.5     41\n",
        Feed(
            csv=CsvFields(delimiter=" "),
            time=TimeFields(column="time"),
            device=FILE,
            metrics={"temp": None, "hum": None},
        ),
    ),
    "decimal commas in quotes, between commas": (
        'ts,device,temp\n1594512094,a,"21,5"\n1594512104,a,"22,5"\n',
        Feed(csv=CsvFields(decimal=","), metrics={"temp": None}),
    ),
    "bars": (
        "ts|device|temp\n1594512094|a|21.0\n1594512104|a|22.0\n",
        Feed(csv=CsvFields(delimiter="|"), metrics={"temp": None}),
    ),
    "a name twice, rows of other lengths": (
        "ts,device,temp,temp\n1594512094,a,21.0,4\n1594512104,a,22.0\n1594512114,a,23.0,4,,\n1594512114,a,23.0,4\n",
        Feed(metrics={"temp": None, "temp_2": None}),
    ),
    "cells over two lines": (
        'ts,device,temp,note\n1594512094,a,21.0,"one\ntwo"\n1594512104,a,21.0,three\n',
        Feed(csv=CsvFields(multiline=True), metrics={"temp": None}),
    ),
    "units and thousands in cells": (
        'ts,device,temp,pressure\n1594512094,a,21.5 °C,"1,013.2"\n1594512104,a,31.5 °C,"1,013.4"\n',
        Feed(metrics={"temp": CELSIUS, "pressure": None}),
    ),
    "dates of a spreadsheet": (
        "ts,device,temp\n44025.5,a,21.0\n44025.50694,a,31.5\n",
        Feed(time=TimeFields(zone="UTC", unit="excel"), metrics={"temp": None}),
    ),
    "the day first, and an hour that comes twice": (
        "when,meter,kwh\n25-10-2020 00:30,m1,29\n25-10-2020 01:00,m1,30\n25-10-2020 01:30,m1,29\n"
        "25-10-2020 01:00,m1,29\n25-10-2020 01:30,m1,30\n",
        Feed(
            time=TimeFields(column="when", zone="Europe/London", day_first=True),
            device=DeviceFields(column="meter"),
            metrics={"kwh": MetricFields(unit="kWh")},
        ),
    ),
    "a counter instead of times": (
        "reading,mote_id,humidity\n1,1,45.9\n2,1,45.8\n3,1,45.7\n",
        Feed(
            time=TimeFields(start="2020-01-01T00:00:00Z", counter="reading"),
            device=DeviceFields(column="mote_id"),
            metrics={"humidity": None},
        ),
    ),
    "seconds that have passed": (
        "Elapsed (s),Force [N]\n0,1.5\n0.5,1.6\n1.0,1.7\n",
        Feed(
            time=TimeFields(start="2020-01-01T00:00:00Z", interval="1s", counter="Elapsed (s)"),
            device=FILE,
            metrics={"Force": MetricFields(column="Force [N]", unit="N")},
        ),
    ),
    "parts of the date": (
        "No,year,month,day,hour,TEMP\n1,2010,1,2,0,-11\n2,2010,1,2,1,-12\n",
        Feed(
            time=TimeFields(column=("year", "month", "day", "hour"), format="%Y %m %d %H", zone="UTC"),
            device=FILE,
            metrics={"TEMP": None},
        ),
    ),
    "a header alone": (
        "ts,device,temp,note\n",
        Feed(metrics={"temp": None}),
    ),
}  # fmt: skip
"""Text and feed of files of CSV, of the name logger.csv."""

TS = 1_594_512_094


def at(column: str, **fields: Any) -> MetricFields:
    return MetricFields(column=column, **fields)


RECORDS: Mapping[str, tuple[Any, Feed]] = {
    "canonical": ([{"ts": TS, "device": "a", "temp": 1.5}, {"ts": TS, "device": "b", "temp": 2}],
                  Feed(metrics={"temp": None})),
    "other names, numbers in quotes": (
        [{"stationId": 7, "timestamp": "2020-07-12T00:00:00Z", "temperature": "1.5", "ok": True}],
        Feed(
            time=TimeFields(column="timestamp"),
            device=DeviceFields(column="stationId"),
            metrics={"temperature": None, "ok": MetricFields(boolean=True)},
        ),
    ),
    "a list of readings in an object": (
        [{"device": "a", "readings": [{"ts": TS, "temp": 1.5}, {"ts": TS + 1, "temp": 2.5}]}],
        Feed(records="readings", metrics={"temp": None}),
    ),
    "a list of sensors with a value each": (
        [{"ts": TS, "device": "a", "sensors": [{"name": "temperature", "value": 1.5, "unit": "C"}]}],
        Feed(
            records="sensors",
            metrics={"temperature": MetricFields(unit="°C")},
            long=LongFields("name", "value"),
        ),
    ),
    "lists within a list": (
        [{"devices": [{"id": "d", "values": [{"t": TS, "temp": 1}, {"t": TS, "temp": 2}]}]}],
        Feed(
            records="devices.*.values.*",
            time=TimeFields(column="t"),
            device=DeviceFields(column="devices.id"),
            metrics={"temp": None},
        ),
    ),
    "lists of times and of values": (
        [{"id": "S1", "hourly": {"time": ["2020-07-12T00:00Z", "2020-07-12T01:00Z"], "temp": [1, None], "n": [3, 4]}}],
        Feed(
            time=TimeFields(column="hourly.time"),
            device=DeviceFields(column="id"),
            metrics={"temp": at("hourly.temp"), "n": at("hourly.n")},
        ),
    ),
    "an object of devices": (
        [{"d1": {"ts": TS, "temp": 1.5}, "d2": {"ts": TS, "temp": 2.5}}],
        Feed(records="*", device=DeviceFields(column="*"), metrics={"temp": None}),
    ),
    "an object of metrics with lists": (
        [{"temperature": [{"ts": TS, "value": "1.5"}], "humidity": [{"ts": TS, "value": "40"}]}],
        Feed(
            records="*.*",
            device=FILE,
            metrics={"temperature": None, "humidity": None},
            long=LongFields("*", "value"),
        ),
    ),
    "an entity with a value and metadata for each attribute": (
        [
            {
                "id": "urn:x:1",
                "dateObserved": {"type": "DateTime", "value": "2020-07-12T00:00:00Z"},
                "temperature": {"type": "Number", "value": 21.5, "metadata": {}},
            }
        ],
        Feed(
            time=TimeFields(column="dateObserved.value"),
            device=DeviceFields(column="id"),
            metrics={"temperature": at("temperature.value")},
        ),
    ),
    "types as an extended JSON writes them": (
        [{"_id": {"$oid": "5f"}, "ts": {"$date": "2020-07-12T00:00:00Z"}, "node": "a", "temp": {"$numberDouble": "2"}}],
        Feed(
            time=TimeFields(column="ts.$date"),
            device=DeviceFields(column="node"),
            metrics={"temp": at("temp.$numberDouble")},
        ),
    ),
    "states of a home": (
        [
            {
                "entity_id": "sensor.attic_temperature",
                "state": "21.4",
                "attributes": {"friendly_name": "Attic"},
                "last_changed": "2024-05-01T10:00:00+00:00",
                "last_updated": "2024-05-01T10:00:00+00:00",
            }
        ],
        Feed(
            time=TimeFields(column="last_changed"),
            device=DeviceFields(name="attic"),
            metrics={"temperature": at("sensor.attic_temperature")},
            long=LongFields("entity_id", "state"),
        ),
    ),
    "packs of one device": (
        [{"bn": "urn:dev:mac:01:", "bt": TS, "n": "temp", "u": "Cel", "v": 21.5}, {"n": "rh", "u": "%RH", "v": 40}],
        Feed(
            format="senml",
            time=TimeFields(column="t"),
            device=DeviceFields(name="urn:dev:mac:01"),
            metrics={"temp": at("urn:dev:mac:01:temp", unit="°C"), "rh": at("urn:dev:mac:01:rh", unit="%")},
            long=LongFields("n", "v"),
        ),
    ),
    "packs of two devices": (
        [
            {"bn": "urn:dev:mac:01:", "bt": TS, "n": "temp", "u": "Cel", "v": 21.5},
            {"bn": "urn:dev:mac:02:", "n": "temp", "u": "Cel", "v": 22},
        ],
        Feed(
            format="senml",
            time=TimeFields(column="t"),
            device=DeviceFields(column="n", match="^(.+):(?:temp)$"),
            metrics={"temp": MetricFields(unit="°C")},
            long=LongFields("n", "v", ":(temp)$"),
        ),
    ),
    "packs in which each name is a device": (
        [{"n": "urn:dev:ow:10e2073a01080063", "t": TS, "u": "Cel", "v": 23.1}],
        Feed(
            format="senml",
            time=TimeFields(column="t"),
            device=DeviceFields(column="n"),
            metrics={"value": at("v", unit="°C")},
        ),
    ),
}  # fmt: skip
"""Records and feed of files of JSON, of the name logger.json."""

UPLINK = {
    "end_device_ids": {"device_id": "d1", "application_ids": {"application_id": "app"}, "dev_eui": "0004A30B001C0530"},
    "correlation_ids": ["as:up:01"],
    "received_at": "2020-02-12T15:15:45.787Z",
    "uplink_message": {
        "f_port": 1,
        "f_cnt": 5,
        "frm_payload": "Gv8=",
        "decoded_payload": {"temp_c": 1.0, "luminosity": 0.64},
        "rx_metadata": [{"gateway_ids": {"gateway_id": "g"}, "time": "2020-02-12T15:15:45Z", "rssi": -35}],
        "settings": {"data_rate": {"lora": {"bandwidth": 125000}}, "frequency": "868300000", "timestamp": 2463457000},
        "received_at": "2020-02-12T15:15:45.7Z",
        "consumed_airtime": "0.056576s",
    },
}
EVENT = {"specversion": "1.0", "type": "x", "source": "/s", "subject": "a", "id": "1", "time": "2018-04-05T17:31:00Z"}
READING = json.dumps({"ts": TS, "device": "a", "temp": 1.5}).encode()

MESSAGES: Mapping[str, tuple[Any, Mapping[str, str], Feed]] = {
    "canonical, with the attributes of a replay": (
        READING,
        {"event_time": "1594512094000", "message_key": "x", "rows": "1", "run_id": "r"},
        Feed(metrics={"temp": None}),
    ),
    "the device in the attributes": (
        {"ts": TS, "temp": 1.5},
        {"deviceId": "s7", "deviceNumId": "2711", "deviceRegistryId": "r"},
        Feed(device=DeviceFields(attribute="deviceId"), metrics={"temp": None}),
    ),
    "time and device in the attributes": (
        {"temp": 1.5},
        {"ce-time": "2018-04-05T17:31:00Z", "ce-subject": "a", "ce-id": "1", "ce-specversion": "1.0"},
        Feed(
            time=TimeFields(attribute="ce-time"), device=DeviceFields(attribute="ce-subject"), metrics={"temp": None}
        ),
    ),
    "no time": (
        {"device": "s1", "temp": 1.5},
        {},
        Feed(time=TimeFields(publish=True), metrics={"temp": None}),
    ),
    "neither time nor device": (
        {"temp": 1.5},
        {},
        Feed(time=TimeFields(publish=True), device=DeviceFields(name="device"), metrics={"temp": None}),
    ),
    "an uplink of a LoRaWAN network": (
        UPLINK,
        {},
        Feed(
            time=TimeFields(column="received_at"),
            device=DeviceFields(column="end_device_ids.device_id"),
            metrics={
                "temp_c": at("uplink_message.decoded_payload.temp_c", unit="°C"),
                "luminosity": at("uplink_message.decoded_payload.luminosity"),
            },
        ),
    ),
    "an event in an envelope": (
        {**EVENT, "data": {"ts": TS, "device": "a", "temp": 1.5}},
        {"content-type": "application/cloudevents+json"},
        Feed(
            time=TimeFields(column="data.ts"),
            device=DeviceFields(column="data.device"),
            metrics={"temp": at("data.temp")},
        ),
    ),
    "an event in an envelope, its data in base64": (
        {**EVENT, "data_base64": base64.b64encode(b'{"temp": 1.5}').decode()},
        {},
        Feed(
            time=TimeFields(column="time"),
            device=DeviceFields(column="subject"),
            metrics={"temp": at("data_base64|base64|json.temp")},
        ),
    ),
    "JSON in a text of JSON": (
        {"device": "a", "time": "2020-07-12T00:00:00Z", "payload": '{"temp": 1.5, "hum": 40}'},
        {},
        Feed(
            time=TimeFields(column="time"),
            metrics={"temp": at("payload|json.temp"), "hum": at("payload|json.hum")},
        ),
    ),
    "a state that is reported": (
        {"state": {"reported": {"temp": 1.5}}, "metadata": {"reported": {"temp": {"timestamp": TS}}}, "timestamp": TS},
        {"deviceId": "q"},
        Feed(
            time=TimeFields(column="timestamp"),
            device=DeviceFields(attribute="deviceId"),
            metrics={"temp": at("state.reported.temp")},
        ),
    ),
    "equal names at two places, and a list of numbers": (
        {"ts": TS, "device": "a", "in": {"temp": 1}, "out": {"temp": 2}, "accel": [0.5, 9.5]},
        {},
        Feed(
            metrics={
                "in_temp": at("in.temp"),
                "out_temp": at("out.temp"),
                "accel_0": at("accel[0]"),
                "accel_1": at("accel[1]"),
            }
        ),
    ),
    "pairs of a value and a time": (
        {"target": "a.temp", "datapoints": [[21.5, TS], [22.5, TS + 10]]},
        {},
        Feed(
            records="datapoints",
            time=TimeFields(column="datapoints[1]"),
            device=DeviceFields(name="device"),
            metrics={"datapoints_0": at("datapoints[0]")},
        ),
    ),
    "packed in base64": (
        base64.b64encode(gzip.compress(READING)),
        {},
        Feed(body="base64|gzip", metrics={"temp": None}),
    ),
    "made JSON twice": (json.dumps(READING.decode()).encode(), {}, Feed(body="json-string", metrics={"temp": None})),
    "packed as attributes say": (gzip.compress(READING), {"content-encoding": "gzip"}, Feed(metrics={"temp": None})),
    "CSV with a header": (
        b"ts,device,temp\n1594512094,a,1.5\n",
        {},
        Feed(format="csv", metrics={"temp": None}),
    ),
    "CSV without a header": (
        b"1594512094,a,1.5\n1594512104,b,1.5\n",
        {},
        Feed(
            format="csv",
            csv=CsvFields(header=0, columns=("c1", "c2", "c3")),
            time=TimeFields(column="c1"),
            device=DeviceFields(column="c2"),
            metrics={"c3": None},
        ),
    ),
}  # fmt: skip
"""Payload or record, attributes and feed of messages."""
