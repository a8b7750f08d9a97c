"""Read Pub/Sub on this machine, through Beam's TestStream.

Beam's own local Pub/Sub reader uses the wall clock as the watermark, acknowledges messages before it processes them
and never ends. Here a thread pulls the subscription, and a TestStream service sends the runner an event for each pull
and the watermark that the data allows.

The messages stay in this process: the stream carries the number of a pull, and the step after it takes the messages of
the pull from the `LocalSubscription` by that number. The local runner takes the next event when the previous one has
gone through the whole graph. A mark follows each pull on a separate branch; when it arrives, the pull has been written
or is in the runner's state, and is acknowledged. (An ordered subscription delivers one batch of an ordering key at a
time, so the source cannot wait for the next pull before it acknowledges.)
"""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

import apache_beam as beam
from apache_beam.coders import VarIntCoder
from apache_beam.portability.api import beam_runner_api_pb2
from apache_beam.testing.test_stream import TestStream
from apache_beam.transforms.window import TimestampedValue
from apache_beam.utils.timestamp import Timestamp

from pipeline.local.stream_service import StreamService
from pipeline.sources.event_time import event_times_us
from pipeline.sources.subscriber import Puller, Received
from telemetry.model.messages import Message
from transforms.decode.decode_once import forget

_Payload: Final = beam_runner_api_pb2.TestStreamPayload
_MIN_US: Final = -(2**62)
_PULLS: Final = "pulls"
_MARKS: Final = "marks"
_TICK_S: Final = 0.1
_LAST_PULL_S: Final = 1.0  # how long a stopped stream waits for the current pull
_CLOCK_STEP_S: Final = 0.05
_AHEAD: Final = 2  # announced pulls that are not done: one is processed, one is ready
_CODER: Final = VarIntCoder()


class _Pull(NamedTuple):
    messages: list[Message]
    times_us: list[int]
    ack_ids: list[str]


