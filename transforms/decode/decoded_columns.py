"""Define decoded rows: as columns, and one alone."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from telemetry.feed.formats.value_columns import CODE_OF_PROBLEM, ProblemCodes
from transforms.decode.metric_values import UnreadValue


def no_text(_metric: int, _row: int) -> str:
    """Return no text of a value; rows of which all values could be read need none."""
    return ""


class DecodedColumns(NamedTuple):
    """Decoded rows as columns, before times are shifted and checked.

    Attributes:
        ts: (N,) seconds since the epoch.
        names: distinct device names, in the order of their first rows.
        device: (N,) index into `names`.
        values: (M, N) values, NaN where missing.
        problems: (M, N) why a value could not be read, as `PROBLEM_OF_CODE` lists it; None if all could be.
        text: returns the text of a value that could not be read, by its metric and its row.
        fitted: (N,) whether a row of CSV had fewer or more cells than its header; None if none had.
    """

    ts: NDArray[np.float64]
    names: tuple[str, ...]
    device: NDArray[np.int32]
    values: NDArray[np.float64]
    problems: ProblemCodes | None = None
    text: Callable[[int, int], str] = no_text
    fitted: NDArray[np.bool_] | None = None

    @property
    def devices(self) -> list[str]:
        """Return the device name of each row."""
        return [self.names[code] for code in self.device.tolist()]


class DecodedRow(NamedTuple):
    """One decoded row.

    Attributes:
        ts: seconds since the epoch.
        device: its device.
        values: of each metric, NaN where missing.
        unread: those that are missing because they could not be read.
        is_fitted: whether it had fewer or more cells than its header.
    """

    ts: float
    device: str
    values: list[float]
    unread: tuple[UnreadValue, ...] = ()
    is_fitted: bool = False


def number_names(names: Sequence[str]) -> tuple[tuple[str, ...], NDArray[np.int32]]:
    """Return the distinct names, in order of first appearance, and the index of each of the N names into them."""
    index = {name: number for number, name in enumerate(dict.fromkeys(names))}
    return tuple(index), np.fromiter(map(index.__getitem__, names), np.int32, len(names))


def columns_of_rows(rows: Sequence[DecodedRow]) -> DecodedColumns:
    """Return N rows, at least one, as columns."""
    values = np.array([row.values for row in rows], np.float64).reshape(len(rows), -1).T
    times, devices = np.array([row.ts for row in rows]), number_names([row.device for row in rows])
    unread = {(one.metric, number): one for number, row in enumerate(rows) for one in row.unread}
    fitted = np.array([row.is_fitted for row in rows]) if any(row.is_fitted for row in rows) else None
    if not unread:
        return DecodedColumns(times, *devices, values, fitted=fitted)
    problems: ProblemCodes = np.zeros(values.shape, np.int8)
    for place, one in unread.items():
        problems[place] = CODE_OF_PROBLEM[one.problem]
    return DecodedColumns(times, *devices, values, problems, lambda metric, row: unread[metric, row].text, fitted)
