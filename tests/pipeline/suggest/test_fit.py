"""Candidates are tried on the readings until they fit the budget."""

import numpy as np
import pytest

from pipeline.suggest.candidate import RuleCandidate, RuleForm
from pipeline.suggest.fit import FittedRule, TriedForm, fit_rules
from tests.support.recordings import noise, ordered, recording

COUNT = 2_880  # two days
SPIKES = np.arange(1, 13) * 200
VALUES = noise(COUNT)
VALUES[SPIKES] = np.arange(12) + 31.0  # 12 in two days, each a degree higher than the one before


def candidate(*bounds: float, name: str = "hot", days: float = 2.0) -> RuleCandidate:
    forms = tuple(RuleForm(f"above {bound}", (f"above: {bound}",)) for bound in bounds)
    return RuleCandidate(name, "m", (), forms, days)


def fit(*candidates: RuleCandidate, per_day: float = 0.5) -> list[FittedRule]:
    with ordered(recording({"m": VALUES})) as order:
        return fit_rules(order, candidates, per_day)


def test_the_most_sensitive_form_that_fits():
    fitted, quiet = fit(candidate(30, 36.5, 40.5, 41.5), candidate(50, 60, name="quiet"), per_day=1)
    assert [(one.incidents, one.per_day) for one in fitted.tried] == [(12, 6.0), (6, 3.0), (2, 1.0)]
    assert fitted.fits
    assert list(fitted.lines()) == ["  - id: hot", "    metric: m", "    above: 40.5"]
    assert [(one.incidents, one.open_share) for one in quiet.tried] == [(0, 0.0)]


def test_none_may_fit():
    (fitted,) = fit(candidate(30, 31.5, 32.5, 33.5))
    assert (len(fitted.tried), fitted.fits) == (4, False)


def test_one_incident_is_never_too_many():
    (fitted,) = fit(candidate(41.5), per_day=0.001)
    assert (fitted.tried[0].incidents, fitted.fits) == (1, True)


def test_the_budget_is_for_each_day_and_device():
    assert fit(candidate(30, days=24.0))[0].fits
    assert not fit(candidate(30, days=23.9))[0].fits


def test_no_time_to_tell_anything_is_no_fit():
    (fitted,) = fit(candidate(30, days=0.0), candidate(30, 50, days=0.0, name="other"))[:1]
    assert (fitted.tried[0].per_day, fitted.fits) == (float("inf"), False)


def test_a_rule_that_is_open_for_long_does_not_fit():
    (fitted,) = fit(candidate(19, 20.6))
    assert fitted.tried[0].open_share > 0.5
    assert not fitted.tried[0].fits(1e9)
    assert TriedForm(0, 1, 0.1, 0.1).fits(0.5)
    assert TriedForm(0, 1, 0.1, 0.5).fits(0.5, lasts=True)


def test_rules_beside_them_count():
    """The time of a silence is the longest gap that another rule bridges."""
    gap = recording({"m": np.full(1_000, 5.0)}, gaps=range(400, 500))
    lasting = RuleCandidate("still", "m", (), (RuleForm("", ("stuck: {for: 800m}",)),), 1.0)
    with ordered(gap) as order:
        alone, beside = (
            fit_rules(order, [lasting], 5.0, lines)[0].tried[0].incidents
            for lines in ((), ("  - id: silent", "    silence: {for: 1h}"))
        )
    assert (alone, beside) == (1, 0)


@pytest.mark.parametrize(
    ("incidents", "fits", "clear"),
    [
        ((12, 11, 9, 8), False, True),
        ((12, 11, 9, 8, 0), True, True),
        ((12, 11, 9, 5), False, False),
        ((12, 11, 9), False, False),
        ((4, 4, 4, 4), False, False),
        ((12,), True, False),
    ],
)
def test_incidents_that_remain_are_no_noise(incidents, fits, clear):
    tried = tuple(TriedForm(number, many, float(many), 0.01) for number, many in enumerate(incidents))
    assert FittedRule(candidate(30), tried, fits).is_clear is clear


def test_incidents_that_last_are_no_clear_ones():
    tried = tuple(TriedForm(number, 9, 9.0, 0.2) for number in range(4))
    assert not FittedRule(candidate(30), tried, False).is_clear
