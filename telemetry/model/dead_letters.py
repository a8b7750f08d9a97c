"""Define the reasons for dead letters, and make dead letters of rejected lines and messages."""

import base64
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

import msgspec

from telemetry.errors import TelemetryError
from telemetry.model.messages import CONTENT_ENCODING, ROWS, Message
from telemetry.model.records import DeadLetter

WHOLE: Final = 0
"""Line number of a reading that is its whole message."""


class Reason(StrEnum):
    """The closed set of reasons for a dead letter."""

    NOT_UTF8 = "not_utf8"
    NOT_JSON = "not_json"
    NOT_AN_OBJECT = "not_an_object"
    BAD_ROW = "bad_row"  # a line of CSV that cannot be fitted to its header
    MISSING_FIELD = "missing_field"
    WRONG_TYPE = "wrong_type"
    NOT_FINITE = "not_finite"
    BAD_TIMESTAMP = "bad_timestamp"
    TOO_LARGE = "too_large"
    BAD_ENCODING = "bad_encoding"
    TOO_LATE = "too_late"
    NOT_STORED = "not_stored"  # BigQuery refuses the row
    NOT_DELIVERED = "not_delivered"  # a topic or webhook does not take the alert


class RejectionError(TelemetryError):
    """A line or message that cannot be used; it becomes a dead letter and does not stop the job."""

    def __init__(self, reason: Reason, error: str) -> None:
        """Keep the reason code and a text for a person, free of unpaired surrogates."""
        super().__init__(error)
        self.reason = reason
        self.error = error.encode("utf-8", "backslashreplace").decode("utf-8")


def dead_message(message: Message, rejection: RejectionError, stage: str) -> DeadLetter:
    """Return the dead letter of a message that is rejected as a whole; it keeps all bytes."""
    return make_letter(message, rejection, stage, message.payload, None, _encode(message.attributes), None)


def dead_line(
    message: Message, line: int, content: bytes, rejection: RejectionError, stage: str, event_us: int | None = None
) -> DeadLetter:
    """Return the dead letter of one line.

    It keeps the line as received, after decompression. Attributes of the whole payload (its encoding, its number of
    rows) are left out, so that payload and attributes form a valid message again.
    """
    attributes = {k: v for k, v in message.attributes.items() if k not in (CONTENT_ENCODING, ROWS)}
    return make_letter(message, rejection, stage, content, line or None, _encode(attributes), event_us)


def drop_payload(row: Mapping[str, Any], problem: str) -> dict[str, Any]:
    """Return the row of a dead letter without its payload; its error says why it is missing."""
    return {**row, "payload": "", "error": f"{row['error']} (payload not here: {problem})"}


def make_letter(
    message: Message,
    rejection: RejectionError,
    stage: str,
    payload: bytes,
    line: int | None,
    attributes: str,
    event_us: int | None,
) -> DeadLetter:
    """Return the dead letter of a message, or of some of it.

    Args:
        message: the message.
        rejection: why it cannot be used.
        stage: step that rejects it.
        payload: the rejected bytes.
        line: number of their first line in the message, from 1; None for the whole message.
        attributes: JSON object of the attributes with which the payload is a valid message.
        event_us: event time where it is known, microseconds UTC.
    """
    return DeadLetter(
        reason=rejection.reason.value,
        error=rejection.error,
        stage=stage,
        payload=base64.b64encode(payload).decode("ascii"),
        line=line,
        attributes=attributes,
        message_id=message.message_id,
        publish_time=message.publish_us,
        event_time=event_us,
    )


def _encode(attributes: Mapping[str, str]) -> str:
    return msgspec.json.encode(attributes, order="sorted").decode()
