"""Estimate how long a replay at the recorded pace takes, before it begins."""

from typing import Final

from publisher.csv_blocks import STDIN
from publisher.json_lines import NO_TIME
from publisher.replay.recording import Recording
from telemetry.arrays import IntArray

_LONG_US: Final = 3_600_000_000


def announcement(recording: Recording, speed: float) -> str | None:
    """Return one line about a replay that takes more than an hour; None for a shorter one, or an unknown length.

    Args:
        recording: the rows that are replayed.
        speed: factor on the recorded pace.

    Raises:
        ConfigError: if an input cannot be read.
        InputError: if an input is damaged.
    """
    span_us = recorded_span_us(recording)
    if span_us is None or span_us * recording.loop / speed <= _LONG_US:
        return None
    minutes = round(span_us * recording.loop / speed / 60_000_000)
    pace = "the recorded pace" if speed == 1 else f"{speed:g} times the recorded pace"
    return f"at {pace} this takes {minutes // 60} h {minutes % 60} min; --speed max publishes without waiting"


def recorded_span_us(recording: Recording) -> int | None:
    """Return the event time between the first row and the last, microseconds; None if it cannot be known.

    Without a limit only the beginning and the ends of the files are parsed, for rows are usually in order of time.

    Raises:
        ConfigError: if an input cannot be read.
        InputError: if an input is damaged.
    """
    if STDIN in recording.inputs:
        return None
    first_us = last_us = None
    for lines in recording.read_as_is():
        first_us, last_us = _join(lines.times, first_us, last_us)
        if recording.selection.limit is None and first_us is not None:
            break
    if recording.selection.limit is None:
        for path in recording.inputs:
            first_us, last_us = _join(recording.reader.last_times(path), first_us, last_us)
        end_us = recording.selection.end_us
        last_us = last_us if last_us is None or end_us is None else min(last_us, end_us)
        start_us = recording.selection.start_us
        first_us = first_us if first_us is None or start_us is None else max(first_us, start_us)
    return None if first_us is None or last_us is None else max(0, last_us - first_us)


def _join(times: IntArray, first_us: int | None, last_us: int | None) -> tuple[int | None, int | None]:
    known = times[times != NO_TIME]
    if not len(known):
        return first_us, last_us
    low, high = int(known.min()), int(known.max())
    return (low if first_us is None else min(low, first_us)), (high if last_us is None else max(high, last_us))
