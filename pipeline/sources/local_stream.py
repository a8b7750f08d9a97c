"""Turn the pulls of a subscription into the events of a TestStream, with the watermark that the data allows.

A record of the journal says what happens next: messages arrive, or the clock and the watermark advance. It is written
before its events are sent, so that another start sends the same events again. The runner takes an event when the one
before has gone through the whole graph; an event may therefore also be a command, which finds the state of the steps
complete and at rest.
"""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

from apache_beam.coders import VarIntCoder
from apache_beam.portability.api import beam_runner_api_pb2

from pipeline.local.state.keeper import StateKeeper
from pipeline.local.state.records import Drained, Pulled, Record, Reported, Ticked, columns_of
from pipeline.sources.event_time import LIVE_US, pull_times
from pipeline.sources.subscriber import Puller, Received
from telemetry.model.message_batch import MessageBatch
from telemetry.text.timestamps import ClockBounds
from transforms.windows.stateful_windows import REPORT_TIMER

TAG: Final = "pulls"
_Payload: Final = beam_runner_api_pb2.TestStreamPayload
_CODER: Final = VarIntCoder()
_TICK_S: Final = 0.05
_LAST_PULL_S: Final = 1.0  # how long a stopped stream waits for the current pull
_RESTING_S: Final = 2.0  # without a message, after which nobody waits for what is being gathered
_RESTING_TICK_S: Final = 0.5
_LIVE_TICK_S: Final = 1.0
_ASK_S: Final = 60.0
_MICROS: Final = 1_000_000
_Events = Iterator[Any]


class StreamTiming(NamedTuple):
    """Durations of a local stream, microseconds.

    Attributes:
        lag_us: distance of the watermark behind the newest message.
        bounds: how far a message may move the watermark's base past its publish time, and the first time that counts.
        idle_us: time without a message after which the stream ends; None for never.
        flush_us: the longest time for which a step gathers records, or waits before it reports.
    """

    lag_us: int
    bounds: ClockBounds
    idle_us: int | None
    flush_us: int


