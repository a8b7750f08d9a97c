"""Incidents of two sets of rules are the same if rule, device and metric are, and they overlap in time."""

from hypothesis import given
from hypothesis import strategies as st

from pipeline.backtest.difference import compare_incidents
from pipeline.backtest.past_incidents import PastIncident
from tests.support.backtests import incident
from tests.support.incidents import at

LAST = at(1000)


def test_what_is_added_and_what_is_dropped():
    before = [incident(0, 10), incident(20, 30), incident(50, 60), incident(0, 10, device="b")]
    after = [incident(5, 25), incident(31, 49), incident(0, 10, rule="cold"), incident(10, 12, device="b")]
    found = compare_incidents(before, after, LAST)
    assert found.dropped == (before[2],)
    assert found.added == (after[1], after[2])


def test_an_open_incident_lasts_to_the_last_reading():
    assert compare_incidents([incident(0, None)], [incident(999, None)], LAST).dropped == ()
    assert compare_incidents([incident(0, 998)], [incident(999, None)], LAST).dropped == (incident(0, 998),)


some = st.lists(
    st.builds(
        lambda start, length, rule: incident(start, start + length, rule=rule),
        st.integers(0, 50),
        st.integers(0, 20),
        st.sampled_from(["hot", "cold"]),
    ),
    max_size=12,
)


def overlap(one: PastIncident, other: PastIncident) -> bool:
    return one.series == other.series and one.opened_us <= other.end_us(LAST) and other.opened_us <= one.end_us(LAST)


@given(some, some)
def test_each_pair_is_looked_at(before, after):
    found = compare_incidents(before, after, LAST)
    assert list(found.dropped) == [one for one in before if not any(overlap(one, other) for other in after)]
    assert list(found.added) == [one for one in after if not any(overlap(one, other) for other in before)]
