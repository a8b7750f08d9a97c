"""Read Pub/Sub on this machine, through Beam's TestStream.

Beam's own local Pub/Sub reader uses the wall clock as the watermark, acknowledges messages before it processes them
and never ends. Here a thread pulls the subscription, and a TestStream service sends the runner the events of a
`LocalStream`. The messages stay in this process: the stream carries the number of a pull, and the step after it takes
the messages of the pull by that number.
"""

from collections.abc import Iterator
from typing import Any, Final

import apache_beam as beam
from apache_beam.coders import VarIntCoder
from apache_beam.testing.test_stream import TestStream
from apache_beam.transforms.window import TimestampedValue
from apache_beam.typehints.decorators import no_annotations
from apache_beam.utils.timestamp import Timestamp

from pipeline.local.stream_service import StreamService
from pipeline.sources.local_stream import LocalStream
from pipeline.sources.ruled_messages import RuledMessages
from pipeline.sources.runner_events import TAG
from telemetry.model.message_batch import MessageBatch

_STREAMS: Final[dict[str, LocalStream]] = {}
_MESSAGES: Final = "messages"
_RULES: Final = "rules"


class ReadLocalPubSub(beam.PTransform):
    """Read a `LocalStream` with the local runner.

    Unbounded, in the global window. One element for each pull, with the smallest event time of its messages as
    timestamp; the watermark follows them. Each pull once if the stream keeps its state, else at least once.
    """

    def __init__(self, stream: LocalStream) -> None:
        """Serve this stream to the runner of this process."""
        super().__init__()
        self._controller = StreamService(stream)
        self._name = self._controller.endpoint
        _STREAMS[self._name] = stream

    @no_annotations
    def expand(self, pbegin: beam.pvalue.PBegin) -> RuledMessages:
        """Return the messages, and the rules that come into force between them."""
        events = pbegin | "Pulls" >> TestStream(coder=VarIntCoder(), endpoint=self._name, output_tags={TAG})
        take = beam.FlatMap(_take, self._name).with_output_types(MessageBatch)
        outputs = events[TAG] | "Take" >> take.with_outputs(_RULES, main=_MESSAGES)
        outputs[_RULES].element_type = bytes
        return RuledMessages(outputs[_MESSAGES], outputs[_RULES])

    def start(self) -> None:
        """Start serving events to the runner."""
        self._controller.start()

    def stop(self) -> None:
        """Stop serving."""
        self._controller.stop()
        _STREAMS.pop(self._name, None)


def _take(number: int, name: str) -> Iterator[Any]:
    taken = _STREAMS[name].take(number)
    if isinstance(taken, bytes):
        yield beam.pvalue.TaggedOutput(_RULES, taken)
    elif taken is not None:
        messages, moment_us = taken
        yield TimestampedValue(messages, Timestamp(micros=moment_us))
