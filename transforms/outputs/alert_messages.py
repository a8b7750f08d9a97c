"""Make the messages of anomalies and of incidents' transitions, and the dead letters of those that nobody took."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

import pyarrow as pa

from telemetry.model.dead_letters import WHOLE, Reason, RejectionError, dead_line
from telemetry.model.messages import Message
from telemetry.model.record_batches import record_times, to_json_lines
from telemetry.model.records import DeadLetter
from telemetry.pubsub.messages import OutboxMessage, cut_text

STAGE: Final = "alerts"
"""Stage of the dead letters of alerts that could not be delivered."""
_OF_ANOMALIES: Final = ("rule_id", "severity", "device")
_OF_INCIDENTS: Final = ("state", "severity", "rule_id", "device", "incident_id", "sequence")

ToMessages = Callable[[pa.RecordBatch], Iterator[OutboxMessage]]
"""Makes a message for each record of a batch."""


def anomaly_messages(anomalies: pa.RecordBatch) -> Iterator[OutboxMessage]:
    """Yield a message for each anomaly of a batch: its JSON object, and the attributes by which it can be filtered."""
    return _messages(anomalies, _OF_ANOMALIES, anomalies.column("message_id").to_pylist())


def incident_messages(transitions: pa.RecordBatch) -> Iterator[OutboxMessage]:
    """Yield a message for each transition of a batch: its JSON object, and the attributes by which it can be filtered.

    The id of a message is that of its incident, a hyphen and the sequence.
    """
    ids = zip(transitions.column("incident_id").to_pylist(), transitions.column("sequence").to_pylist(), strict=True)
    return _messages(transitions, _OF_INCIDENTS, [f"{incident_id}-{sequence}" for incident_id, sequence in ids])


def dead_alert(place: str, message: OutboxMessage, cause: str) -> DeadLetter:
    """Return the dead letter of an alert.

    Args:
        place: the topic or webhook that did not take it, and what it should have done, for a person.
        message: the alert's message, with which it can be published again.
        cause: why it was not taken, for a person.
    """
    rejection = RejectionError(Reason.NOT_DELIVERED, f"{place}: {cause}")
    source = Message(message.data, message.attributes, message.message_id)
    return dead_line(source, WHOLE, message.data, rejection, STAGE, message.event_us)


def _messages(records: pa.RecordBatch, names: Sequence[str], ids: Sequence[str]) -> Iterator[OutboxMessage]:
    lines = to_json_lines(records).split(b"\n")[:-1]
    times = record_times(records, "event_time").tolist()
    columns = [records.column(name).to_pylist() for name in names]
    for line, event_us, message_id, *values in zip(lines, times, ids, *columns, strict=True):
        attributes = {name: cut_text(str(value)) for name, value in zip(names, values, strict=True)}
        yield OutboxMessage(line, attributes, message_id, event_us)
