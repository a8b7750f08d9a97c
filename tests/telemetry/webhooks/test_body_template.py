"""Templates of bodies: each transition makes JSON, and a mistake is found before anything runs."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.webhooks.address import AddressError
from telemetry.webhooks.body_template import FIELDS, BodyTemplate, TemplateTextError
from tests.support.records import transition

SLACK = '{"text": "*$severity* $status: $summary"}\n'
PAGERDUTY = """{
  "routing_key": "${env:PAGERDUTY_KEY}", "event_action": "$event_action", "dedup_key": "$incident_id",
  "payload": {"summary": "$summary", "source": "$device", "severity": "$severity", "timestamp": "$event_time",
              "custom_details": {"value": $value, "worst": $worst, "costs": "$$5"}}
}"""


def filled(text: str, one: object = None, environment: dict[str, str] | None = None) -> object:
    return json.loads(BodyTemplate(text).fill(one or transition(), environment or {}))  # type: ignore[arg-type]


def test_a_message_for_slack() -> None:
    assert filled(SLACK) == {
        "text": "*critical* firing: temp-high: temp of b8:27:eb above 30, worst 30.5, since 2020-07-12T00:00:00Z"
    }


def test_an_event_for_pagerduty() -> None:
    found = filled(PAGERDUTY, transition(2, state="closed", value=None), {"PAGERDUTY_KEY": 'k"1\n'})
    assert found == {
        "routing_key": 'k"1',
        "event_action": "resolve",
        "dedup_key": "0123456789abcdef",
        "payload": {
            "summary": "temp-high: temp of b8:27:eb above 30, worst 32.5, "
            "from 2020-07-12T00:00:00Z to 2020-07-12T00:02:00Z",
            "source": "b8:27:eb",
            "severity": "critical",
            "timestamp": "2020-07-12T00:02:00.000000Z",
            "custom_details": {"value": None, "worst": 32.5, "costs": "$5"},
        },
    }
    assert BodyTemplate(PAGERDUTY).variables == ("PAGERDUTY_KEY",)


def test_every_field_can_be_used() -> None:
    text = json.dumps({name: f"${{{name}}}" for name in FIELDS})
    found = filled(text, transition(1, job_id="j", first=True))
    assert isinstance(found, dict)
    assert list(found) == list(FIELDS)
    assert (found["sequence"], found["closed_at"], found["first"], found["job_id"]) == ("1", "null", "true", "j")
    assert (found["status"], found["event_action"]) == ("firing", "trigger")


@given(st.text())
def test_a_text_can_be_anything(device: str) -> None:
    device = device.encode("utf-8", "ignore").decode()
    assert filled('{"a": "$device"}', transition(device=device)) == {"a": device}


def test_a_value_is_not_a_template() -> None:
    assert filled('{"a": "$device"}', transition(device="${env:HOME} $rule_id")) == {"a": "${env:HOME} $rule_id"}


def test_a_variable_that_is_not_set() -> None:
    with pytest.raises(AddressError, match="the variable PAGERDUTY_KEY is not set"):
        BodyTemplate(PAGERDUTY).fill(transition(), {})


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{"a": "$devise"}', r"^\$devise: no field, there are closed_at, condition, device, "),
        ('{"a": "$env:HOME"}', r"^\$env: no field, there are "),
        ('{\n"a": "$ 5"}', r"^no field and no variable behind a \$: line 2, col 7$"),
        ('{"a": "${env:}"}', r"^no field and no variable behind a \$: line 1, col 8$"),
        ('{"a": "${device"}', r"^no field and no variable behind a \$: line 1, col 8$"),
        ('{"a": $device}', r"^does not make JSON: .* \(texts need quotes around them\)$"),
        ('{"a": $summary}', "^does not make JSON: "),
        ("$summary", "^does not make JSON: "),
        ("", "^does not make JSON: "),
        ('{"a": NaN}', "^does not make JSON: NaN is no JSON"),
        ('{"a": $reason}', "^does not make JSON: "),
    ],
)
def test_a_template_that_cannot_be_used_is_refused(text: str, problem: str) -> None:
    with pytest.raises(TemplateTextError, match=problem):
        BodyTemplate(text)
