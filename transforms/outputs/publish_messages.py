"""Publish each anomaly, each transition of an incident and each dead letter as one message on a Pub/Sub topic."""

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import apache_beam as beam
import msgspec
import pyarrow as pa
from apache_beam.transforms.window import GlobalWindow
from apache_beam.typehints.decorators import no_annotations
from apache_beam.utils.timestamp import MAX_TIMESTAMP
from apache_beam.utils.windowed_value import WindowedValue

from telemetry.errors import OutputError
from telemetry.model.dead_letters import Reason
from telemetry.model.messages import MAX_MESSAGE_BYTES
from telemetry.model.record_batches import from_records
from telemetry.model.records import DeadLetter
from telemetry.pubsub.messages import MAX_ATTRIBUTES, MAX_VALUE_BYTES, OutboxMessage, Settled, cut_text
from telemetry.pubsub.outbox import RETRIES, Outbox
from telemetry.retries import RetryPolicy
from transforms import counters
from transforms.outputs.alert_messages import ToMessages, anomaly_messages, dead_alert, incident_messages
from transforms.outputs.sink_result import SinkResult
from transforms.step import Step

PREFIX: Final = "dead_letter_"
"""Prefix of the attributes that are added to those of a dead letter's message."""
_FLUSH_US: Final = 100_000
_MOST_BYTES: Final = MAX_MESSAGE_BYTES - 1_000  # of a message with attributes: its request names the topic, too


@dataclass
class PublishAlerts(Step):
    """Publish each record of a kind as a message.

    Bounded or unbounded input in the global window. Messages wait for others of their bundle only, and a bundle ends
    when the topic has taken or refused all of them; while the service is away that can last for the patience of
    `retries`. At least once, in no order: a retried bundle publishes the same bytes, with the same ids, again.

    Args:
        topic: ``projects/P/topics/T``; see `telemetry.pubsub.client.check_topic`.
        flush_us: how long records of a long bundle wait for a full request, microseconds of processing time.
        retries: for a request that fails for a passing reason.
    """

    topic: str
    flush_us: int = _FLUSH_US
    retries: RetryPolicy = RETRIES

    @no_annotations
    def expand(self, records: beam.PCollection) -> SinkResult:
        """Return the dead letters of a PCollection of RecordBatch."""
        publish = beam.ParDo(_PublishAlerts(self.converter(), self.topic, self.flush_us, self.retries))
        return SinkResult(records | "Publish" >> publish.with_output_types(pa.RecordBatch))

    def converter(self) -> ToMessages:
        """Return the function that makes messages of the kind's records."""
        raise NotImplementedError


class PublishAnomalies(PublishAlerts):
    """Publish each anomaly: its JSON object, with rule_id, severity and device as attributes."""

    def converter(self) -> ToMessages:
        """Return the function that makes messages of anomalies."""
        return anomaly_messages


class PublishIncidents(PublishAlerts):
    """Publish each transition of an incident: its JSON object, with attributes for filters.

    The attributes are state, severity, rule_id, device, incident_id and sequence. A subscriber keeps the transition
    with the highest sequence of each incident.
    """

    def converter(self) -> ToMessages:
        """Return the function that makes messages of transitions."""
        return incident_messages


@dataclass
class PublishDeadLetters(Step):
    """Publish each dead letter as a message: the received bytes, with the reason as attributes.

    Bounded or unbounded input in any window. A dead letter that cannot be published fails the job with an
    `OutputError`; one that is too large for any message is only counted if another output keeps it. At least once, in
    no order.

    Args:
        topic: ``projects/P/topics/T``; see `telemetry.pubsub.client.check_topic`.
        retries: for a request that fails for a passing reason.
        kept_elsewhere: whether another output keeps the same dead letters.
    """

    topic: str
    retries: RetryPolicy = RETRIES
    kept_elsewhere: bool = False

    def expand(self, dead_letters: beam.PCollection) -> beam.PCollection:
        """Return nothing for a PCollection of RecordBatch of DeadLetter."""
        publish = beam.ParDo(_PublishLetters(self.topic, self.retries, self.kept_elsewhere))
        return dead_letters | "Publish" >> publish.with_output_types(str)


