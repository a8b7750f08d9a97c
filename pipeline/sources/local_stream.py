"""Turn the pulls of a subscription into the events of a TestStream, with the watermark that the data allows.

A record of the journal says what happens next: messages arrive, or the clock and the watermark advance. It is written
before its events are sent, so that another start sends the same events again. The runner takes an event when the one
before has gone through the whole graph; an event may therefore also be a command, which finds the state of the steps
complete and at rest.
"""

import logging
import time
from collections.abc import Callable
from typing import Any, Final

import msgspec

from pipeline.local.state.keeper import StateKeeper
from pipeline.local.state.records import Drained, Pulled, Record, Reported, Ruled, Ticked
from pipeline.local.state.snapshots import Snapshot
from pipeline.sources.handover import Handover
from pipeline.sources.intake import Intake
from pipeline.sources.portions import pull_portions
from pipeline.sources.quiet_time import TICK_S, QuietTime
from pipeline.sources.runner_events import RunnerEvents, StreamEvents
from pipeline.sources.stream_rules import StreamRules
from pipeline.sources.stream_timing import StreamTiming
from pipeline.sources.subscriber import Puller, Received
from telemetry.model.message_batch import MessageBatch
from telemetry.rules.errors import RuleError
from transforms import counters
from transforms.decode.decode_spec import DecodeSpec
from transforms.windows.stateful_windows import REPORT_TIMER

_LAST_PULL_S: Final = 1.0  # how long a stopped stream waits for the current pull
_MICROS: Final = 1_000_000
_LOG: Final = logging.getLogger("pipeline.rules")


