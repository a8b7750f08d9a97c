"""Score alarms on all series of NAB, on both halves and by category."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.score.nab.alarms import blind_alarms
from benchmarks.score.nab.halves import halves
from benchmarks.score.nab.profiles import PROFILES
from benchmarks.score.nab.row_worth import row_worth
from benchmarks.score.nab.scorer import AlarmCounts, count_alarms, total_of_alarms
from benchmarks.score.nab.scorer_check import ScorerCheck
from benchmarks.score.nab.series import LabelledSeries


@dataclass(frozen=True, slots=True)
class GroupScore:
    """Alarms on some of the series.

    Attributes:
        scores: normalised by the windows of these series, in the order of `PROFILES`; None without a window.
        counts: of windows and alarms.
    """

    scores: tuple[float | None, ...]
    counts: AlarmCounts

    def to_json(self) -> dict[str, Any]:
        """Return the scores by profile, and the counts."""
        names = [profile.name for profile in PROFILES]
        counts = self.counts
        return {
            **dict(zip(names, self.scores, strict=True)),
            "windows": counts.windows,
            "windows_hit": counts.hit,
            "false_alarms": counts.false_alarms,
        }


@dataclass(frozen=True, slots=True)
class NabReport:
    """All scores of a set of alarms.

    Attributes:
        overall: on all series.
        halves: by name of the half.
        categories: by folder.
        blind: of the blind alarm, on all series.
        check: of the scorer.
    """

    overall: GroupScore
    halves: Mapping[str, GroupScore]
    categories: Mapping[str, GroupScore]
    blind: GroupScore
    check: ScorerCheck

    def to_json(self) -> dict[str, Any]:
        """Return the scores as one object: those of all series beside the groups."""
        return {
            **self.overall.to_json(),
            **{name: half.to_json() for name, half in self.halves.items()},
            "categories": {name: group.to_json() for name, group in self.categories.items()},
            "blind_alarm": self.blind.to_json(),
            "windowed_gaussian": dict(zip((profile.name for profile in PROFILES), self.check.gaussian, strict=True)),
        }


def make_report(
    corpus: Sequence[LabelledSeries], alarms: Mapping[str, NDArray[np.bool_]], check: ScorerCheck
) -> NabReport:
    """Return the scores of alarms.

    Args:
        corpus: all series.
        alarms: (N,) of the rows of each series, by name.
        check: of the scorer on these series.
    """
    categories: dict[str, list[LabelledSeries]] = {}
    for series in corpus:
        categories.setdefault(series.category, []).append(series)
    return NabReport(
        overall=score_group(corpus, alarms),
        halves={name: score_group(half, alarms) for name, half in halves(corpus).items()},
        categories={name: score_group(some, alarms) for name, some in categories.items()},
        blind=score_group(corpus, {series.name: blind_alarms(series) for series in corpus}),
        check=check,
    )


def score_group(corpus: Sequence[LabelledSeries], alarms: Mapping[str, NDArray[np.bool_]]) -> GroupScore:
    """Return the scores of alarms on some series."""
    rows = row_worth(corpus)
    told = np.concatenate([np.zeros(0, np.bool_), *(alarms[series.name] for series in corpus)])
    totals = [(profile, total_of_alarms(rows, told, profile)) for profile in PROFILES]
    scores = tuple(profile.normalised(total, rows.windows) for profile, total in totals)
    return GroupScore(scores, count_alarms(rows, told))
