"""When messages are due, with a clock that only moves while somebody waits."""

import threading

import pytest

from publisher.replay.pacer import Pacer


class Clock(threading.Event):
    """A clock and an event: waiting for the event lets time pass."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 100.0
        self.stops_at = float("inf")

    def read(self) -> float:
        return self.now

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout is not None
        self.now += timeout
        if self.now >= self.stops_at:
            self.set()
        return self.is_set()


def run(
    clock: Clock, messages: list[tuple[int | None, int]], speed: float | None = None, rate: float | None = None
) -> tuple[list[float], list[str]]:
    said: list[str] = []
    pace = Pacer(speed, rate, clock, said.append, clock.read)
    sent = []
    for last_us, rows in messages:
        if pace.wait(last_us, rows):
            sent.append(clock.now - 100.0)
    return sent, said


@pytest.mark.parametrize(("speed", "expected"), [(1.0, [0, 2, 2.5]), (10.0, [0, 0.2, 0.25]), (0.5, [0, 4, 5])])
def test_messages_keep_the_recorded_distances(speed: float, expected: list[float]) -> None:
    messages: list[tuple[int | None, int]] = [(7_000_000, 1), (9_000_000, 1), (9_500_000, 1)]
    assert run(Clock(), messages, speed=speed)[0] == pytest.approx(expected)


def test_without_limits_nothing_waits() -> None:
    assert run(Clock(), [(0, 5), (10**15, 5)]) == ([0, 0], [])


def test_the_rate_counts_rows() -> None:
    assert run(Clock(), [(None, 10), (None, 20), (None, 1)], rate=10.0)[0] == pytest.approx([0, 1, 3])


def test_time_lost_is_not_made_up_for_by_a_burst() -> None:
    clock = Clock()
    pace = Pacer(None, 10.0, clock, print, clock.read)
    assert pace.wait(None, 10)
    clock.now += 60.0  # a slow broker
    times = []
    for _ in range(5):
        pace.wait(None, 10)
        times.append(clock.now - 160.0)
    assert times[0] == 0.0
    assert times[2:] == pytest.approx([times[1] + 1, times[1] + 2, times[1] + 3])


def test_of_both_limits_the_slower_counts() -> None:
    messages: list[tuple[int | None, int]] = [(0, 10), (100_000, 10), (9_000_000, 10)]
    assert run(Clock(), messages, speed=1.0, rate=10.0)[0] == pytest.approx([0, 1, 9])


def test_rows_out_of_order_or_without_a_time_do_not_wait() -> None:
    assert run(Clock(), [(5_000_000, 1), (None, 1), (1_000_000, 1), (6_000_000, 1)], speed=1.0)[0] == [0, 0, 0, 1]


def test_a_stop_ends_the_wait_and_sends_nothing() -> None:
    clock = Clock()
    clock.stops_at = 103.0
    assert run(clock, [(0, 1), (10_000_000, 1), (11_000_000, 1)], speed=1.0)[0] == [0]


def test_a_long_wait_is_announced() -> None:
    assert run(Clock(), [(0, 1), (7_200_000_000, 1)], speed=1.0)[1] == ["the next reading is due in 2h"]
    assert run(Clock(), [(0, 1), (59_000_000, 1)], speed=1.0)[1] == []
