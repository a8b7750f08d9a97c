"""What people hand to `plotting.notebook`, data frames or arrays, as what is drawn; `ValueError` for what cannot be.

`what` is the word for it in the text of an error.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from plotting.data.panels import Points, micros
from plotting.data.reduce import Times

FrameLike = pd.DataFrame | Mapping[str, Any]
"""A data frame, or arrays of one length by the name of their column."""
Pair = tuple[Any, Any]
"""Times and values, two arrays of one length."""
NOT_A_TIME: Final = int(np.datetime64("NaT").astype(np.int64))


def as_frame(data: Any) -> pd.DataFrame:
    """Return a data frame as it is, and anything else as one."""
    return data if isinstance(data, pd.DataFrame) else pd.DataFrame(dict(data))


def need(frame: pd.DataFrame, names: Sequence[str], what: str) -> None:
    """Raise a ValueError if a frame lacks one of some columns."""
    missing = [name for name in names if name not in frame]
    if missing:
        raise ValueError(f"{what} without {', '.join(missing)}: they have {', '.join(map(str, frame)) or 'no column'}")


def one_course(frame: pd.DataFrame, metric: str, what: str) -> pd.DataFrame:
    """Return the rows of the metric; refuse what would be two courses in one."""
    if metric and "metric" in frame:
        frame = frame[frame["metric"] == metric]
    for name in ("device", "metric"):
        several = sorted(map(str, frame[name].unique())) if name in frame else []
        if len(several) > 1:
            raise ValueError(f"{what} of {len(several)} {name}s: choose one of {', '.join(several)}")
    return frame


def points_of(data: Any, metric: str, names: Sequence[str], what: str) -> tuple[Points, str]:
    """Return times and values, and the name of the column of the times."""
    if isinstance(data, tuple):
        times, values = data
        name = "time"
    else:
        frame = one_course(as_frame(data), metric, what)
        name = next((name for name in names if name in frame), names[0])
        value = metric if "value" not in frame and metric in frame else "value"
        need(frame, (name, value), what)
        times, values = frame[name], frame[value]
    points = Points(times_of(times), np.asarray(values, dtype=np.float64))
    if points.times.shape != points.values.shape or points.times.ndim != 1:
        raise ValueError(f"{what}: times of shape {points.times.shape}, values of shape {points.values.shape}")
    return points, name


def times_of(times: Any) -> Times:
    """Return microseconds since the epoch, UTC; `NOT_A_TIME` where there is none."""
    series = pd.Series(times)
    if pd.api.types.is_integer_dtype(series.dtype):
        whole: Times = series.to_numpy(np.int64)
        return whole
    if not len(series):
        return np.empty(0, dtype=np.int64)
    if pd.api.types.is_numeric_dtype(series.dtype):
        raise ValueError("times are datetime64 or integer microseconds since the epoch, not fractions")
    return micros(pd.to_datetime(series, utc=True))


def with_times(frame: pd.DataFrame, names: Sequence[str], times: Sequence[str], what: str) -> pd.DataFrame:
    """Return a frame with its times as datetimes, UTC; rows without one are left out."""
    need(frame, (*names, *times), what)
    stamps = {name: times_of(frame[name]) for name in times}
    known = np.all([part != NOT_A_TIME for part in stamps.values()], axis=0)
    columns = {name: pd.Series(part.view("M8[us]"), frame.index).dt.tz_localize("UTC") for name, part in stamps.items()}
    return frame.assign(**columns).iloc[np.flatnonzero(known)]


def finite(points: Points) -> Points:
    """Return the points that have a time and a finite value."""
    known = np.isfinite(points.values) & (points.times != NOT_A_TIME)
    return Points(points.times[known], points.values[known])
