"""Measure how fast counters grow, in a second pass over a recording: between the ends of blocks of time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from pipeline.backtest.time_order import TimeOrder
from pipeline.suggest.moments import Moments, moments_of
from telemetry.arrays import CodeArray, FloatArray, IntArray
from transforms.incidents.time_slices import SLICE_ROWS
from transforms.series.track import NONE_US, starts_of

_MOST_RATES: Final = 200_000


@dataclass(frozen=True, slots=True)
class CounterRates:
    """How fast a counter grows. Rates are in units of the metric for each microsecond.

    Attributes:
        over_us: time over which it was measured, microseconds.
        slow: rate that 0.1 % of all rates are below; NaN without a rate, as the others.
        median: of the rates.
        fast: rate that 99.9 % are below.
    """

    over_us: int
    slow: float
    median: float
    fast: float


class _Blocks:
    """The rates of one metric between the ends of consecutive blocks; a fall, which is a reset, is none.

    `_ends` and `_lasts` hold time and value (S,) of the end of each series' last closed block, and of its last row.
    """

    def __init__(self, over_us: int) -> None:
        self.over_us = over_us
        self._ends = self._lasts = (np.empty(0, np.int64), np.empty(0))
        self._rates: list[FloatArray] = []

    def figures(self) -> CounterRates:
        rates = np.concatenate([np.empty(0), *self._rates])
        if not len(rates):
            return CounterRates(self.over_us, np.nan, np.nan, np.nan)
        slow, median, fast = map(float, np.quantile(rates, (0.001, 0.5, 0.999)))
        return CounterRates(self.over_us, slow, median, fast)

    def add(self, device: CodeArray, moments: Moments, value: FloatArray, devices: int) -> None:
        new = devices - len(self._lasts[0])
        self._ends, self._lasts = (
            (np.pad(time_us, (0, new), constant_values=NONE_US), np.pad(values, (0, new)))
            for time_us, values in (self._ends, self._lasts)
        )
        rows = np.flatnonzero(~np.isnan(value))
        if not len(rows):
            return
        slots = np.unique(device[rows])
        ended, carried = (slots[state[0][slots] != NONE_US] for state in (self._ends, self._lasts))
        series = np.concatenate([ended, carried, device[rows]])
        time_us = np.concatenate([self._ends[0][ended], self._lasts[0][carried], moments.time_us[rows]])
        values = np.concatenate([self._ends[1][ended], self._lasts[1][carried], value[rows]])
        order = np.lexsort((time_us, series))
        series, time_us, values = series[order], time_us[order], values[order]
        block = time_us // self.over_us
        is_end = np.zeros(len(series), np.bool_)
        is_end[:-1] = (series[1:] == series[:-1]) & (block[1:] != block[:-1])
        self._take(series[is_end], time_us[is_end], values[is_end], block[is_end])
        last = np.append(starts_of(series)[1:], len(series)) - 1
        self._lasts[0][series[last]], self._lasts[1][series[last]] = time_us[last], values[last]

    def _take(self, series: CodeArray, time_us: IntArray, values: FloatArray, block: IntArray) -> None:
        follows = (series[1:] == series[:-1]) & (block[1:] == block[:-1] + 1)
        rates = np.diff(values)[follows] / np.diff(time_us)[follows]
        self._rates.append(rates[rates >= 0])
        if sum(map(len, self._rates)) > _MOST_RATES:
            self._rates = [np.concatenate(self._rates)[::2]]
        if len(series):
            last = np.append(starts_of(series)[1:], len(series)) - 1
            self._ends[0][series[last]], self._ends[1][series[last]] = time_us[last], values[last]


def measure_rates(
    order: TimeOrder, metrics: Sequence[str], times: Mapping[str, Sequence[int]], slice_rows: int = SLICE_ROWS
) -> dict[str, list[CounterRates]]:
    """Return the rates of counters.

    Args:
        order: all readings.
        metrics: of the readings.
        times: for each counter the times over which its rates are measured, microseconds.
        slice_rows: about how many readings are looked at a time. It makes no difference.
    """
    blocks = {name: [_Blocks(over_us) for over_us in some] for name, some in times.items()}
    numbers: dict[str, int] = {}
    for part in order.slices(slice_rows) if blocks else ():
        codes = [numbers.setdefault(name, len(numbers)) for name in part.rows.devices]
        moments = moments_of(part.rows, np.array(codes, np.int32))
        for name, some in blocks.items():
            for one in some:
                one.add(moments.device, moments, moments.values[metrics.index(name)], len(numbers))
    return {name: [one.figures() for one in some] for name, some in blocks.items()}
