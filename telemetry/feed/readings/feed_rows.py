"""Define the result of reading a payload: readings in columns, and the parts that cannot be read."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from telemetry.arrays import BoolArray, CodeArray, FloatArray, IntArray
from telemetry.feed.formats.value_columns import ProblemCodes
from telemetry.model.dead_letters import Reason


class Envelope(NamedTuple):
    """Describe where a payload came from.

    Attributes:
        attributes: of the message; of a file those that its source gives.
        publish_us: when it was published, microseconds UTC; None for files.
        columns: names of the columns of a CSV file that it was cut from; None if it was not.
    """

    attributes: Mapping[str, str] = {}
    publish_us: int | None = None
    columns: tuple[str, ...] | None = None


class RejectedRow(NamedTuple):
    """A row, or a part of a payload, that is no reading.

    Attributes:
        payload: index of the payload.
        number: its number in the payload, from 1, as those of the readings; 0 for the whole payload.
        content: its bytes as they came.
        reason: why.
        error: one line about it.
    """

    payload: int
    number: int
    content: bytes
    reason: Reason
    error: str


@dataclass(slots=True)
class FeedRows:
    """N readings of some payloads.

    Attributes:
        payload: (N,) index of the payload of each.
        number: (N,) number of each in its payload, from 1; rejected rows are counted, too.
        time_us: (N,) event times, microseconds UTC.
        devices: distinct names of devices.
        device: (N,) index into `devices`.
        values: (M, N) values, NaN where missing.
        problems: (M, N) why a value could not be read, as `PROBLEM_OF_CODE` lists it; None if there is no such value.
        text: returns the text of a value, by its metric and reading.
        raw: returns the bytes of readings as they came, by their indices.
        rejected: the other rows.
        ignored: how often each field was skipped that nobody asked for.
    """

    payload: CodeArray
    number: CodeArray
    time_us: IntArray
    devices: tuple[str, ...]
    device: CodeArray
    values: FloatArray
    problems: ProblemCodes | None
    text: Callable[[int, int], str]
    raw: Callable[[IntArray], Sequence[bytes]]
    rejected: list[RejectedRow] = field(default_factory=list)
    ignored: Counter[str] = field(default_factory=Counter)

    def __len__(self) -> int:
        """Return the number of readings."""
        return len(self.time_us)

    def select(self, rows: BoolArray) -> "FeedRows":
        """Return the readings of a mask, with all that is rejected and ignored."""
        kept = np.flatnonzero(rows)
        text, raw = self.text, self.raw
        return FeedRows(
            self.payload[kept],
            self.number[kept],
            self.time_us[kept],
            self.devices,
            self.device[kept],
            self.values[:, kept],
            None if self.problems is None else self.problems[:, kept],
            lambda metric, row: text(metric, int(kept[row])),
            lambda some: raw(kept[some]),
            self.rejected,
            self.ignored,
        )


def no_rows(metrics: int, rejected: list[RejectedRow]) -> FeedRows:
    """Return no reading, and what was rejected."""
    none: NDArray[np.int32] = np.zeros(0, np.int32)
    return FeedRows(
        none,
        none,
        np.zeros(0, np.int64),
        (),
        none,
        np.zeros((metrics, 0)),
        None,
        lambda _metric, _row: "",
        lambda _rows: [],
        rejected,
    )