class LocalStream:
    """Pulls of one subscription on their way to the local runner.

    Args:
        puller: where messages come from and acknowledgements go to.
        metrics: names of the metrics that the job decodes.
        timing: durations.
        keeper: keeps the state on disk; None to acknowledge a pull when it has gone through the graph.
        drain: whether the end of the stream reports all windows and ends it for good.
        clock: monotonic seconds.

    Attributes:
        watermark_us: no later reading is expected to be older, microseconds UTC; None while it is unknown.
        acknowledged: number of messages that were acknowledged while the runner ran.
        replayed: number of messages that were read from the journal.
        ended_idle: whether the stream ended because nothing was left to read.
        error: the exception that ended the stream, or None.
        failure: why the subscription or the state cannot be used any further, or "".
    """

    def __init__(
        self,
        puller: Puller,
        metrics: tuple[str, ...],
        timing: StreamTiming,
        keeper: StateKeeper | None = None,
        *,
        drain: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare the stream; pulling starts with the first request of the runner."""
        self._puller = puller
        self._metrics = metrics
        self._timing = timing
        self._keeper = keeper
        self._drain = drain
        self._clock = clock
        self._condition = threading.Condition()
        self._journaling = threading.Lock()
        self._pulls: dict[int, tuple[Received, int]] = {}
        self._commands: dict[int, Callable[[], None]] = {}
        self._told = self._taken = self._done = -1
        self._taken_s = 0.0
        self._stopped = self._finished = self._failed = False
        self._last_active = self._last_tick = self._last_live = self._asked = 0.0
        self._runner_us = self._clock_us = self._offset_us = 0
        self._timers_until_us = 0
        self._delay_us: int | None = None
        self._drained = False
        self.watermark_us: int | None = None
        self.acknowledged = self.replayed = 0
        self.ended_idle = False
        self.error: BaseException | None = None
        self.failure = ""

    # Called by the steps of the graph and by the job.

    def take(self, number: int) -> tuple[MessageBatch, int] | None:
        """Return the messages of a pull and their timestamp, microseconds; None after a command, which is executed.

        Everything before has gone through the graph. A retry returns the same.
        """
        with self._condition:
            self._settle(number - 1)
            self._taken, self._taken_s = number, self._clock()
            pull, command = self._pulls.get(number), self._commands.get(number)
            self._condition.notify_all()
        if command is not None:
            command()
            del self._commands[number]  # a command that raises is executed again by the retry, and fails the job
        if pull is None:
            with self._condition:
                self._settle(number)
            return None
        return pull[0].messages, pull[1]

    def fail(self) -> None:
        """Acknowledge and keep nothing from now on, because a step has failed for good."""
        with self._condition:
            self._failed = True
            if self._keeper is not None:
                self._keeper.give_up()

    def stop(self) -> None:
        """End the stream after what was taken so far; safe to call from a signal handler."""
        self._stopped = True

    def finish(self, *, succeeded: bool) -> None:
        """Stop pulling after the runner has ended; acknowledge its pulls if it succeeded, else give them back."""
        with self._journaling, self._condition:
            for received, _ in self._pulls.values():
                if succeeded and not self.error:
                    self._puller.acknowledge(received)
                else:
                    self._puller.give_back(received.ack_ids)
            self._pulls.clear()
            self._finished = True  # a runner that failed sends no more requests, and the stream must not wait for it
            self._condition.notify_all()
        self._puller.close()
        if self._keeper is not None:
            self._keeper.wait()
            self.failure = self.failure or self._keeper.failure

    # Called by the TestStream service.

    def read_multiple(self, _labels: object) -> _Events:
        """Yield the events of the stream; the protocol of Beam's TestStream service."""
        events = self._events()
        while True:
            try:
                event = next(events)
            except StopIteration:
                return
            except BaseException as error:  # noqa: BLE001 - the service would end the stream as if nothing was wrong
                self.error = error
                if self._keeper is not None:
                    yield self._command(self._keeper.abandon)
                return
            yield event

    def _events(self) -> _Events:
        if self._keeper is not None:
            yield from self._recover(self._keeper)
        else:
            self._clock_us = int(time.time() * _MICROS)
        yield from self._advance_clock(self._clock_us)
        if self.ended_for_good or self._finished:
            return
        self._puller.start()
        self._last_active = self._last_tick = self._clock()
        while not self._is_over():
            if self._wait_for_runner():
                yield from self._next()
        yield from self._end()

    @property
    def ended_for_good(self) -> bool:
        """Whether the stream has reported all windows and will not go on."""
        return self._drained

    def _recover(self, keeper: StateKeeper) -> _Events:
        """Yield the events of the journal."""
        begin = keeper.snapshot
        wall_us = int(time.time() * _MICROS)
        self._delay_us, self._clock_us = begin.delay_us, begin.clock_us
        yield from self._advance_clock(begin.clock_us)
        yield from self._advance_watermark(begin.watermark_us)
        for record in keeper.recovered():
            while not (self._wait_for_runner() or self._finished):
                pass
            if self._finished:
                return
            yield from self._play(record, [])
        self._offset_us = max(self._clock_us - wall_us, 0)
        self._timers_until_us = self._clock_us + self._timing.flush_us

    def _next(self) -> _Events:
        """Yield the events of the next pull; without one, those of the time that passes."""
        received = self._puller.next(0)
        if received is None and self._done < self._told <= self._taken:
            yield self._command(None)  # marks the pull before as done
            return
        if received is None:
            received = self._puller.next(_TICK_S)
        if received is not None:
            self._last_active = self._clock()
            yield from self._pulled(received)
        else:
            yield from self._idle()
        if self._keeper is not None and self._keeper.is_snapshot_due():
            yield self._snapshot(self._keeper.take_snapshot)

    def _pulled(self, received: Received) -> _Events:
        """Journal a pull, acknowledge it, and yield its events."""
        try:
            messages = self._new(received.messages).at(self.watermark_us)
            record = self._place(messages) if len(messages) else None
            if record is not None and not self._record(record):
                return
        except BaseException:
            self._puller.give_back(received.ack_ids)
            raise
        if record is None:
            self._puller.acknowledge(received)
            return
        if self._keeper is not None:
            self._keeper.hold(messages.ids)
            self._acknowledge(received)
        yield from self._play(record, received.ack_ids if self._keeper is None else [], messages)

    def _new(self, messages: MessageBatch) -> MessageBatch:
        """Return the messages that are not in the journal."""
        if self._keeper is None:
            return messages
        new = self._keeper.new(messages.ids)
        return messages if len(new) == len(messages) else messages.take(new)

    def _record(self, record: Record) -> bool:
        """Append a record to the journal, if one is kept; return False, and append nothing, after `finish`.

        The runner may end while this thread waits for messages; the folder may then belong to another process.
        """
        with self._journaling:
            if not self._finished and self._keeper is not None:
                self._keeper.record(record)
            return not self._finished

    def _place(self, messages: MessageBatch) -> Pulled:
        """Return the record of messages that arrive now."""
        times = pull_times(messages, self._metrics, self._timing.bounds)
        before_us = watermark_us = self.watermark_us
        if times.newest_us is not None:
            newest_us = times.newest_us - self._timing.lag_us
            watermark_us = newest_us if before_us is None else max(newest_us, before_us)
        known_us = [
            time_us for time_us in (times.earliest_us, None if times.all_known else before_us) if time_us is not None
        ]
        return Pulled(self._now_us(), watermark_us, min(known_us, default=0), before_us, columns_of(messages))

    def _play(self, record: Record, ack_ids: list[str], messages: MessageBatch | None = None) -> _Events:
        """Yield the events of a record."""
        yield from self._advance_clock(record.clock_us)
        self._clock_us = record.clock_us
        if isinstance(record, Pulled):
            if messages is None:
                messages = record.messages()
                self.replayed += len(messages)
            self._delay_us = _delay_us(messages, record, self._timing)
            self._timers_until_us = record.clock_us + self._timing.flush_us
            yield self._announce(Received(messages, ack_ids), record.moment_us)
        elif isinstance(record, Reported):
            yield from self._report()
        elif isinstance(record, Drained):
            self._drained = True
        yield from self._advance_watermark(record.watermark_us)

    def _report(self) -> _Events:
        """Yield the events that report all open windows and write what was gathered."""
        assert self._keeper is not None, "only a stream with state is reported, any other one ends"
        yield self._command(lambda: self._keeper.report(REPORT_TIMER))  # type: ignore[union-attr]
        self._clock_us += self._timing.flush_us
        yield from self._advance_clock(self._clock_us)

    def _idle(self) -> _Events:
        """Yield the events of time that passes without a message."""
        watermark_us = self._live_watermark_us()
        now = self._clock()
        now_us = self._now_us()
        if watermark_us is not None:
            self._timers_until_us = now_us + self._timing.flush_us
        elif self._keeper is not None and now_us > self._timers_until_us:
            if now - self._last_tick >= _LIVE_TICK_S:  # no timer is set: the runner only has to hear something
                self._last_tick = now
                yield from self._advance_clock(now_us)
            return
        step_s = _TICK_S if now - self._last_active < _RESTING_S else _RESTING_TICK_S
        if now - self._last_tick < step_s and watermark_us is None:
            return
        self._last_tick = now
        record = Ticked(now_us, watermark_us if watermark_us is not None else self.watermark_us)
        if self._record(record):
            yield from self._play(record, [])

    def _live_watermark_us(self) -> int | None:
        """Return the watermark of a live stream of which nothing is left to read; None if it does not move."""
        now = self._clock()
        idle_s = now - self._last_active
        if self._delay_us is None or idle_s < max(self._timing.lag_us / _MICROS, _LIVE_TICK_S):
            return None
        if now - self._last_live < _LIVE_TICK_S or not self._answers(now):
            return None
        self._last_live = now
        watermark_us = int(time.time() * _MICROS) - self._delay_us
        return watermark_us if self.watermark_us is not None and watermark_us > self.watermark_us else None

    def _answers(self, now: float) -> bool:
        """Return whether the service answered within the last minute, after the last message."""
        if self._asked <= self._last_active or now - self._asked > _ASK_S:
            if self._puller.silence():
                return False
            self._asked = now
        return True

    def _end(self) -> _Events:
        """Yield the events of the end: windows are kept open for the next start, or reported."""
        keeper = self._keeper
        failed = self._puller.failed or self._finished or self.failure
        if keeper is None or self._finished:
            return
        if failed:
            yield self._command(keeper.abandon)
            return
        if self._drain:
            record: Record = Drained(self._now_us(), self.watermark_us)
        elif self.ended_idle:
            record = Reported(self._now_us(), self.watermark_us)
        else:  # what was gathered is written, as if the time for it had passed
            record = Ticked(self._now_us() + self._timing.flush_us, self.watermark_us)
        if not self._record(record):
            return
        yield from self._play(record, [])
        if not self._drained:
            yield self._snapshot(keeper.finish)

    def _is_over(self) -> bool:
        if self._keeper is not None and self._keeper.failure:
            self.failure = self._keeper.failure
        if self._puller.failed:
            self.failure = str(self._puller.failed)
        if self.failure or self._finished:
            return True
        idle_s = self._clock() - self._last_active if self._told == self._done else 0.0
        if self._stopped:  # pulled messages, and those of the current pull, still go through
            self._puller.stop()
            if idle_s > _LAST_PULL_S:
                self._puller.cancel()
            return self._puller.is_drained and self._told == self._done
        idle_us = self._timing.idle_us
        if idle_us is None or idle_s * _MICROS <= idle_us:
            return False
        self.failure = self._puller.silence()
        self.ended_idle = not self.failure
        return True

    # Events.

    def _snapshot(self, take: Callable[[int, int, int | None, int | None], None]) -> Any:
        assert self._keeper is not None
        state = (self._keeper.cut(), self._clock_us, self.watermark_us, self._delay_us)
        return self._command(lambda: take(*state))

    def _announce(self, received: Received, moment_us: int) -> Any:
        """Keep a pull for the runner to take; return the event that carries its number."""
        with self._condition:
            self._told += 1
            self._pulls[self._told] = received, moment_us
        return _element(self._told, moment_us)

    def _command(self, command: Callable[[], None] | None) -> Any:
        """Return an event by which the runner executes a command, or only marks what is before as done."""
        with self._condition:
            self._told += 1
            if command is not None:
                self._commands[self._told] = command
        return _element(self._told, self.watermark_us or 0)

    def _advance_clock(self, clock_us: int) -> _Events:
        if clock_us > self._runner_us:
            step = _Payload.Event.AdvanceProcessingTime(advance_duration=clock_us - self._runner_us)
            self._runner_us = clock_us
            yield _Payload.Event(processing_time_event=step)

    def _advance_watermark(self, watermark_us: int | None) -> _Events:
        if watermark_us is not None and (self.watermark_us is None or watermark_us > self.watermark_us):
            self.watermark_us = watermark_us
            step = _Payload.Event.AdvanceWatermark(new_watermark=watermark_us, tag=TAG)
            yield _Payload.Event(watermark_event=step)

    def _now_us(self) -> int:
        """Return the clock of the stream: the wall clock, unless it was ahead of it when the stream began."""
        return max(self._clock_us, self._runner_us, int(time.time() * _MICROS) + self._offset_us)

    def _settle(self, number: int) -> None:
        """Note that everything up to an event has gone through the graph; acknowledge its pulls."""
        while self._done < number:
            self._done += 1
            pull = self._pulls.get(self._done)
            if pull is None or self._failed:  # after a failure the runner goes on for a moment
                continue
            del self._pulls[self._done]
            self._last_active = self._clock()  # the runner was not idle until now
            if self._keeper is not None:
                self._keeper.worked(self._clock() - self._taken_s)
            elif pull[0].ack_ids:
                self._acknowledge(pull[0])

    def _acknowledge(self, received: Received) -> None:
        self.acknowledged += len(received.ack_ids)
        self._puller.acknowledge(received)

    def _wait_for_runner(self) -> bool:
        with self._condition:
            return self._condition.wait_for(
                lambda: self._told <= self._taken or self._stopped or self._finished, _TICK_S
            )


def _delay_us(messages: MessageBatch, record: Pulled, timing: StreamTiming) -> int | None:
    """Return how far the watermark is behind the publish time of live messages; None if they are not live."""
    if record.watermark_us is None:
        return None
    delay_us = int(messages.publish_us.max()) - record.watermark_us
    return delay_us if abs(delay_us - timing.lag_us) <= LIVE_US else None


def _element(number: int, moment_us: int) -> Any:
    element = _Payload.TimestampedElement(encoded_element=_CODER.encode(number), timestamp=moment_us)
    return _Payload.Event(element_event=_Payload.Event.AddElements(elements=[element], tag=TAG))