def letter_messages(letters: pa.RecordBatch) -> Iterator[OutboxMessage]:
    """Yield a message for each dead letter of a batch: its payload, its attributes and its reason."""
    for row in letters.drop_columns(["publish_time", "event_time"]).to_pylist():
        data = base64.b64decode(row["payload"])
        own = msgspec.json.decode(row["attributes"], type=dict[str, str])
        reasons = {
            "reason": row["reason"],
            "error": cut_text(row["error"]),
            "stage": row["stage"],
            "line": None if row["line"] is None else str(row["line"]),
            "message_id": row["message_id"],
        }
        added = {PREFIX + name: text for name, text in reasons.items() if text is not None}
        yield OutboxMessage(data, with_attributes(data, own, added), row["message_id"])


def with_attributes(data: bytes, own: Mapping[str, str], added: Mapping[str, str]) -> dict[str, str]:
    """Return the attributes of a message and as many of the added ones, from the first, as Pub/Sub allows.

    An added value that is too long is left out. An added attribute replaces one of the same name.
    """
    short = [(key, value) for key, value in added.items() if len(value.encode()) <= MAX_VALUE_BYTES]
    for number in range(len(short), 0, -1):
        attributes = {**own, **dict(short[:number])}
        if len(attributes) <= MAX_ATTRIBUTES and OutboxMessage(data, attributes).size <= _MOST_BYTES:
            return attributes
    return dict(own)


@dataclass
class _PublishAlerts(beam.DoFn):
    to_messages: ToMessages
    topic: str
    flush_us: int
    retries: RetryPolicy

    def start_bundle(self) -> None:
        self.outbox = Outbox(self.topic, self.flush_us, self.retries)
        self.earliest = MAX_TIMESTAMP

    def process(self, batch: pa.RecordBatch, timestamp: Any = beam.DoFn.TimestampParam) -> Iterator[pa.RecordBatch]:
        self.earliest = min(self.earliest, timestamp)
        self.outbox.add(self.to_messages(batch))
        yield from self._count(self.outbox.settled())

    def finish_bundle(self) -> Iterator[WindowedValue]:
        for letters in self._count(self.outbox.finish()):
            yield WindowedValue(letters, self.earliest, (GlobalWindow(),))

    def _count(self, settled: Iterator[Settled]) -> Iterator[pa.RecordBatch]:
        for taken, refused in settled:
            if taken:
                counters.count(counters.ALERTS_PUBLISHED, taken)
            if refused:
                counters.count(counters.DEAD_LETTERS, len(refused), Reason.NOT_DELIVERED)
                place = f"{self.topic}: cannot be published to"
                yield from_records(DeadLetter, [dead_alert(place, *one) for one in refused])


@dataclass
class _PublishLetters(beam.DoFn):
    topic: str
    retries: RetryPolicy
    kept_elsewhere: bool

    def start_bundle(self) -> None:
        self.outbox = Outbox(self.topic, _FLUSH_US, self.retries)

    def process(self, batch: pa.RecordBatch) -> None:
        self.outbox.add(letter_messages(batch))
        self._count(self.outbox.settled())

    def finish_bundle(self) -> None:
        self._count(self.outbox.finish())

    def _count(self, settled: Iterator[Settled]) -> None:
        for taken, refused in settled:
            if taken:
                counters.count(counters.LETTERS_PUBLISHED, taken)
            for message, cause in refused:
                if self.kept_elsewhere and len(message.data) > MAX_MESSAGE_BYTES:
                    counters.count(counters.ROWS_REFUSED)
                    continue
                raise OutputError(f"--dead-letter-topic {self.topic}: cannot be published to: {cause}")
