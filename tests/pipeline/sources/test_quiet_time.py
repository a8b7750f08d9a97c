"""Time without messages: the pauses between ticks, and the watermark of a live stream."""

import time

import pytest

from pipeline.local.state.records import Pulled, columns_of
from pipeline.sources.quiet_time import QuietTime
from pipeline.sources.stream_timing import StreamTiming
from telemetry.model.message_batch import MessageBatch
from telemetry.model.messages import Message

NOW_US = 1_600_000_000_000_000
TIMING = StreamTiming(lag_us=2_000_000, idle_us=None, flush_us=10)


class World:
    """Clocks and a service that a test sets."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now_s = 100.0
        self.problem = ""
        self.asked = 0
        self.quiet = QuietTime(TIMING, self.silence, lambda: self.now_s)
        monkeypatch.setattr(time, "time", lambda: NOW_US / 1e6 + self.now_s - 100.0)
        self.quiet.begin()

    def silence(self) -> str:
        self.asked += 1
        return self.problem

    def pull(self, publish_us: int, watermark_us: int | None) -> None:
        messages = MessageBatch.of([Message(b"", {}, "m", publish_us)])
        self.quiet.note_pull(messages, Pulled(7, watermark_us, 0, None, columns_of(messages)))


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    return World(monkeypatch)


@pytest.mark.parametrize(
    ("quiet_s", "resting", "pause_s"), [(0.0, False, 0.05), (5.0, False, 0.5), (0.0, True, 1.0), (5.0, True, 1.0)]
)
def test_ticks_are_rarer_the_longer_it_is_quiet(world: World, quiet_s: float, resting: bool, pause_s: float) -> None:
    world.now_s += quiet_s
    assert world.quiet.is_tick_due(moves=True, resting=resting), "a watermark that moves does not wait"
    world.now_s += pause_s - 0.01
    assert not world.quiet.is_tick_due(moves=False, resting=resting)
    world.now_s += 0.02
    assert world.quiet.is_tick_due(moves=False, resting=resting)


def test_it_is_quiet_since_the_last_message(world: World) -> None:
    world.now_s += 5
    assert world.quiet.seconds == 5
    world.quiet.interrupt()
    assert world.quiet.seconds == 0


@pytest.mark.parametrize(
    ("publish_us", "watermark_us", "delay_us"),
    [
        (NOW_US, NOW_US - 2_000_000, 2_000_000),
        (NOW_US, NOW_US - 602_000_000, 602_000_000),
        (NOW_US, NOW_US - 602_000_001, None),
        (NOW_US, None, None),
    ],
)
def test_a_stream_is_live_if_its_watermark_is_near_the_publish_time(
    publish_us: int, watermark_us: int | None, delay_us: int | None, world: World
) -> None:
    world.pull(publish_us, watermark_us)
    assert (world.quiet.delay_us, world.quiet.timers_until_us) == (delay_us, 17)


def test_the_watermark_of_a_live_stream_follows_the_wall_clock_after_the_lag(world: World) -> None:
    before_us = NOW_US - 3_000_000
    assert world.quiet.live_watermark_us(before_us) is None, "nothing is known yet"
    world.pull(NOW_US, before_us)
    world.now_s += 1.9
    assert world.quiet.live_watermark_us(before_us) is None, "a message may be on its way"
    world.now_s += 0.1
    assert world.quiet.live_watermark_us(None) is None
    assert world.quiet.live_watermark_us(before_us) is None, "once a second"
    world.now_s += 1.0
    assert world.quiet.live_watermark_us(before_us) == NOW_US
    assert world.asked == 1, "the service is asked once a minute"


def test_the_watermark_waits_while_the_service_is_silent(world: World) -> None:
    world.pull(NOW_US, NOW_US - 3_000_000)
    world.now_s += 5.0
    world.problem = "no answer"
    assert world.quiet.live_watermark_us(NOW_US - 3_000_000) is None
    world.problem = ""
    assert world.quiet.live_watermark_us(NOW_US - 3_000_000) == NOW_US + 2_000_000
    assert world.asked == 2
