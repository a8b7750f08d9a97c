"""Convert the data frames and arrays passed to `plotting.notebook` to points and frames with UTC times.

Unusable input raises a `ValueError`. The argument `noun` names the input in its text: ``readings`` or ``windows``.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from plotting.data.downsample import TimesUs
from plotting.data.panels import Points, to_microseconds

TableInput = pd.DataFrame | Mapping[str, Any]
"""A data frame, or arrays of equal length by column name."""
TimesAndValues = tuple[Any, Any]
"""Times and values, two arrays of equal length."""
NOT_A_TIME: Final = int(np.datetime64("NaT").astype(np.int64))


def as_frame(data: Any) -> pd.DataFrame:
    """Return a data frame unchanged, and a mapping of arrays converted to one."""
    return data if isinstance(data, pd.DataFrame) else pd.DataFrame(dict(data))


def require_columns(frame: pd.DataFrame, names: Sequence[str], noun: str) -> None:
    """Raise a ValueError that names the columns which a frame lacks."""
    missing = [name for name in names if name not in frame]
    if missing:
        raise ValueError(f"{noun} without {', '.join(missing)}: they have {', '.join(map(str, frame)) or 'no column'}")


def single_series(frame: pd.DataFrame, metric: str, noun: str) -> pd.DataFrame:
    """Return the rows of the metric; raise a ValueError if several devices or metrics remain."""
    if metric and "metric" in frame:
        frame = frame[frame["metric"] == metric]
    for name in ("device", "metric"):
        several = sorted(map(str, frame[name].unique())) if name in frame else []
        if len(several) > 1:
            raise ValueError(f"{noun} of {len(several)} {name}s: choose one of {', '.join(several)}")
    return frame


def read_points(data: Any, metric: str, names: Sequence[str], noun: str) -> tuple[Points, str]:
    """Return times and values, and the name of the column that the times were read from."""
    if isinstance(data, tuple):
        times, values = data
        name = "time"
    else:
        frame = single_series(as_frame(data), metric, noun)
        name = next((name for name in names if name in frame), names[0])
        value = metric if "value" not in frame and metric in frame else "value"
        require_columns(frame, (name, value), noun)
        times, values = frame[name], frame[value]
    points = Points(read_times(times), np.asarray(values, dtype=np.float64))
    if points.times.shape != points.values.shape or points.times.ndim != 1:
        raise ValueError(f"{noun}: times of shape {points.times.shape}, values of shape {points.values.shape}")
    return points, name


def read_times(times: Any) -> TimesUs:
    """Return microseconds since the epoch, UTC; `NOT_A_TIME` for each missing time."""
    series = pd.Series(times)
    if pd.api.types.is_integer_dtype(series.dtype):
        whole: TimesUs = series.to_numpy(np.int64)
        return whole
    if not len(series):
        return np.empty(0, dtype=np.int64)
    if pd.api.types.is_numeric_dtype(series.dtype):
        raise ValueError("times are datetime64 or integer microseconds since the epoch, not fractions")
    return to_microseconds(pd.to_datetime(series, utc=True))


def with_utc_times(frame: pd.DataFrame, names: Sequence[str], times: Sequence[str], noun: str) -> pd.DataFrame:
    """Return a frame with its `times` columns as UTC datetimes, without the rows that lack one."""
    require_columns(frame, (*names, *times), noun)
    stamps = {name: read_times(frame[name]) for name in times}
    known = np.all([part != NOT_A_TIME for part in stamps.values()], axis=0)
    columns = {name: pd.Series(part.view("M8[us]"), frame.index).dt.tz_localize("UTC") for name, part in stamps.items()}
    return frame.assign(**columns).iloc[np.flatnonzero(known)]


def finite_points(points: Points) -> Points:
    """Return the points with a time and a finite value."""
    known = np.isfinite(points.values) & (points.times != NOT_A_TIME)
    return Points(points.times[known], points.values[known])
