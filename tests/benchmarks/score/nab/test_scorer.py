"""The vectorised scorer gives what the definition gives, row by row, and examples that are computed by hand."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.score.nab.profiles import LOW_FALSE, LOW_MISSED, PROFILES, STANDARD
from benchmarks.score.nab.row_worth import OUTSIDE, probation, row_worth
from benchmarks.score.nab.scorer import AlarmCounts, BestThreshold, best_threshold, count_alarms, total_of_alarms
from benchmarks.score.nab.series import LabelledSeries
from tests.support.nab import make_series, plain_total, sigmoid


@st.composite
def labelled(draw: st.DrawFn) -> tuple[LabelledSeries, list[float]]:
    """Draw a series with windows that do not overlap, and a score of each row, often the same."""
    rows = draw(st.integers(0, 60))
    limits = sorted(draw(st.sets(st.integers(0, max(rows - 1, 0)), max_size=min(rows, 8))))
    single = draw(st.booleans())  # windows of one row
    windows = [(row, row) for row in limits] if single else list(zip(limits[::2], limits[1::2], strict=False))
    scores = st.sampled_from([0.0, 0.25, 0.5, 1.0]) | st.floats(0, 1)
    return make_series(rows, *windows), draw(st.lists(scores, min_size=rows, max_size=rows))


def alarms(rows: int, *at: int):
    told = np.zeros(rows, np.bool_)
    told[list(at)] = True
    return told


@given(st.lists(labelled(), max_size=3), st.sampled_from(PROFILES))
def test_totals_and_the_best_threshold_are_those_of_the_definition(drawn, profile):
    corpus, scores = [series for series, _ in drawn], [one for _, one in drawn]
    rows = row_worth(corpus)
    joined = np.array([score for one in scores for score in one], np.float64)
    candidates = sorted({math.inf, *joined[rows.judged].tolist()}, reverse=True)
    totals = [plain_total(corpus, scores, threshold, profile) for threshold in candidates]
    for threshold, total in zip(candidates, totals, strict=True):
        assert total_of_alarms(rows, joined >= threshold, profile) == pytest.approx(total, abs=1e-9)
    best = best_threshold(rows, joined, profile)
    assert best.total == pytest.approx(max(totals), abs=1e-9)
    assert plain_total(corpus, scores, best.threshold, profile) == pytest.approx(best.total, abs=1e-9)


@given(st.lists(labelled(), max_size=3))
def test_no_alarm_is_0_and_one_at_the_first_row_of_each_window_100(drawn):
    corpus = [series for series, _ in drawn]
    rows = row_worth(corpus)
    perfect = np.zeros(len(rows.window), np.bool_)
    perfect[np.unique(rows.window, return_index=True)[1]] = True
    perfect &= rows.window != OUTSIDE
    for profile in PROFILES:
        none = total_of_alarms(rows, np.zeros_like(perfect), profile)
        assert profile.normalised(none, rows.windows) == (0 if rows.windows else None)
        if rows.windows and np.all(rows.judged[perfect]):
            assert profile.normalised(total_of_alarms(rows, perfect, profile), rows.windows) == pytest.approx(100)


@pytest.mark.parametrize(
    ("at", "profile", "expected"),
    [
        ([], STANDARD, -1.0),
        ([], LOW_MISSED, -2.0),
        ([20], STANDARD, 1.0),
        ([20, 21, 29], STANDARD, 1.0),  # the earliest alarm of a window counts
        ([29], STANDARD, sigmoid(-1 / 10) / sigmoid(-1.0)),
        ([19], STANDARD, -1.11),  # before every window an alarm is as false as can be
        ([19], LOW_FALSE, -1.22),
        ([20, 30], STANDARD, 1 + 0.11 * sigmoid(1 / 9)),  # just behind the window it costs little
        ([20, 56], STANDARD, 1 + 0.11 * sigmoid(3.0)),
        ([20, 57], STANDARD, 0.89),
        ([0, 8], STANDARD, -1.0),  # nine of 60 rows are not judged
        ([9], STANDARD, -1.11),
    ],
)
def test_one_window_by_hand(at, profile, expected):
    rows = row_worth([make_series(60, (20, 29))])
    assert total_of_alarms(rows, alarms(60, *at), profile) == pytest.approx(expected, abs=1e-12)


def test_probation_is_a_share_up_to_750_rows():
    assert [probation(rows) for rows in (0, 6, 7, 60, 5_000, 5_001, 22_695)] == [0, 0, 1, 9, 750, 750, 750]


def test_a_window_within_the_probation_is_missed():
    rows = row_worth([make_series(100, (2, 8), (50, 60))])
    told = alarms(100, 2, 50)
    assert total_of_alarms(rows, told, STANDARD) == pytest.approx(0.0)
    assert count_alarms(rows, told) == AlarmCounts(windows=2, hit=1, false_alarms=0)


def test_of_equal_totals_the_highest_threshold_wins():
    rows = row_worth([make_series(60, (20, 29))])
    scores = np.zeros(60)
    scores[20], scores[25] = 0.9, 0.8
    assert best_threshold(rows, scores, STANDARD) == BestThreshold(0.9, 1.0)
    assert best_threshold(rows, np.full(60, 0.5), LOW_FALSE) == BestThreshold(math.inf, -1.0)


def test_rows_of_the_same_score_alarm_together():
    rows = row_worth([make_series(60, (20, 29))])
    scores = np.zeros(60)
    scores[[15, 20]] = 0.9
    best = best_threshold(rows, scores, STANDARD)
    assert [best.threshold, best.total] == pytest.approx([0.9, 0.89])


def test_alarms_are_counted_by_window_and_outside():
    rows = row_worth([make_series(60, (20, 29)), make_series(60, (30, 39), (50, 59), name="folder/two")])
    told = np.concatenate([alarms(60, 3, 21, 22, 40), alarms(60, 10, 35)])
    assert count_alarms(rows, told) == AlarmCounts(windows=3, hit=2, false_alarms=2)


def test_nothing_and_an_empty_series_have_no_score():
    for corpus in ([], [make_series(0)]):
        rows = row_worth(corpus)
        assert total_of_alarms(rows, np.zeros(0, np.bool_), STANDARD) == 0
        assert best_threshold(rows, np.zeros(0), STANDARD) == BestThreshold(math.inf, 0.0)
        assert STANDARD.normalised(0.0, rows.windows) is None