class LocalSubscription:
    """Pulls that are passed to the local runner, and the watermark.

    Args:
        puller: where messages come from and acknowledgements go to.
        metrics: names of the metrics that the job decodes.
        lag_us: distance of the watermark behind the newest message, microseconds.
        stop_after_idle_us: time without a message after which the stream ends, microseconds; None for never.
        clock: monotonic seconds.

    Attributes:
        watermark_us: no later reading is expected to be older, microseconds UTC.
        acknowledged: number of messages that were acknowledged while the runner ran.
    """

    def __init__(
        self,
        puller: Puller,
        metrics: tuple[str, ...],
        lag_us: int,
        stop_after_idle_us: int | None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare the subscription; pulling starts with the first request of the runner."""
        self._puller = puller
        self._metrics = metrics
        self._lag_us = lag_us
        self._idle_s = None if stop_after_idle_us is None else stop_after_idle_us / 1e6
        self._clock = clock
        self._condition = threading.Condition()
        self._pulls: dict[int, _Pull] = {}
        self._done = -1
        self._told = -1
        self._stopped = False
        self._finished = False
        self._failed = False
        self._last_active = 0.0
        self.watermark_us = _MIN_US
        self.acknowledged = 0

    # Called by the steps of the graph and by the job.

    def take(self, number: int) -> list[tuple[Message, int]]:
        """Return the messages of a pull with their timestamps in microseconds; a retry returns the same."""
        with self._condition:
            pull = self._pulls[number]
        return list(zip(pull.messages, pull.times_us, strict=True))

    def fail(self) -> None:
        """Acknowledge nothing from now on, because a step has failed for good."""
        with self._condition:
            self._failed = True

    def done(self, number: int) -> None:
        """Acknowledge the messages of a pull that has gone through the graph."""
        with self._condition:
            if self._failed:  # the runner goes on for a moment, and the mark may arrive although the pull failed
                return
            pull = self._pulls.pop(number, None)
            self._done = max(self._done, number)
            self._last_active = self._clock()  # the runner was not idle until now
            self._condition.notify_all()
        if pull is not None:
            forget(pull.messages)
            self.acknowledged += len(pull.ack_ids)
            self._puller.acknowledge(pull.ack_ids)

    def stop(self) -> None:
        """End the stream after what was taken so far; safe to call from a signal handler."""
        self._stopped = True

    def finish(self, *, succeeded: bool) -> None:
        """Stop pulling after the runner has ended; acknowledge its pulls if it succeeded, else give them back."""
        with self._condition:
            for pull in self._pulls.values():
                forget(pull.messages)
                if succeeded:
                    self._puller.acknowledge(pull.ack_ids)
                else:
                    self._puller.give_back(pull.ack_ids)
            self._pulls.clear()
            self._finished = True  # a runner that failed sends no more requests, and the stream must not wait for it
            self._condition.notify_all()
        self._puller.close()

    @property
    def failure(self) -> str:
        """Return the reason why the subscription could not be read any further, or ""."""
        return str(self._puller.failed or "")

    # Called by the TestStream service.

    def read_multiple(self, _labels: object) -> Iterator[Any]:
        """Yield the events of the stream; the protocol of Beam's TestStream service."""
        self._puller.start()
        yield _advance_clock(time.time())  # the runner's clock starts at 0, timers are set by the wall clock
        last = self._last_active = self._clock()
        while not self._is_over():
            if not self._wait_for_runner():
                continue
            received = self._puller.next(_TICK_S)
            if received is not None:
                self._last_active = self._clock()
                yield from self._tell(received)
                yield _element(_MARKS, self._told, self.watermark_us)
            now = self._clock()
            if now - last >= _CLOCK_STEP_S:
                yield _advance_clock(now - last)
                last = now

    def _tell(self, received: Received) -> Iterator[Any]:
        messages, times, newest = self._place(received.messages)
        yield self._announce(messages, times, min(times, default=self.watermark_us), received.ack_ids)
        if newest - self._lag_us > self.watermark_us:
            self.watermark_us = newest - self._lag_us
            for tag in (_PULLS, _MARKS):
                step = _Payload.Event.AdvanceWatermark(new_watermark=self.watermark_us, tag=tag)
                yield _Payload.Event(watermark_event=step)

    def _announce(self, messages: list[Message], times: list[int], moment_us: int, ack_ids: list[str]) -> Any:
        """Keep a pull for the runner to take; return the event that carries its number."""
        with self._condition:
            self._told += 1
            self._pulls[self._told] = _Pull(messages, times, ack_ids)
        return _element(_PULLS, self._told, moment_us)

    def _place(self, messages: list[Message]) -> tuple[list[Message], list[int], int]:
        """Stamp messages with the current watermark, which is also the time of those without a readable one."""
        known = None if self.watermark_us == _MIN_US else self.watermark_us
        stamped = [
            Message(message.payload, message.attributes, message.message_id, message.publish_us, known)
            for message in messages
        ]
        times = event_times_us(stamped, self._metrics)
        newest = max((time_us for time_us in times if time_us is not None), default=_MIN_US)
        return stamped, [self.watermark_us if time_us is None else time_us for time_us in times], newest

    def _wait_for_runner(self) -> bool:
        with self._condition:
            return self._condition.wait_for(
                lambda: self._told - self._done < _AHEAD or self._stopped or self._finished, _TICK_S
            )

    def _is_over(self) -> bool:
        if self._puller.failed or self._finished:
            return True
        idle_s = self._clock() - self._last_active if self._told == self._done else 0.0
        if self._stopped:  # pulled messages, and those of the current pull, still go through
            self._puller.stop()
            if idle_s > _LAST_PULL_S:
                self._puller.cancel()
            return self._puller.is_drained
        return self._idle_s is not None and idle_s > self._idle_s


def _element(tag: str, number: int, moment_us: int) -> Any:
    element = _Payload.TimestampedElement(encoded_element=_CODER.encode(number), timestamp=moment_us)
    return _Payload.Event(element_event=_Payload.Event.AddElements(elements=[element], tag=tag))


def _advance_clock(seconds: float) -> Any:
    step = _Payload.Event.AdvanceProcessingTime(advance_duration=int(seconds * 1e6))
    return _Payload.Event(processing_time_event=step)


_SUBSCRIPTIONS: Final[dict[str, LocalSubscription]] = {}


class ReadLocalPubSub(beam.PTransform):
    """Read a `LocalSubscription` with the local runner.

    Unbounded, in the global window; timestamps are the messages' smallest event times and the watermark
    follows them. At least once: messages are acknowledged when the runner has processed them.
    """

    def __init__(self, subscription: LocalSubscription) -> None:
        """Serve this subscription to the runner of this process."""
        super().__init__()
        self._controller = StreamService(subscription)
        self._name = self._controller.endpoint
        _SUBSCRIPTIONS[self._name] = subscription

    def expand(self, pbegin: beam.pvalue.PBegin) -> beam.PCollection:
        """Return a PCollection of Message."""
        events = pbegin | "Pulls" >> TestStream(coder=_CODER, endpoint=self._name, output_tags={_PULLS, _MARKS})
        _ = events[_MARKS] | "Done" >> beam.Map(_done, self._name).with_output_types(None)
        return events[_PULLS] | "Take" >> beam.FlatMap(_take, self._name).with_output_types(Message)

    def start(self) -> None:
        """Start serving events to the runner."""
        self._controller.start()

    def stop(self) -> None:
        """Stop serving."""
        self._controller.stop()
        _SUBSCRIPTIONS.pop(self._name, None)


def _take(number: int, name: str) -> Iterator[Any]:
    for message, moment in _SUBSCRIPTIONS[name].take(number):
        yield TimestampedValue(message, Timestamp(micros=moment))


def _done(number: int, name: str) -> None:
    _SUBSCRIPTIONS[name].done(number)
