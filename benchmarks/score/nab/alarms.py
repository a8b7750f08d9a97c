"""Place alarms at rows: those of incidents, and blind ones."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from benchmarks.score.nab.series import LabelledSeries


def alarms_of_incidents(
    corpus: Sequence[LabelledSeries], opened_us: Mapping[str, Iterable[int]]
) -> dict[str, NDArray[np.bool_]]:
    """Return the rows at which incidents opened, by name of the series.

    Args:
        corpus: the series.
        opened_us: event times at which incidents of each series opened, microseconds.
    """
    return {series.name: alarm_rows(series, opened_us.get(series.name, ())) for series in corpus}


def alarm_rows(series: LabelledSeries, times_us: Iterable[int]) -> NDArray[np.bool_]:
    """Return whether there is an alarm at each row.

    An alarm belongs to the first row of its time. One between two rows, as at the end of a window of the rules, is told
    with the next reading, so it belongs to that row; one after the last row belongs to the last.
    """
    alarms = np.zeros(len(series), np.bool_)
    if len(series):
        times, rows = np.unique(series.times_us, return_index=True)
        found = np.searchsorted(times, np.array(list(times_us), np.int64))
        alarms[rows[np.minimum(found, len(times) - 1)]] = True
    return alarms


def blind_alarms(series: LabelledSeries) -> NDArray[np.bool_]:
    """Return an alarm at every twentieth of the rows, whatever their values are."""
    alarms = np.zeros(len(series), np.bool_)
    alarms[:: max(len(series) // 20, 1)] = True
    return alarms
