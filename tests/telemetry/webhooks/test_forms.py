"""Bodies of requests: alerts for Alertmanager's API, and notifications as Alertmanager sends them."""

import json
from typing import Any

import pytest

from telemetry.webhooks.alerts import FAR_US, labels_of, span_of
from telemetry.webhooks.forms import AlertmanagerForm, FormName, TemplateForm, WebhookForm, form_of
from tests.support.records import START, transition

NOW = START + 3_600_000_000
LABELS = {
    "alertname": "temp-high",
    "severity": "critical",
    "device": "b8:27:eb",
    "metric": "temp",
    "incident_id": "0123456789abcdef",
}
OPENED = {
    "summary": "temp-high: temp of b8:27:eb above 30, worst 30.5, since 2020-07-12T00:00:00Z",
    "state": "opened",
    "sequence": "0",
    "condition": "above",
    "value": "30.5",
    "worst": "30.5",
    "threshold": "30",
    "readings": "1",
    "opened_at": "2020-07-12T00:00:00.000000Z",
    "last_at": "2020-07-12T00:00:00.000000Z",
    "first": "true",
    "rules_version": "v",
}
CLOSED = OPENED | {
    "summary": "temp-high: temp of b8:27:eb above 30, worst 32.5, from 2020-07-12T00:00:00Z to 2020-07-12T00:02:00Z",
    "state": "closed",
    "sequence": "2",
    "value": "29",
    "worst": "32.5",
    "readings": "3",
    "last_at": "2020-07-12T00:02:00.000000Z",
    "closed_at": "2020-07-12T00:02:00.000000Z",
    "reason": "clear",
}


def encoded(form: AlertmanagerForm | WebhookForm | TemplateForm, *transitions: Any, now_us: int = NOW) -> Any:
    return json.loads(form.encode(transitions, now_us, {}))


def test_alertmanager_gets_a_list_of_alerts() -> None:
    assert encoded(AlertmanagerForm(), transition(), transition(2, state="closed")) == [
        {
            "labels": LABELS,
            "annotations": OPENED,
            "startsAt": "2020-07-12T00:00:00.000000Z",
            "endsAt": "2200-01-01T00:00:00.000000Z",
            "generatorURL": "",
        },
        {
            "labels": LABELS,
            "annotations": CLOSED,
            "startsAt": "2020-07-12T00:00:00.000000Z",
            "endsAt": "2020-07-12T00:02:00.000000Z",
            "generatorURL": "",
        },
    ]


def test_labels_are_the_same_at_each_transition() -> None:
    every = [transition(), transition(1, flapping=True, stale=True), transition(2, state="closed", rules_version="w")]
    assert [labels_of(one) for one in every] == [LABELS] * 3
    silent = transition(device="", metric="", condition="silence")
    assert labels_of(silent).keys() == {"alertname", "severity", "incident_id"}


@pytest.mark.parametrize(
    ("opened", "closed", "expected"),
    [
        (-100, None, (-100, None)),
        (100, None, (0, None)),
        (-500, -200, (-500, -200)),
        (-500, -10, (-500, -60)),
        (-500, 900, (-500, -60)),
        (-10, -5, (-60, -60)),
        (800, 900, (-60, -60)),
    ],
)
def test_an_alert_ends_in_the_past_or_not_at_all(
    opened: int, closed: int | None, expected: tuple[int, int | None]
) -> None:
    """Seconds from now."""

    def moment(seconds: int | None) -> int | None:
        return None if seconds is None else NOW + 1_000_000 * seconds

    one = transition(
        state="updated" if closed is None else "closed", opened_at=moment(opened), closed_at=moment(closed)
    )
    assert span_of(one, NOW) == (moment(expected[0]), moment(expected[1]) or FAR_US)


def test_a_webhook_gets_a_notification_of_one_alert() -> None:
    alert = {
        "status": "firing",
        "labels": LABELS,
        "annotations": OPENED,
        "startsAt": "2020-07-12T00:00:00.000000Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "",
        "fingerprint": "0123456789abcdef",
    }
    opened = {
        "version": "4",
        "groupKey": '{}:{incident_id="0123456789abcdef"}',
        "truncatedAlerts": 0,
        "receiver": "telemetry",
        "status": "firing",
        "alerts": [alert],
        "groupLabels": {"incident_id": "0123456789abcdef"},
        "commonLabels": LABELS,
        "commonAnnotations": OPENED,
        "externalURL": "",
        "title": "critical: temp-high firing",
        "state": "alerting",
        "message": OPENED["summary"],
    }
    assert encoded(WebhookForm(), transition()) == opened
    over = {"status": "resolved", "annotations": CLOSED, "endsAt": "2020-07-12T00:02:00.000000Z"}
    assert encoded(WebhookForm(), transition(2, state="closed")) == opened | {
        "status": "resolved",
        "alerts": [alert | over],
        "commonAnnotations": CLOSED,
        "title": "critical: temp-high resolved",
        "state": "ok",
        "message": CLOSED["summary"],
    }


def test_a_template_is_filled() -> None:
    assert encoded(TemplateForm('["$rule_id", $sequence]'), transition(1)) == ["temp-high", 1]


@pytest.mark.parametrize(
    ("name", "path", "template", "expected"),
    [
        ("auto", "/api/v2/alerts", "", AlertmanagerForm()),
        ("auto", "/am/api/v2/alerts/?x=y", "[]", AlertmanagerForm()),
        ("auto", "/api/v2/alerts/x", "", WebhookForm()),
        ("auto", "/?/api/v2/alerts", "", WebhookForm()),
        ("auto", "/hook", "[]", TemplateForm("[]")),
        ("alertmanager", "/hook", "", AlertmanagerForm()),
        ("webhook", "/api/v2/alerts", "", WebhookForm()),
        ("webhook", "/api/v2/alerts", "[]", TemplateForm("[]")),
    ],
)
def test_the_form_follows_from_flags_and_address(name: FormName, path: str, template: str, expected: Any) -> None:
    assert form_of(name, path, template) == expected
