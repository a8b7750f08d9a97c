import base64
import json

import pytest

from telemetry.errors import TelemetryError
from telemetry.model.dead_letters import WHOLE, Reason, RejectionError, dead_line, dead_message
from telemetry.model.messages import Message
from telemetry.model.records import DeadLetter

ATTRIBUTES = {"rows": "2", "content-encoding": "gzip", "time_shift": "5", "run_id": "r", "event_time": "7"}
KEPT = {"time_shift": "5", "run_id": "r", "event_time": "7"}
PAYLOAD = bytes(range(256))
REJECTION = RejectionError(Reason.NOT_JSON, "no")


def test_the_reasons_are_a_closed_set():
    assert [reason.value for reason in Reason] == [
        "not_utf8",
        "not_json",
        "not_an_object",
        "bad_row",
        "missing_field",
        "wrong_type",
        "not_finite",
        "bad_timestamp",
        "too_large",
        "bad_encoding",
        "too_late",
        "not_stored",
        "not_delivered",
    ]


def test_a_message_is_kept_whole_with_all_its_attributes():
    message = Message(PAYLOAD, ATTRIBUTES, "m1", 42, 41)
    letter = dead_message(message, REJECTION, "decode")
    assert letter == DeadLetter(
        reason="not_json",
        error="no",
        stage="decode",
        payload=base64.b64encode(PAYLOAD).decode(),
        line=None,
        attributes=letter.attributes,
        message_id="m1",
        publish_time=42,
        event_time=None,
    )
    assert json.loads(letter.attributes) == ATTRIBUTES
    assert list(json.loads(letter.attributes)) == sorted(ATTRIBUTES)


@pytest.mark.parametrize(("line", "kept"), [(1, 1), (7, 7), (WHOLE, None)])
def test_a_line_is_kept_without_the_attributes_of_the_whole_payload(line, kept):
    letter = dead_line(Message(b"of no interest", ATTRIBUTES, "m1"), line, PAYLOAD, REJECTION, "aggregate", 99)
    assert letter == DeadLetter(
        reason="not_json",
        error="no",
        stage="aggregate",
        payload=base64.b64encode(PAYLOAD).decode(),
        line=kept,
        attributes=letter.attributes,
        message_id="m1",
        publish_time=None,
        event_time=99,
    )
    assert json.loads(letter.attributes) == KEPT


def test_the_text_can_always_be_written():
    rejection = RejectionError(Reason.WRONG_TYPE, "temp is '\ud800', not 22 °C")
    assert rejection.error == "temp is '\\ud800', not 22 °C"
    assert isinstance(rejection, TelemetryError)
    assert str(RejectionError(Reason.TOO_LATE, "window had closed")) == "window had closed"
