"""Run a replay: read rows, build messages, wait until they are due, send them and save the progress."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from typing import Final

import msgspec

from publisher.json_lines import NO_TIME, LineBatch
from publisher.replay.chaos.disturb import Chaos, Outgoing
from publisher.replay.checkpoint import Progress
from publisher.replay.message_builder import MessageBuilder, ReplayMessage
from publisher.replay.message_sender import MessageSender, PublishChannel
from publisher.replay.order.keyed_lines import Disorder
from publisher.replay.pacer import Pacer
from publisher.replay.recording import Recording
from publisher.replay.time_shift import TimeShift
from publisher.replay.usability import Usability
from telemetry.errors import TelemetryError

_MOST_SEARCHED: Final = 64  # batches that are held in memory while a time is sought
_SAVE_EVERY_S: Final = 1.0


@dataclass(slots=True)
class ReplayOutcome:
    """Result of a replay.

    Attributes:
        run_id: id of the run.
        rows_read: rows in messages, including messages of an earlier run.
        rows_skipped: rows acknowledged in an earlier run, not published again.
        first_us: smallest published event time, microseconds UTC; None if there is none.
        last_us: largest published event time, microseconds UTC; None if there is none.
        messages_built: messages of the input, those of an earlier run included.
        interrupted: whether the replay was stopped before its end.
        error: error that ended the replay early, or "".
    """

    run_id: str
    rows_read: int = 0
    rows_skipped: int = 0
    first_us: int | None = None
    last_us: int | None = None
    messages_built: int = 0
    interrupted: bool = False
    error: str = ""

    def observe(self, message: ReplayMessage) -> None:
        """Extend the range of event times by those of a published message."""
        if message.first_us is not None and message.last_us is not None:
            self.first_us = message.first_us if self.first_us is None else min(self.first_us, message.first_us)
            self.last_us = message.last_us if self.last_us is None else max(self.last_us, message.last_us)


class Replayer:
    """Replay one recording.

    Attributes:
        progress: progress at the start.
        sender: sends the messages and counts them.
        outcome: result of the replay.
        disorder: measure of the rows of the first pass that are out of order.
        usability: judgement whether any row of the first pass is usable.
    """

    @property
    def is_complete(self) -> bool:
        """Whether the input was read to its end."""
        return not (self.outcome.interrupted or self.outcome.error)

    def __init__(
        self,
        recording: Recording,
        channel: PublishChannel,
        pacer: Pacer,
        stopped: threading.Event,
        *,
        earlier: Progress | None = None,
        run_id: str = "",
        speeds_up: bool = False,
        chaos: Chaos | None = None,
        now_us: Callable[[], int] = lambda: time.time_ns() // 1_000,
    ) -> None:
        """Read the beginning of the input, because the first row determines the shift of a rebased replay.

        Args:
            recording: inputs and options.
            channel: sends the messages.
            pacer: delays them until they are due.
            stopped: ends the replay when it is set.
            earlier: checkpoint of the same recording at which the replay resumes.
            run_id: id of the run; "" to derive it.
            chaos: disturbs the messages; excludes `earlier`.
            speeds_up: whether the recorded pace is multiplied.
            now_us: returns the current time, the new time of the first row of a rebased replay, microseconds UTC.

        Raises:
            ConfigError: if an input cannot be read.
            InputError: if an input is damaged at its beginning.
        """
        self.disorder = Disorder()
        self.usability = Usability()
        self._recording = recording
        self._pacer = pacer
        self._chaos = chaos
        self._stopped = stopped
        self._first_pass, first_us = _find_first_time(recording.read_pass(self.disorder))
        shift_us = 0
        if earlier is not None:
            shift_us = earlier.shift_us
        elif recording.event_time == "rebase" and first_us is not None:
            shift_us = now_us() - first_us
        if earlier is None:
            run_id = run_id or recording.name_run(shift_us, "" if chaos is None else f" {chaos.options}")
            is_future = first_us is not None and first_us + shift_us > now_us()
            time_lapse = speeds_up or recording.event_time == "rebase" or recording.loop > 1 or is_future
            earlier = Progress(run_id, recording.fingerprint(), 0, shift_us, time_lapse)
        self.progress = earlier
        self.sender = MessageSender(channel, earlier.next_sequence, stopped)
        self.outcome = ReplayOutcome(earlier.run_id)

    def run(self, save: Callable[[Progress], None], advance: Callable[[int], object]) -> None:
        """Replay until the end, a stop or a failure; afterwards no message is in flight.

        Args:
            save: saves the progress; called about once per second and at the end.
            advance: called with the number of rows of each message.
        """
        outcome = self.outcome
        steps: list[Callable[[], object]] = [
            lambda: self._send_all(save, advance),
            self.sender.finish,
            lambda: save(self._current_progress()),
        ]
        for step in steps:
            try:
                step()
            except TelemetryError as error:  # the following steps must run nevertheless
                outcome.error = outcome.error or str(error)
        outcome.error = outcome.error or self.sender.error

    def _send_all(self, save: Callable[[Progress], None], advance: Callable[[int], object]) -> None:
        outcome = self.outcome
        saved_s = time.monotonic()
        for outgoing in self._outgoing():
            message = outgoing.message
            is_new = message.sequence >= self.progress.next_sequence
            if self._stopped.is_set() or (is_new and not self._pacer.wait(outgoing.due_us, message.rows)):
                outcome.interrupted = True
                return
            outcome.rows_read += message.rows
            outcome.messages_built += 1
            if is_new:
                outcome.observe(message)
                self.sender.send(message)
            else:
                outcome.rows_skipped += message.rows
            advance(message.rows)
            if time.monotonic() - saved_s >= _SAVE_EVERY_S:
                save(self._current_progress())
                saved_s = time.monotonic()

    def _outgoing(self) -> Iterator[Outgoing]:
        messages = self._messages()
        if self._chaos is not None:
            return self._chaos.disturb(messages)
        return (Outgoing(message, message.last_us) for message in messages)

    def _messages(self) -> Iterator[ReplayMessage]:
        recording = self._recording
        builder = MessageBuilder(
            self.progress.run_id,
            recording.rows_per_message,
            recording.compress,
            recording.ordering,
            self.progress.time_lapse,
        )
        time_shift = TimeShift(self.progress.shift_us)
        for number in range(recording.loop):
            for batch in self._first_pass if number == 0 else recording.read_pass():
                if number == 0:
                    time_shift.observe(batch.times)
                    self.usability.observe(batch)
                yield from builder.add(batch, time_shift.shift_us)
            yield from builder.finish(time_shift.shift_us)
            time_shift.next_pass()

    def _current_progress(self) -> Progress:
        before = self.progress
        return msgspec.structs.replace(before, next_sequence=self.sender.next_sequence)


def _find_first_time(batches: Iterator[LineBatch]) -> tuple[Iterator[LineBatch], int | None]:
    """Return the same batches and the time of the first row that has one; None if the first batches have none."""
    read: list[LineBatch] = []
    for batch in islice(batches, _MOST_SEARCHED):
        read.append(batch)
        known = batch.times[batch.times != NO_TIME]
        if len(known):
            return chain(read, batches), int(known[0])
    return chain(read, batches), None
