"""Take in the pulls of a subscription: give them their place in time, journal them and acknowledge them."""

import threading
from collections.abc import Callable
from typing import NamedTuple

from pipeline.local.state.keeper import StateKeeper
from pipeline.local.state.records import Pulled, Record, columns_of
from pipeline.sources.event_time import pull_times
from pipeline.sources.stream_timing import StreamTiming
from pipeline.sources.subscriber import Puller, Received
from telemetry.model.message_batch import MessageBatch
from transforms.decode.decode_spec import DecodeSpec


class Arrival(NamedTuple):
    """Messages that have arrived.

    Attributes:
        record: of the journal.
        received: the messages, and the ids that acknowledge them when they have gone through the graph; no ids if they
            are in the journal.
    """

    record: Pulled
    received: Received


class Intake:
    """The way of pulls into the journal of a stream; without a journal they are only given their place.

    Args:
        puller: where acknowledgements go to.
        spec: how the job decodes messages.
        timing: durations of the stream.
        keeper: keeps the journal; None if there is none.
        now_us: returns the clock of the stream, microseconds.

    Attributes:
        acknowledged: number of messages that were acknowledged.
    """

    def __init__(
        self,
        puller: Puller,
        spec: DecodeSpec,
        timing: StreamTiming,
        keeper: StateKeeper | None,
        now_us: Callable[[], int],
    ) -> None:
        """Begin without messages."""
        self._puller = puller
        self._spec = spec
        self._timing = timing
        self._keeper = keeper
        self._now_us = now_us
        self._lock = threading.Lock()
        self._closed = False
        self.acknowledged = 0

    def arrive(self, received: Received, watermark_us: int | None) -> Arrival | None:
        """Journal a pull and acknowledge it; return None if nothing in it is new, or after `close`.

        Args:
            received: the pull. It is given back if this raises.
            watermark_us: of the source, microseconds UTC; None while it is unknown.
        """
        try:
            messages = self._new(received.messages).at(watermark_us)
            record = self._place(messages, watermark_us) if len(messages) else None
            if record is not None and not self.record(record):
                return None
        except BaseException:
            self._puller.give_back(received.ack_ids)
            raise
        if record is None:
            self._puller.acknowledge(received)
            return None
        if self._keeper is None:
            return Arrival(record, Received(messages, received.ack_ids))
        self._keeper.hold(messages.ids)
        self.acknowledge(received)
        return Arrival(record, Received(messages, []))

    def record(self, record: Record) -> bool:
        """Append a record to the journal, if one is kept; return False, and append nothing, after `close`."""
        with self._lock:
            if not self._closed and self._keeper is not None:
                self._keeper.record(record)
            return not self._closed

    def acknowledge(self, received: Received) -> None:
        """Acknowledge a pull, and count its messages."""
        self.acknowledged += len(received.ack_ids)
        self._puller.acknowledge(received)

    def close(self) -> None:
        """Append nothing any more: the runner has ended, and the folder may soon belong to another process."""
        with self._lock:
            self._closed = True

    def _new(self, messages: MessageBatch) -> MessageBatch:
        """Return the messages that are not in the journal."""
        if self._keeper is None:
            return messages
        new = self._keeper.new(messages.ids)
        return messages if len(new) == len(messages) else messages.take(new)

    def _place(self, messages: MessageBatch, before_us: int | None) -> Pulled:
        """Return the record of messages that arrive now, when the watermark is still `before_us`."""
        times = pull_times(messages, self._spec)
        watermark_us = before_us
        if times.newest_us is not None:
            newest_us = times.newest_us - self._timing.lag_us
            watermark_us = newest_us if before_us is None else max(newest_us, before_us)
        known_us = [
            time_us for time_us in (times.earliest_us, None if times.all_known else before_us) if time_us is not None
        ]
        return Pulled(self._now_us(), watermark_us, min(known_us, default=0), before_us, columns_of(messages))