class LocalStream:
    """Pulls of one subscription on their way to the local runner.

    Args:
        puller: where messages come from and acknowledgements go to.
        spec: how the job decodes messages.
        timing: durations.
        rules: the rules that judge its readings.
        keeper: keeps the state on disk; None to acknowledge a pull when it has gone through the graph.
        drain: whether the end of the stream reports all windows and ends it for good.
        clock: monotonic seconds.

    Attributes:
        replayed: number of messages that were read from the journal.
        ended_idle: whether the stream ended because nothing was left to read.
        error: the exception that ended the stream, or None.
        failure: why the subscription or the state cannot be used any further, or "".
    """

    def __init__(
        self,
        puller: Puller,
        spec: DecodeSpec,
        timing: StreamTiming,
        rules: StreamRules,
        keeper: StateKeeper | None = None,
        *,
        drain: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare the stream; pulling starts with the first request of the runner."""
        self._puller = puller
        self._timing = timing
        self._rules = rules
        self._keeper = keeper
        self._drain = drain
        self._events = RunnerEvents()
        self._handover = Handover(self._on_done, clock)
        self._quiet = QuietTime(timing, puller.silence, clock)
        self._intake = Intake(puller, spec, timing, keeper, self._now_us)
        self._stopped = self._drained = self._is_ending = False
        self._clock_us = self._offset_us = 0
        self._newest_us: int | None = None
        self.replayed = 0
        self.ended_idle = False
        self.error: BaseException | None = None
        self.failure = ""

    @property
    def watermark_us(self) -> int | None:
        """No later reading is expected to be older, microseconds UTC; None while it is unknown."""
        return self._events.watermark_us

    @property
    def acknowledged(self) -> int:
        """Number of messages that were acknowledged while the runner ran."""
        return self._intake.acknowledged

    @property
    def ended_for_good(self) -> bool:
        """Whether the stream has reported all windows and will not go on."""
        return self._drained

    # Called by the steps of the graph and by the job.

    def take(self, number: int) -> tuple[MessageBatch, int] | bytes | None:
        """Return the messages of a pull and their timestamp, or rules that come into force; see `Handover.take`."""
        taken = self._handover.take(number)
        if isinstance(taken, bytes):
            self._rules.put_in_force(taken)
        return taken

    def fail(self) -> None:
        """Acknowledge and keep nothing from now on, because a step has failed for good."""
        if self._keeper is not None:
            self._keeper.give_up()
        self._handover.fail()

    def stop(self) -> None:
        """End the stream after what was taken so far; safe to call from a signal handler."""
        self._stopped = True

    def finish(self, *, succeeded: bool) -> None:
        """Stop pulling after the runner has ended; acknowledge its pulls if it succeeded, else give them back."""
        self._rules.stop()
        self._intake.close()
        for received in self._handover.close():
            if succeeded and not self.error:
                self._puller.acknowledge(received)
            else:
                self._puller.give_back(received.ack_ids)
        self._puller.close()
        if self._keeper is not None:
            self._keeper.wait()
            self.failure = self.failure or self._keeper.failure

    # Called by the TestStream service.

    def read_multiple(self, _labels: object) -> StreamEvents:
        """Yield the events of the stream; the protocol of Beam's TestStream service."""
        events = self._all_events()
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

    def _all_events(self) -> StreamEvents:
        if self._keeper is not None:
            yield from self._recover(self._keeper)
        else:
            self._clock_us = int(time.time() * _MICROS)
            yield from self._events.advance_clock(self._clock_us)
        if self.ended_for_good or self._handover.is_closed:
            return
        self._rules.start()
        self._puller.start()
        self._quiet.begin()
        while not self._is_over():
            if self._wait_for_runner():
                yield from self._change_rules()
                yield from self._next()
        self._is_ending = True
        yield from self._end()

    def deadline_limit_us(self) -> int | None:
        """Return the event time beyond which no deadline is judged, microseconds: at the end, that of the last reading.

        None while the stream goes on: the watermark says what has passed. Without a reading nothing has.
        """
        if not self._is_ending:
            return None
        passed_us = 0 if self.watermark_us is None else self.watermark_us + self._timing.lag_us
        return max(passed_us, self._newest_us or 0)

    def note_reading(self, event_us: int) -> None:
        """Note the event time of a reading, microseconds UTC; called by the step that decodes it."""
        if self._newest_us is None or event_us > self._newest_us:
            self._newest_us = event_us

    def _recover(self, keeper: StateKeeper) -> StreamEvents:
        """Yield the events of the journal."""
        begin = keeper.snapshot
        wall_us = int(time.time() * _MICROS)
        self._quiet.delay_us, self._clock_us, self._newest_us = begin.delay_us, begin.clock_us, begin.newest_us
        yield from self._events.advance_clock(begin.clock_us)
        yield from self._events.advance_watermark(begin.watermark_us)
        for record in keeper.recovered():
            while not self._wait_for_runner():
                pass
            if self._handover.is_closed:
                return
            yield from self._play(record)
        self._offset_us = max(self._clock_us - wall_us, 0)
        self._quiet.expect_timers(self._clock_us)

    def _change_rules(self) -> StreamEvents:
        """Yield the events of rules that come into force."""
        try:
            change = self._rules.next_change(self.watermark_us)
        except RuleError as error:
            _LOG.warning("the rules stay as they are: %s", error)
            yield self._command(lambda: counters.count(counters.RULES_REFUSED))
            return
        if change is not None:
            record = Ruled(self._now_us(), self.watermark_us, change)
            if self._intake.record(record):
                yield from self._play(record)

    def _next(self) -> StreamEvents:
        """Yield the events of the next pull; without one, those of the time that passes."""
        received = self._puller.next(0)
        if received is None and self._handover.needs_mark:
            yield self._events.element(self._handover.add_mark())
            return
        if received is None:
            received = self._puller.next(TICK_S)
        if received is not None:
            self._quiet.interrupt()
            arrival = self._intake.arrive(received, self.watermark_us)
            if arrival is not None:
                yield from self._play(*arrival)
        else:
            yield from self._idle()
        if self._keeper is not None and self._keeper.is_snapshot_due():
            yield self._snapshot(self._keeper.take_snapshot)

    def _play(self, record: Record, received: Received | None = None) -> StreamEvents:
        """Yield the events of a record; `received` are its messages, if they have just arrived."""
        yield from self._events.advance_clock(record.clock_us)
        self._clock_us = record.clock_us
        if isinstance(record, Pulled):
            if received is None:
                received = Received(record.messages(), [])
                self.replayed += len(received.messages)
            self._quiet.note_pull(received.messages, record)
            for portion in pull_portions(received):
                number = self._handover.add_pull(portion, record.moment_us)
                yield self._events.element(number, record.moment_us)
        elif isinstance(record, Ruled):
            self._rules.note_told(record.change)
            yield self._events.element(self._handover.add_change(record.change))
        elif isinstance(record, Reported):
            yield from self._report()
        elif isinstance(record, Drained):
            self._drained = self._is_ending = True
        yield from self._events.advance_watermark(record.watermark_us)

    def _report(self) -> StreamEvents:
        """Yield the events that report all open windows and write what was gathered."""
        assert self._keeper is not None, "only a stream with state is reported, any other one ends"
        yield self._command(lambda: self._keeper.report(REPORT_TIMER))  # type: ignore[union-attr]
        self._clock_us += self._timing.flush_us
        yield from self._events.advance_clock(self._clock_us)

    def _idle(self) -> StreamEvents:
        """Yield the events of time that passes without a message."""
        live_us = self._quiet.live_watermark_us(self.watermark_us)
        now_us = self._now_us()
        if live_us is not None:
            self._quiet.expect_timers(now_us)
        resting = self._keeper is not None and now_us > self._quiet.timers_until_us
        if not self._quiet.is_tick_due(moves=live_us is not None, resting=resting):
            return
        if resting:
            yield from self._events.advance_clock(now_us)
            return
        record = Ticked(now_us, live_us if live_us is not None else self.watermark_us)
        if self._intake.record(record):
            yield from self._play(record)

    def _end(self) -> StreamEvents:
        """Yield the events of the end: windows are kept open for the next start, or reported."""
        if not (self._puller.failed or self.failure or self._handover.is_closed):
            yield from self._change_rules()  # a stream may end before it has told its first rules
        keeper = self._keeper
        if keeper is None or self._handover.is_closed:
            return
        if self._puller.failed or self.failure:
            yield self._command(keeper.abandon)
            return
        if self._drain:
            record: Record = Drained(self._now_us(), self.watermark_us)
        elif self.ended_idle:
            record = Reported(self._now_us(), self.watermark_us)
        else:  # what was gathered is written, as if the time for it had passed
            record = Ticked(self._now_us() + self._timing.flush_us, self.watermark_us)
        if not self._intake.record(record):
            return
        yield from self._play(record)
        if not self._drained:
            yield self._snapshot(keeper.finish)

    def _is_over(self) -> bool:
        if self._keeper is not None and self._keeper.failure:
            self.failure = self._keeper.failure
        if self._puller.failed:
            self.failure = str(self._puller.failed)
        if self.failure or self._handover.is_closed:
            return True
        idle_s = self._quiet.seconds if self._handover.is_done else 0.0
        if self._stopped:  # pulled messages, and those of the current pull, still go through
            self._puller.stop()
            if idle_s > _LAST_PULL_S:
                self._puller.cancel()
            return self._puller.is_drained and self._handover.is_done
        idle_us = self._timing.idle_us
        if idle_us is None or idle_s * _MICROS <= idle_us:
            return False
        self.failure = self._puller.silence()
        self.ended_idle = not self.failure
        return True

    def _snapshot(self, take: Callable[[Snapshot], None]) -> Any:
        """Return the event by which the runner takes a snapshot of the state behind the last record."""
        assert self._keeper is not None
        source = Snapshot(
            self._keeper.cut(), self._clock_us, self.watermark_us, self._quiet.delay_us, rules=self._rules.told
        )
        # Only by then it is known what the steps were given.
        return self._command(lambda: take(msgspec.structs.replace(source, newest_us=self._newest_us)))

    def _command(self, command: Callable[[], None]) -> Any:
        """Return the event by which the runner executes a command."""
        return self._events.element(self._handover.add_command(command))

    def _now_us(self) -> int:
        """Return the clock of the stream: the wall clock, unless it was ahead of it when the stream began."""
        return max(self._events.clock_us, int(time.time() * _MICROS) + self._offset_us)

    def _on_done(self, received: Received, seconds: float) -> None:
        """Note that a pull has gone through the graph; acknowledge it, unless that was done before."""
        self._quiet.interrupt()  # the runner was at work until now
        if self._keeper is not None:
            self._keeper.worked(seconds)
        elif received.ack_ids:
            self._intake.acknowledge(received)

    def _wait_for_runner(self) -> bool:
        """Wait a moment until the runner has taken everything; return True at once if the stream is told to stop."""
        return self._stopped or self._handover.wait(TICK_S)
