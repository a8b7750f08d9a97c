"""Make the events of Beam's TestStream, and know the clock and the watermark that the runner has from them."""

from collections.abc import Iterator
from typing import Any, Final

from apache_beam.coders import VarIntCoder
from apache_beam.portability.api import beam_runner_api_pb2

TAG: Final = "pulls"
"""Name of the one output of the TestStream."""
_Payload: Final = beam_runner_api_pb2.TestStreamPayload
_CODER: Final = VarIntCoder()
StreamEvents = Iterator[Any]
"""Events of a TestStream, in the protocol buffers of Beam."""


class RunnerEvents:
    """Events that carry a number, or advance the clock or the watermark of the runner; neither of these goes back.

    Attributes:
        clock_us: clock of the runner, microseconds.
        watermark_us: no later reading is expected to be older, microseconds UTC; None while it is unknown.
    """

    def __init__(self) -> None:
        """Begin with a clock at 0 and no watermark, as the runner does."""
        self.clock_us = 0
        self.watermark_us: int | None = None

    def element(self, number: int, moment_us: int | None = None) -> Any:
        """Return the event of a number, with a timestamp in microseconds UTC; by default the watermark."""
        timestamp = moment_us if moment_us is not None else self.watermark_us or 0
        element = _Payload.TimestampedElement(encoded_element=_CODER.encode(number), timestamp=timestamp)
        return _Payload.Event(element_event=_Payload.Event.AddElements(elements=[element], tag=TAG))

    def advance_clock(self, clock_us: int) -> StreamEvents:
        """Yield the event that advances the clock, if this time is later."""
        if clock_us > self.clock_us:
            step = _Payload.Event.AdvanceProcessingTime(advance_duration=clock_us - self.clock_us)
            self.clock_us = clock_us
            yield _Payload.Event(processing_time_event=step)

    def advance_watermark(self, watermark_us: int | None) -> StreamEvents:
        """Yield the event that advances the watermark, if this one is later."""
        if watermark_us is not None and (self.watermark_us is None or watermark_us > self.watermark_us):
            self.watermark_us = watermark_us
            step = _Payload.Event.AdvanceWatermark(new_watermark=watermark_us, tag=TAG)
            yield _Payload.Event(watermark_event=step)
