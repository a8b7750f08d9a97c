"""Choose how long a rule learns, by how long the recording is."""

from dataclasses import dataclass
from typing import Final

from pipeline.suggest.profile import MetricProfile
from pipeline.suggest.round_numbers import MINUTE_US, longer_duration, shorter_duration
from telemetry.text.durations import format_duration, spoken_duration

_LEAST_US: Final = 10 * MINUTE_US
_LEAST_READINGS: Final = 100
_OF_SHORT: Final = 4
"""Of a short recording a rule learns from a quarter, and is tried on the others."""


@dataclass(frozen=True, slots=True)
class LearningTime:
    """How long a rule learns.

    Attributes:
        time_us: microseconds.
        field: what to write into the rule; "" if it has this time without it.
        note: a sentence about a time that is shorter than it should be; "" for none.
    """

    time_us: int
    field: str
    note: str


def learning_time(
    metric: MetricProfile, without_us: int, wanted_us: int | None = None, interval_us: float | None = None
) -> LearningTime | None:
    """Return how long a rule learns; None if the recording is too short to learn from it and to try what was learned.

    Args:
        metric: what the rule is about.
        without_us: what the rule has if nothing is written.
        wanted_us: what it should have; None for the same.
        interval_us: time between two values that are judged; None for readings.
    """
    interval_us = metric.interval_us if interval_us is None else interval_us
    enough_us = _LEAST_READINGS * interval_us
    wanted_us = max(without_us if wanted_us is None else wanted_us, longer_duration(enough_us))
    if metric.span_us >= 2 * wanted_us:
        return LearningTime(wanted_us, "" if wanted_us == without_us else format_duration(wanted_us), "")
    time_us = shorter_duration(metric.span_us / _OF_SHORT)
    if time_us < max(_LEAST_US, enough_us):
        return None
    written = format_duration(time_us)
    note = (
        f"It learns for {written}, as a device was recorded for {spoken_duration(metric.span_us)}; better: "
        f"`learn: {format_duration(wanted_us)}`."
    )
    return LearningTime(time_us, written, note)
