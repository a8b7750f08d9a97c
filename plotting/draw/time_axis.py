"""Format the time axis: UTC, few and short ticks, month names in the language of the picture."""

import datetime as dt
from collections.abc import Sequence
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator
from matplotlib.ticker import Formatter

from plotting.data.downsample import TimesUs
from plotting.style.texts import Texts

DAY_US: Final = 86_400_000_000
_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MINUTE, _DAY, _MONTH = 1 / 1440, 1.0, 28.0  # days


def to_days(microseconds: TimesUs) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return Matplotlib dates: days since the epoch, UTC, accurate to about a microsecond."""
    return microseconds / DAY_US


class ShortDateFormatter(Formatter):
    """Formatter of short date ticks; the day or year they omit is written once at the end of the axis.

    Matplotlib's `ConciseDateFormatter` does the same, but takes the names of months from the locale of the process.
    """

    def __init__(self, texts: Texts) -> None:
        """Take the texts of the language."""
        self._texts = texts
        self._rest = ""

    def __call__(self, x: float, _pos: int | None = None) -> str:
        """Return the text of a single date, to the minute."""
        return self._tick(_moment(x), _MINUTE)

    def format_ticks(self, values: Sequence[float]) -> list[str]:
        """Return the text of each tick."""
        moments = [_moment(value) for value in values]
        step = min(np.diff(values), default=_DAY)
        self._rest = ""
        if moments and step < _MONTH:
            last = moments[-1]
            self._rest = str(last.year) if step > _DAY - _MINUTE else f"{self._day(last)} {last.year}"
        return [self._tick(moment, step) for moment in moments]

    def get_offset(self) -> str:
        """Return the day or year that the ticks omit."""
        return self._rest

    def _tick(self, moment: dt.datetime, step: float) -> str:
        if step >= _MONTH:
            return f"{self._texts.months[moment.month - 1]} {moment.year}"
        if step > _DAY - _MINUTE or _is_midnight(moment):
            return self._day(moment)
        if step >= _MINUTE * 0.99:
            return f"{moment:%H:%M}"
        return f"{moment:%H:%M:%S}" if step >= 0.99 / 86_400 else f"{moment:%H:%M:%S.%f}"[:-3]

    def _day(self, moment: dt.datetime) -> str:
        return f"{moment.day} {self._texts.months[moment.month - 1]}"


def _moment(days: float) -> dt.datetime:
    return _EPOCH + dt.timedelta(microseconds=round(days * DAY_US / 10) * 10)  # a double of days is accurate to ~1 us


def _is_midnight(moment: dt.datetime) -> bool:
    return moment.hour == moment.minute == moment.second == moment.microsecond == 0


def style_time_axis(axes: Axes, texts: Texts) -> None:
    """Set the date ticks and the label of the time axis."""
    axes.xaxis.set_major_locator(AutoDateLocator(tz=dt.UTC, minticks=4, maxticks=10))  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_formatter(ShortDateFormatter(texts))
    axes.set_xlabel(texts.time_axis)
