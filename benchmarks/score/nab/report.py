"""Score alarms on all series of NAB, on both halves and by category, and compare the scorer with published scores."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.expected_output import BenchmarkError
from benchmarks.score.nab.alarms import blind_alarms
from benchmarks.score.nab.halves import halves
from benchmarks.score.nab.profiles import PROFILES
from benchmarks.score.nab.published import NULL, ROWS, SERIES, WINDOWED_GAUSSIAN, PublishedScore
from benchmarks.score.nab.row_worth import row_worth
from benchmarks.score.nab.scorer import AlarmCounts, best_threshold, count_alarms, total_of_alarms
from benchmarks.score.nab.series import LabelledSeries
from benchmarks.score.nab.windowed_gaussian import windowed_gaussian

_TOLERANCE: Final = 1e-6


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
        gaussian: scores of the windowed Gaussian as this scorer computes them, in the order of `PROFILES`.
        is_published: whether the series are those of the published scores, which `gaussian` then equals.
    """

    overall: GroupScore
    halves: Mapping[str, GroupScore]
    categories: Mapping[str, GroupScore]
    blind: GroupScore
    gaussian: tuple[float | None, ...]
    is_published: bool

    def to_json(self) -> dict[str, Any]:
        """Return the scores as one object: those of all series beside the groups."""
        return {
            **self.overall.to_json(),
            **{name: half.to_json() for name, half in self.halves.items()},
            "categories": {name: group.to_json() for name, group in self.categories.items()},
            "blind_alarm": self.blind.to_json(),
            "windowed_gaussian": dict(zip((profile.name for profile in PROFILES), self.gaussian, strict=True)),
        }


def make_report(corpus: Sequence[LabelledSeries], alarms: Mapping[str, NDArray[np.bool_]]) -> NabReport:
    """Return the scores of alarms.

    Args:
        corpus: all series.
        alarms: (N,) of the rows of each series, by name.

    Raises:
        BenchmarkError: if the scorer does not reproduce the published scores on the series of the benchmark.
    """
    is_published = (len(corpus), sum(map(len, corpus))) == (SERIES, ROWS)
    gaussian = best_scores(corpus, lambda series: windowed_gaussian(series.values))
    if is_published:
        check_published(WINDOWED_GAUSSIAN, gaussian)
        check_published(NULL, best_scores(corpus, lambda series: np.full(len(series), 0.5)))
    categories: dict[str, list[LabelledSeries]] = {}
    for series in corpus:
        categories.setdefault(series.category, []).append(series)
    return NabReport(
        overall=score_group(corpus, alarms),
        halves={name: score_group(half, alarms) for name, half in halves(corpus).items()},
        categories={name: score_group(some, alarms) for name, some in categories.items()},
        blind=score_group(corpus, {series.name: blind_alarms(series) for series in corpus}),
        gaussian=gaussian,
        is_published=is_published,
    )


def score_group(corpus: Sequence[LabelledSeries], alarms: Mapping[str, NDArray[np.bool_]]) -> GroupScore:
    """Return the scores of alarms on some series."""
    rows = row_worth(corpus)
    told = np.concatenate([np.zeros(0, np.bool_), *(alarms[series.name] for series in corpus)])
    totals = [(profile, total_of_alarms(rows, told, profile)) for profile in PROFILES]
    scores = tuple(profile.normalised(total, rows.windows) for profile, total in totals)
    return GroupScore(scores, count_alarms(rows, told))


def best_scores(
    corpus: Sequence[LabelledSeries], detector: Callable[[LabelledSeries], NDArray[np.float64]]
) -> tuple[float | None, ...]:
    """Return the scores of a detector with the best threshold of each profile over all series, as NAB computes them."""
    rows = row_worth(corpus)
    scores = np.concatenate([np.zeros(0), *map(detector, corpus)])
    best = [(profile, best_threshold(rows, scores, profile)) for profile in PROFILES]
    return tuple(profile.normalised(found.total, rows.windows) for profile, found in best)


def check_published(published: PublishedScore, found: Sequence[float | None]) -> None:
    """Compare the scores of a detector with the published ones.

    Raises:
        BenchmarkError: if one of them differs.
    """
    for profile, expected, score in zip(PROFILES, published.scores, found, strict=True):
        if score is None or abs(score - expected) > _TOLERANCE:
            raise BenchmarkError(f"{published.name}, {profile.name}: {score} is not the published score {expected}")
