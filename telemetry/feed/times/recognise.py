"""Propose a description of time values from samples of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from telemetry.arrays import IntArray
from telemetry.feed.times.hints import GUESSES
from telemetry.feed.times.problems import FINE, MISSING, NAIVE
from telemetry.feed.times.reader import TimeReader
from telemetry.feed.times.spec import TimeSpec
from telemetry.feed.times.units import LATEST_BY_MAGNITUDE_US

_ASSUMED_ZONE: Final = "UTC"
_RARE: Final = (
    TimeSpec(unit="excel1904"),
    TimeSpec(formats=("%y/%m/%d %H:%M:%S", "%y/%m/%d %H:%M", "%y/%m/%d")),
    TimeSpec(formats=("%y-%m-%d %H:%M:%S", "%y-%m-%d %H:%M", "%y-%m-%d")),
    TimeSpec(formats=("%y%m%d%H%M%S", "%y%m%d%H%M")),
    TimeSpec(formats=("%Y-%j %H:%M:%S", "%Y-%jT%H:%M:%S", "%Y-%j")),
)
_CANDIDATES: Final = (TimeSpec(), TimeSpec(day_first=True), TimeSpec(day_first=False), *GUESSES.values(), *_RARE)


@dataclass(frozen=True, slots=True)
class Recognition:
    """Proposal of a description of time values.

    Attributes:
        spec: the proposal; its zone is "" because no value shows it.
        needs_zone: whether naive times are among the samples, so that a zone must be said.
        confidence: share of the samples that it reads, halved if an alternative reads as many in another way.
        alternatives: descriptions that read as many samples as other times, the likelier ones first.
    """

    spec: TimeSpec
    needs_zone: bool
    confidence: float
    alternatives: tuple[TimeSpec, ...]


@dataclass(frozen=True, slots=True)
class _Attempt:
    spec: TimeSpec
    time_us: IntArray
    read: int

    @property
    def travel_us(self) -> float:
        """How far the times go from sample to sample: files hold days that follow each other, seldom months."""
        return float(np.abs(np.diff(self.time_us[self.time_us != 0].astype(np.float64))).sum())


def recognise(samples: Sequence[str | None]) -> Recognition:
    """Return the description that reads most of the samples, in the order of the file.

    Among those that read as many, the order of day and month is chosen by which the times travel less; the forms that
    need no declaration come before those that do.
    """
    attempts = [_attempt(samples, spec) for spec in _CANDIDATES]
    read = max(attempt.read for attempt in attempts)
    present = int((TimeReader(TimeSpec()).read_texts(samples).problem != MISSING).sum())
    if read == 0:
        return Recognition(TimeSpec(), False, 0.0, ())
    best = [attempt for attempt in attempts if attempt.read == read]
    if best[0].spec.day_first is not None:
        best.sort(key=lambda attempt: (attempt.spec.day_first is None, attempt.travel_us))
    chosen = best[0]
    others: list[_Attempt] = []
    for attempt in best[1:]:
        if all((attempt.time_us != known.time_us).any() for known in (chosen, *others)):
            others.append(attempt)
    naive = (TimeReader(chosen.spec).read_texts(samples).problem == NAIVE).any()
    confidence = read / present * (0.5 if others else 1.0)
    return Recognition(chosen.spec, bool(naive), confidence, tuple(attempt.spec for attempt in others))


def _attempt(samples: Sequence[str | None], spec: TimeSpec) -> _Attempt:
    zoned = TimeSpec(spec.formats, _ASSUMED_ZONE, spec.unit, spec.day_first, spec.earliest_us)
    times = TimeReader(zoned).read_texts(samples)
    plausible = (times.problem == FINE) & (times.time_us < LATEST_BY_MAGNITUDE_US)
    return _Attempt(spec, np.where(plausible, times.time_us, 0), int(plausible.sum()))
