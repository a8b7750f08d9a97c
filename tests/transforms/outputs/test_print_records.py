import functools

import msgspec
import pytest

from telemetry.feed.default_feed import DEFAULT_CATALOG
from telemetry.model.metric_info import MetricCatalog, MetricInfo
from telemetry.model.record_batches import from_records
from telemetry.model.records import Anomaly
from tests.support.records import batch_of, transition
from transforms.outputs.print_records import _Print, anomaly_lines, incident_lines

HOT = Anomaly(
    anomaly_id="id",
    rule_id="temp-high",
    severity="critical",
    device="b8:27:eb",
    metric="temp",
    value=30.6,
    threshold=30.0,
    threshold_upper=None,
    comparison="above",
    event_time=1_594_512_094_385_975,
    source_time=0,
    message_id="m1",
    rules_version="v",
)
LINE = "2020-07-12T00:01:34.385975Z  temp 30.6 °C above 30  device b8:27:eb  (temp-high, critical)"


def line_of(**changes) -> str:
    (line,) = anomaly_lines(from_records(Anomaly, [msgspec.structs.replace(HOT, **changes)]), DEFAULT_CATALOG)
    return line.removeprefix("2020-07-12T00:01:34.385975Z  ")


def test_an_anomaly_is_one_line_of_time_and_value():
    assert anomaly_lines(from_records(Anomaly, [HOT]), DEFAULT_CATALOG) == [LINE]


@pytest.mark.parametrize(
    ("changes", "start"),
    [
        ({"metric": "humidity", "value": 3.25, "comparison": "below", "threshold": 5.5}, "humidity 3.25 % below 5.5  "),
        ({"threshold_upper": 31.0, "comparison": "inside"}, "temp 30.6 °C inside [30, 31]  "),
        ({"threshold": -1.0, "threshold_upper": 0.0, "comparison": "outside"}, "temp 30.6 °C outside [-1, 0]  "),
        ({"metric": "pressure", "value": 1013.0, "threshold": 1000.0}, "pressure 1013 above 1000  "),
        ({"device": "Küche 2"}, "temp 30.6 °C above 30  device Küche 2  "),
        ({"device": "a\nb\x1b[2J"}, "temp 30.6 °C above 30  device 'a\\nb\\x1b[2J'  "),
        ({"severity": "info", "rule_id": "r.1"}, "temp 30.6 °C above 30  device b8:27:eb  (r.1, info)"),
    ],
)
def test_unit_bound_and_device_are_named(changes, start):
    assert line_of(**changes).startswith(start)
    assert line_of(**changes).isprintable()


def test_units_are_those_of_the_catalog():
    catalog = MetricCatalog({"Temp, °C": MetricInfo("°F", "Temperature"), "door": MetricInfo("", "Door", True)})
    one, two = (msgspec.structs.replace(HOT, metric=name, value=1.0) for name in ("Temp, °C", "door"))
    three = msgspec.structs.replace(HOT, metric="a\x1b[2J")
    assert [line.split("  ")[1] for line in anomaly_lines(from_records(Anomaly, [one, two, three, HOT]), catalog)] == [
        "Temp, °C 1 °F above 30",
        "door 1 above 30",
        "'a\\x1b[2J' 30.6 above 30",
        "temp 30.6 above 30",
    ]


def test_lines_are_in_the_order_of_the_batch():
    early = msgspec.structs.replace(HOT, event_time=0)
    assert anomaly_lines(from_records(Anomaly, [HOT, early]), DEFAULT_CATALOG) == [
        LINE,
        LINE.replace("2020-07-12T00:01:34.385975Z", "1970-01-01T00:00:00.000000Z"),
    ]
    assert anomaly_lines(from_records(Anomaly, [])) == []


def test_lines_go_to_standard_output(capsys):
    _Print(functools.partial(anomaly_lines, catalog=DEFAULT_CATALOG)).process(from_records(Anomaly, [HOT, HOT]))
    assert capsys.readouterr().out == f"{LINE}\n{LINE}\n"


def test_openings_and_closings_have_lines_updates_have_none():
    closed = transition(2, state="closed", reason="clear", closed_at=1_594_512_120_000_000)
    assert incident_lines(batch_of(transition(), transition(1), closed)) == [
        "2020-07-12T00:00:00.000000Z  OPEN    critical  temp-high: temp of b8:27:eb above 30, value 30.5",
        "2020-07-12T00:02:00.000000Z  CLOSED  critical  temp-high: temp of b8:27:eb above 30, worst 32.5, lasted 2m",
    ]
