"""Read the readings of a test."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from telemetry.arrays import FloatArray
from telemetry.rules.conditions import Silence
from telemetry.rules.fields import Fields, shown
from telemetry.rules.rule_set import RuleSet
from transforms.incidents.rule_tests.notation import read_notation
from transforms.incidents.watched_rows import WatchedRows


@dataclass(frozen=True, slots=True)
class _DeviceSeries:
    """Readings of one device: values (N,) of each metric, NaN where missing."""

    device: str
    values: dict[str, FloatArray]

    @property
    def length(self) -> int:
        return max(map(len, self.values.values()))

    def value(self, metric: str) -> FloatArray:
        """Return the values of a metric, (N,), missing where it has none."""
        values = np.full(self.length, np.nan)
        given = self.values.get(metric)
        if given is not None:
            values[: len(given)] = given
        return values


def parse_series(fields: Fields, rules: RuleSet, start_us: int, interval_us: int) -> tuple[WatchedRows, int]:
    """Return the readings of a test, in order of time, and the number of times that its longest series has.

    A device sends at a time if it has a value of any metric then.

    Args:
        fields: of the test.
        rules: that it tests.
        start_us: time of the first readings, microseconds UTC.
        interval_us: time between two readings, microseconds.

    Raises:
        RuleError: if it is no list of series, names a device twice, or has a metric that no rule looks at.
    """
    found: list[_DeviceSeries] = []
    for entry in fields.mappings("series", "{device: a, temp: 20 20 31x5}"):
        one = _series(entry, rules)
        if any(other.device == one.device for other in found):
            entry.refuse(f"{entry.label('device')} {shown(one.device)} is there twice", "device")
        found.append(one)
    rows = _rows(found, rules.metrics, start_us, interval_us)
    order = np.argsort(rows.event_us, kind="stable")
    return rows.select(order), max(one.length for one in found)


def _series(fields: Fields, rules: RuleSet) -> _DeviceSeries:
    device = fields.get("device")
    if not isinstance(device, str) or not device:
        fields.refuse(f"{fields.label('device')} must be a name, not {shown(device)}", "device")
    if not any(isinstance(rule.condition, Silence) and not rule.metric for rule in rules.rules):
        fields.expect(("device", *rules.metrics))  # else any metric shows that the device is alive
    values = {name: _values(fields, name) for name in fields.names if name != "device"}
    if not values:
        fields.refuse(f"{fields.label('device')} {shown(device)} has no series of a metric, such as temp: 20x5")
    return _DeviceSeries(device, values)


def _values(fields: Fields, metric: str) -> FloatArray:
    text = fields.get(metric)
    if not isinstance(text, str):
        fields.refuse(f"{fields.label(metric)} must be text such as '20 31x5', not {shown(text)}", metric)
    try:
        return read_notation(text)
    except ValueError as error:
        fields.refuse(f"{fields.label(metric)}: {error}", metric)


def _rows(series: Sequence[_DeviceSeries], metrics: Sequence[str], start_us: int, interval_us: int) -> WatchedRows:
    device, step, values = [], [], []
    for number, one in enumerate(series):
        present = ~np.isnan(np.array([one.value(metric) for metric in one.values])).all(axis=0)
        sent = np.flatnonzero(present)
        device.append(np.full(len(sent), number, np.int32))
        step.append(sent)
        values.append(np.array([one.value(metric)[sent] for metric in metrics]).reshape(len(metrics), len(sent)))
    return WatchedRows(
        tuple(metrics),
        tuple(one.device for one in series),
        np.concatenate(device),
        start_us + np.concatenate(step) * interval_us,
        np.concatenate(values, axis=1),
    )
