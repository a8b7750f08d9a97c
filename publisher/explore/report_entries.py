"""Build the entries of a report from the accumulated statistics."""

from collections.abc import Sequence

import numpy as np

from publisher.explore.report import DeviceEntry, GapEntry, MetricEntry, RuleEntry, TimeSpan
from publisher.explore.timelines import Gap, Timelines
from publisher.explore.values import MetricStats
from telemetry.arrays import IntArray
from telemetry.model.metric_info import MetricCatalog
from telemetry.rules.rule import Rule
from telemetry.text.timestamps import format_time


def time_span(together: Timelines, by_device: Timelines, devices: Sequence[str]) -> TimeSpan:
    """Summarise the times of all readings.

    Args:
        together: one timeline of all readings.
        by_device: one timeline per device.
        devices: name of each timeline of `by_device`.
    """
    has_readings = len(together) > 0
    first, last = (int(together.first_us[0]), int(together.last_us[0])) if has_readings else (None, None)
    return TimeSpan(
        first_time=None if first is None else format_time(first),
        last_time=None if last is None else format_time(last),
        seconds=0.0 if first is None or last is None else (last - first) / 1e6,
        out_of_order=int(together.steps_back.sum()),
        furthest_back_seconds=together.furthest_back_us / 1e6,
        gaps=[_gap_entry(gap, None) for gap in together.gaps],
        device_gaps=[_gap_entry(gap, devices[gap.timeline]) for gap in by_device.gaps],
    )


def device_entries(by_device: Timelines, devices: Sequence[str], readings: int, top: int) -> list[DeviceEntry]:
    """Summarise the `top` devices with the most readings.

    Args:
        by_device: one timeline per device.
        devices: name of each timeline.
        readings: number of readings of all devices.
        top: most entries to return.
    """
    indices = np.argsort(-by_device.readings, kind="stable")[:top].tolist()
    return [
        DeviceEntry(
            device=devices[index],
            readings=int(by_device.readings[index]),
            share=int(by_device.readings[index]) / readings,
            usual_interval_seconds=None if (usual := by_device.usual_us(index)) is None else round(usual) / 1e6,
            longest_gap_seconds=int(by_device.longest_us[index]) / 1e6,
            out_of_order=int(by_device.steps_back[index]),
            first_time=format_time(int(by_device.first_us[index])),
            last_time=format_time(int(by_device.last_us[index])),
        )
        for index in indices
    ]


def metric_entry(name: str, stats: MetricStats, readings: int, unit: str) -> MetricEntry:
    """Summarise one metric; `readings` is the number of all readings, `unit` is "" for none."""
    is_known = stats.count > 0
    return MetricEntry(
        metric=name,
        unit=unit or None,
        values=stats.count,
        missing=readings - stats.count - stats.unread,
        not_numbers=stats.not_numbers,
        min=stats.min if is_known else None,
        mean=stats.mean if is_known else None,
        max=stats.max if is_known else None,
    )


def rule_entry(rule: Rule, flagged: IntArray, readings: int, catalog: MetricCatalog) -> RuleEntry:
    """Summarise one rule.

    Args:
        rule: the rule.
        flagged: (D,) number of flagged readings by device.
        readings: number of all readings.
        catalog: units of the metrics.
    """
    bound = f"{rule.threshold:g}" if rule.threshold_upper is None else f"[{rule.threshold:g}, {rule.threshold_upper:g}]"
    condition = f"{rule.metric} {rule.comparison} {bound} {catalog.unit_of_values(rule.metric)}".rstrip()
    if rule.overrides:
        number = len(rule.overrides)
        condition += f" ({number:,} device{'s have bounds of their' if number > 1 else ' has bounds of its'} own)"
    total = int(flagged.sum())
    return RuleEntry(
        rule_id=rule.id,
        severity=rule.severity,
        condition=condition,
        readings=total,
        share=total / readings if readings else 0.0,
        devices=int(np.count_nonzero(flagged)),
    )


def _gap_entry(gap: Gap, device: str | None) -> GapEntry:
    return GapEntry(gap.length_us / 1e6, format_time(gap.start_us), format_time(gap.start_us + gap.length_us), device)
