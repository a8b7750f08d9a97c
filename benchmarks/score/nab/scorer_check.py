"""Check the scorer: on the series of the benchmark it must give the published scores of two detectors."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.expected_output import BenchmarkError
from benchmarks.score.nab.profiles import PROFILES
from benchmarks.score.nab.published import NULL, ROWS, SERIES, WINDOWED_GAUSSIAN, PublishedScore
from benchmarks.score.nab.row_worth import row_worth
from benchmarks.score.nab.scorer import best_threshold
from benchmarks.score.nab.series import LabelledSeries
from benchmarks.score.nab.windowed_gaussian import windowed_gaussian

_TOLERANCE: Final = 1e-6


@dataclass(frozen=True, slots=True)
class ScorerCheck:
    """Scores that the scorer gives a detector with known ones.

    Attributes:
        gaussian: of the windowed Gaussian, in the order of `PROFILES`; None without a window.
        is_published: whether the series are those of the published scores, which `gaussian` then equals.
    """

    gaussian: tuple[float | None, ...]
    is_published: bool


def check_scorer(corpus: Sequence[LabelledSeries]) -> ScorerCheck:
    """Score the windowed Gaussian and, on the series of the benchmark, compare it and the null detector.

    Raises:
        BenchmarkError: if a score is not the published one.
    """
    is_published = (len(corpus), sum(map(len, corpus))) == (SERIES, ROWS)
    gaussian = best_scores(corpus, lambda series: windowed_gaussian(series.values))
    if is_published:
        check_published(WINDOWED_GAUSSIAN, gaussian)
        check_published(NULL, best_scores(corpus, lambda series: np.full(len(series), 0.5)))
    return ScorerCheck(gaussian, is_published)


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
