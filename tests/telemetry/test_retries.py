"""Retry failing requests with a clock that only sleeping moves."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.retries import GivenUp, Retries, RetryPolicy
from tests.support.clocks import FakeClock

POLICY = RetryPolicy(patience_s=10.0, first_pause_s=0.5, longest_pause_s=3.0)


def retries_of(clock: FakeClock, policy: RetryPolicy = POLICY, given_up: GivenUp | None = None) -> Retries:
    return Retries(policy, clock.read, clock.sleep, given_up)


def exhaust(retries: Retries) -> None:
    """Fail until the request is given up."""
    for _ in range(1_000):
        if not retries.wait():
            return
    pytest.fail("it is never given up")


def test_pauses_double_up_to_their_bound_and_the_last_one_ends_with_patience() -> None:
    clock = FakeClock()
    retries = retries_of(clock)
    exhaust(retries)
    assert clock.pauses == [0.5, 1.0, 2.0, 3.0, 3.0, 0.5]
    assert not retries.wait()
    assert sum(clock.pauses) == 10.0


def test_a_service_may_ask_for_a_longer_pause_but_not_beyond_patience() -> None:
    clock = FakeClock()
    retries = retries_of(clock)
    assert retries.wait(4.0)
    assert retries.wait(0.1)
    assert retries.wait(60.0)
    assert clock.pauses == [4.0, 1.0, 5.0]
    assert not retries.wait(4.0)


def test_patience_counts_from_the_first_failure_unless_it_was_begun() -> None:
    clock = FakeClock()
    retries, begun = retries_of(clock), retries_of(clock)
    begun.begin()
    clock.now += 10.0  # an attempt that takes as long as patience
    assert not begun.wait()
    assert retries.wait()


def test_a_success_renews_patience_and_shortens_the_pause() -> None:
    clock = FakeClock()
    retries = retries_of(clock)
    for _ in range(5):
        assert retries.wait()
    retries.succeed()
    clock.now += 1e6
    assert not retries.is_over()
    assert retries.wait()
    assert clock.pauses[-1] == 0.5


def test_nothing_is_given_up_before_a_failure() -> None:
    clock = FakeClock()
    retries = retries_of(clock)
    clock.now += 1e6
    assert not retries.is_over()
    retries.fail()
    assert not retries.is_over()
    clock.now += 10.0
    assert retries.is_over()


@pytest.mark.parametrize(("at_most_s", "over"), [(None, False), (4.0, True), (20.0, False)])
def test_patience_can_be_shortened_but_not_lengthened(at_most_s: float | None, over: bool) -> None:
    clock = FakeClock()
    retries = retries_of(clock)
    retries.fail()
    clock.now += 5.0
    assert retries.is_over(at_most_s) is over
    clock.now += 5.0
    assert retries.is_over(at_most_s)


def test_without_patience_there_is_one_attempt() -> None:
    clock = FakeClock()
    assert not retries_of(clock, RetryPolicy(0.0, 0.5, 3.0)).wait()
    assert clock.pauses == []


def test_after_one_request_is_given_up_the_others_get_one_attempt_until_one_succeeds() -> None:
    clock, shared = FakeClock(), GivenUp()
    first, second, third = (retries_of(clock, given_up=shared) for _ in range(3))
    exhaust(first)
    assert not second.wait()
    assert shared.value
    third.succeed()
    assert second.wait()


def test_requests_that_share_nothing_are_given_up_one_by_one() -> None:
    clock = FakeClock()
    first, second = retries_of(clock), retries_of(clock)
    exhaust(first)
    assert second.wait()


def test_a_sleep_that_is_cut_short_ends_nothing() -> None:
    """An event that wakes the sleeper early costs attempts, not patience."""
    clock = FakeClock()
    retries = Retries(POLICY, clock.read, lambda seconds: clock.sleep(seconds / 2))
    attempts = 0
    while retries.wait():
        attempts += 1
        assert attempts < 100
        clock.now += 0.01
    assert clock.now - 1_000.0 >= POLICY.patience_s


@given(
    st.floats(0.0, 100.0),
    st.floats(0.01, 5.0),
    st.floats(5.0, 20.0),
    st.lists(st.floats(0.0, 30.0), min_size=1, max_size=40),
)
def test_patience_bounds_the_time_between_the_first_failure_and_the_last_attempt(
    patience_s: float, first_pause_s: float, longest_pause_s: float, attempts: list[float]
) -> None:
    """Attempts of any length: none begins after patience has ended, and no pause exceeds its bound."""
    clock = FakeClock(0.0)
    retries = retries_of(clock, RetryPolicy(patience_s, first_pause_s, longest_pause_s))
    began: list[float] = []
    for seconds in attempts:
        began.append(clock.now)
        clock.now += seconds
        if not retries.wait():
            break
    assert all(start <= attempts[0] + patience_s + 1e-6 for start in began)
    assert all(0.0 <= pause <= longest_pause_s for pause in clock.pauses)
