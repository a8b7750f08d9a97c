"""Select what rules that learn had learned in the time of incidents, and how unusual each of these was."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa

from plotting.data.downsample import MetricValues, TimesUs
from telemetry.model.latest_incidents import ORDER

SPREADS: Final = 3
"""A band reaches so many spreads (standard deviations) to each side of the usual value."""
STILL_OPEN_US: Final = np.iinfo(np.int64).max
"""End of an incident that is open, microseconds."""


@dataclass(frozen=True)
class LearnedBand:
    """Usual values of a series: K of them, each from its time until that of the next one.

    Attributes:
        times: (K + 1,) where each begins, and where the last one ends; microseconds since the epoch, UTC, ascending.
        expected: (K,) usual value, in the metric's unit; NaN where nothing is known.
        spread: (K,) standard deviation of usual values, likewise.
    """

    times: TimesUs
    expected: MetricValues
    spread: MetricValues

    @property
    def low(self) -> MetricValues:
        """(K,) lower edge of the band."""
        return self.expected - SPREADS * self.spread

    @property
    def high(self) -> MetricValues:
        """(K,) upper edge of the band."""
        return self.expected + SPREADS * self.spread

    def pieces(self) -> Iterator["LearnedBand"]:
        """Yield the parts without a gap."""
        known = ~np.isnan(self.low)
        edges = np.flatnonzero(np.diff(known, prepend=False, append=False)).reshape(-1, 2)
        for start, end in edges.tolist():
            yield LearnedBand(self.times[start : end + 1], self.expected[start:end], self.spread[start:end])

    def within(self, span: tuple[int, int]) -> "LearnedBand":
        """Return the values that hold at some time of a span, microseconds."""
        shown = np.flatnonzero((self.times[:-1] <= span[1]) & (self.times[1:] >= span[0]))
        if not len(shown):
            return LearnedBand(self.times[:1], self.expected[:0], self.spread[:0])
        start, end = int(shown[0]), int(shown[-1]) + 1
        return LearnedBand(self.times[start : end + 1], self.expected[start:end], self.spread[start:end])


def with_learned(incidents: pd.DataFrame, transitions: pa.Table) -> pd.DataFrame:
    """Return incidents with what their transitions say of usual values.

    `score` becomes the highest score that was told, and `why` the sentence that was told with it. `learned` is a
    `LearnedBand`; None where no usual value was told.

    Args:
        incidents: one row for each, with `opened_us` and `closed_us`.
        transitions: all of them, with the columns of `plotting.data.incidents.INCIDENT_COLUMNS`.
    """
    told: pd.DataFrame = transitions.filter(transitions.column("score").is_valid()).sort_by(
        [(name, "ascending") for name in ORDER]
    ).to_pandas()  # fmt: skip
    told = told.drop_duplicates(["incident_id", "sequence"])
    highest = told.sort_values("score", ascending=False, kind="stable").drop_duplicates("incident_id")
    highest = highest.set_index("incident_id")
    ids = incidents["incident_id"]
    times = zip(ids, incidents["opened_us"], incidents["closed_us"], strict=True)
    bands = dict(_bands(told, {name: (opened_us, closed_us) for name, opened_us, closed_us in times}))
    return incidents.assign(
        score=ids.map(highest["score"]).astype("float64"),
        why=ids.map(highest["why"]).astype("object"),
        learned=pd.Series([bands.get(name) for name in ids], index=incidents.index, dtype="object"),
    )


def _bands(told: pd.DataFrame, spans: dict[str, tuple[int, int]]) -> Iterator[tuple[str, LearnedBand]]:
    """Yield the id and the band of each incident, of which `spans` has beginning and end (microseconds)."""
    known = told[told["expected"].notna() & told["spread"].notna()]
    ids, states = known["incident_id"].to_numpy(object), known["state"].to_numpy(object)
    times = known["event_time"].to_numpy("M8[us]").view(np.int64)
    expected, spread = (known[column].to_numpy(np.float64) for column in ("expected", "spread"))
    start = 0
    for end in (np.flatnonzero(ids[1:] != ids[:-1]) + 1).tolist() + [len(ids)] * bool(len(ids)):
        name, some = str(ids[start]), slice(start, end)
        if name in spans:
            opened_us, closed_us = spans[name]
            begins = times[some].copy()
            if states[start] == "opened":
                begins[0] = opened_us  # it is told when the breach has lasted, and was so from its beginning
            last = np.append(begins[1:] > begins[:-1], True) & (begins < closed_us)
            if last.any():
                yield name, LearnedBand(np.append(begins[last], closed_us), expected[some][last], spread[some][last])
        start = end
