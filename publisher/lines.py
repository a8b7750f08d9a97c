"""Rows of a CSV as lines of JSON, with the time and the device that messages need to know."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import compress, repeat
from typing import Final

import numpy as np
from numpy.typing import NDArray

from publisher.csvfiles import CsvTable, Piece
from telemetry.text.csv_cells import are_numbers, cell_to_json, text_to_json
from telemetry.text.timestamps import LATEST_US, MICROS, parse_time

NO_TIME: Final = -1
"""In an array of times: the row's ts cannot be read, or no reading could have been taken then."""
_MOST_CACHED: Final = 1 << 16
_LONGEST_CACHED: Final = 64  # characters

Times = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Lines:
    """N rows, ready to be put into messages.

    Attributes:
        texts: one line each, without a line break; surrogate escapes stand for bytes that are not UTF-8.
        times: (N,) the row's own ts, microseconds UTC, `NO_TIME` where it has none.
        devices: device of each row, empty where it has none.
    """

    texts: list[str]
    times: Times
    devices: list[str]

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.texts)

    def select(self, keep: NDArray[np.bool_]) -> "Lines":
        """Return the rows that a mask picks."""
        if keep.all():
            return self
        chosen = keep.tolist()
        return Lines(list(compress(self.texts, chosen)), self.times[keep], list(compress(self.devices, chosen)))

    def first(self, count: int) -> "Lines":
        """Return the first `count` rows."""
        return Lines(self.texts[:count], self.times[:count], self.devices[:count])


class _Tokens(dict[str, str]):
    """JSON tokens by cell: telemetry repeats itself, and a look-up is cheaper than the rule."""

    def __init__(self, rule: Callable[[str], str]) -> None:
        super().__init__()
        self._rule = rule

    def __missing__(self, cell: str) -> str:
        token = self._rule(cell)
        if len(cell) <= _LONGEST_CACHED:
            if len(self) >= _MOST_CACHED:
                self.clear()
            self[cell] = token
        return token


class LineWriter:
    """Turns pieces of CSV into lines."""

    def __init__(self) -> None:
        """Start with empty caches."""
        self._values = _Tokens(cell_to_json)
        self._names = _Tokens(text_to_json)

    def write(self, piece: Piece) -> Lines:
        """Return the lines of a piece: JSON where the rows fit, else the text as it stood in the file."""
        if not isinstance(piece, CsvTable):
            return Lines(piece.lines, np.full(len(piece.lines), NO_TIME), [""] * len(piece.lines))
        columns = dict(zip(piece.columns, zip(*piece.rows, strict=True), strict=True))
        parts: list[Iterable[str]] = []
        for name, cells in columns.items():
            key = ("," if parts else "{") + text_to_name(name) + ":"
            parts += [repeat(key), self._tokens(name, cells)]
        texts = list(map("".join, zip(*parts, repeat("}"), strict=False)))
        return Lines(texts, read_times(columns["ts"]), list(columns["device"]))

    def _tokens(self, name: str, cells: Sequence[str]) -> Iterable[str]:
        if name == "device":
            return map(self._names.__getitem__, cells)
        return cells if are_numbers(cells) else map(self._values.__getitem__, cells)


def text_to_name(text: str) -> str:
    """Return a column name as a JSON string; unlike a cell, an empty one is a name too."""
    return text_to_json(text) if text else '""'


def write_lines(pieces: Iterator[Piece]) -> Iterator[Lines]:
    """Turn pieces into lines, one for one."""
    return map(LineWriter().write, pieces)


def read_times(cells: Sequence[str]) -> Times:
    """Return the microseconds of cells of ts, `NO_TIME` where the decoder would find none."""
    read = float if are_numbers(cells) else _read_seconds
    seconds = np.fromiter(map(read, cells), np.float64, len(cells))
    with np.errstate(over="ignore"):
        micros = np.rint(seconds * MICROS)
    possible = (seconds >= 0) & (micros < LATEST_US)
    return np.where(possible, micros, NO_TIME).astype(np.int64)


def within(times: Times, start_us: int | None, end_us: int | None, before: bool) -> NDArray[np.bool_]:
    """Return which rows lie in [start, end); one without a time belongs where the row before it belongs.

    Args:
        times: (N,) microseconds UTC, `NO_TIME` where there is none.
        start_us: None for the earliest.
        end_us: None for the latest.
        before: whether the row before the first one lies in it.
    """
    inside = np.ones(len(times), np.bool_)
    if start_us is not None:
        inside &= times >= start_us
    if end_us is not None:
        inside &= times < end_us
    # The answer of the latest row with a time, by its place; place 0 is the row before the first one.
    place = np.where(times != NO_TIME, np.arange(1, len(times) + 1), 0)
    answers = np.concatenate([np.array([before]), inside])
    return answers[np.maximum.accumulate(place)]


def _read_seconds(cell: str) -> float:
    """Return what the decoder takes a cell for: a number as it is, a text to whole microseconds."""
    try:
        return float(cell) if "_" not in cell else np.nan  # float() takes 1_000, the decoder does not
    except ValueError:
        pass
    try:
        return parse_time(cell) / MICROS
    except (ValueError, OverflowError):
        return np.nan
