"""The scorer reproduces the published scores of NAB on its series."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from benchmarks.expected_output import BenchmarkError
from benchmarks.score.nab.alarms import blind_alarms
from benchmarks.score.nab.published import NULL, ROWS, SERIES, WINDOWED_GAUSSIAN
from benchmarks.score.nab.report import make_report
from benchmarks.score.nab.scorer_check import best_scores, check_published, check_scorer
from benchmarks.score.nab.series import LabelledSeries, read_corpus
from benchmarks.score.nab.tables import tables
from tests.support.needs import NAB


@pytest.fixture(scope="module")
def corpus() -> Sequence[LabelledSeries]:
    return read_corpus(Path(NAB.path()))


def test_the_windowed_gaussian_the_blind_alarm_and_the_null_detector(corpus: Sequence[LabelledSeries]):
    assert (len(corpus), sum(map(len, corpus)), sum(len(one.windows) for one in corpus)) == (SERIES, ROWS, 116)
    check = check_scorer(corpus)
    assert check.is_published
    assert check.gaussian == pytest.approx(WINDOWED_GAUSSIAN.scores, abs=1e-6)
    report = make_report(corpus, {series.name: blind_alarms(series) for series in corpus}, check)
    assert report.overall == report.blind
    assert report.blind.scores == pytest.approx((23.6, -19.2, 39.9), abs=0.05)
    assert sum(half.counts.windows for half in report.halves.values()) == 116
    assert "| null, published | 0.00 | 0.00 | 0.00 | | |" in list(tables(report))
    assert best_scores(corpus, lambda series: np.full(len(series), 0.5)) == NULL.scores


def test_a_difference_is_reported():
    check_published(WINDOWED_GAUSSIAN, WINDOWED_GAUSSIAN.scores)
    with pytest.raises(BenchmarkError, match=r"windowed Gaussian, reward_low_FP: 20.8 is not the published score"):
        check_published(WINDOWED_GAUSSIAN, (39.6495235, 20.8, 47.41002716))
    with pytest.raises(BenchmarkError, match="null, standard: None is not"):
        check_published(NULL, (None, 0.0, 0.0))
