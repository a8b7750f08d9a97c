"""Encode transitions as the bodies that webhooks take: Alertmanager's API, its webhook, or a template."""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, Protocol

import msgspec

from telemetry.model.incident_sentences import sentence
from telemetry.model.records import Incident
from telemetry.text.timestamps import format_time
from telemetry.webhooks.alerts import annotations_of, is_over, labels_of, span_of
from telemetry.webhooks.body_template import BodyTemplate

FormName = Literal["auto", "alertmanager", "webhook"]
"""Alternatives for the form of a webhook's requests; auto is alertmanager for an address that ends like its API."""
_API: Final = "/api/v2/alerts"
_NEVER: Final = "0001-01-01T00:00:00Z"
_ALERTS_AT_ONCE: Final = 500


class AlertForm(Protocol):
    """A form of requests."""

    @property
    def at_once(self) -> int:
        """Most transitions of a request."""

    @property
    def tells_updates(self) -> bool:
        """Whether the webhook is told what happens between opening and closing."""

    def encode(self, transitions: Sequence[Incident], now_us: int, environment: Mapping[str, str]) -> bytes:
        """Return the body of a request that tells transitions.

        Args:
            transitions: at most `at_once`.
            now_us: the current time, microseconds UTC.
            environment: values of variables.
        """


def form_of(name: FormName, path: str, template: str) -> AlertForm:
    """Return the form of a webhook.

    Args:
        name: as it was given.
        path: of the expanded address, with its query.
        template: text for other bodies than the webhook's own, or "".
    """
    if name == "alertmanager" or (name == "auto" and path.partition("?")[0].rstrip("/").endswith(_API)):
        return AlertmanagerForm()
    return TemplateForm(template) if template else WebhookForm()


@dataclass(frozen=True, slots=True)
class AlertmanagerForm:
    """Body of Alertmanager's API: a list of alerts. Alertmanager itself drops repetitions, so it is told updates, too.

    They bring an alert back that Alertmanager has forgotten, as it does when it restarts.
    """

    at_once: int = _ALERTS_AT_ONCE
    tells_updates: bool = True

    def encode(self, transitions: Sequence[Incident], now_us: int, environment: Mapping[str, str]) -> bytes:  # noqa: ARG002
        """Return a list of alerts."""
        return msgspec.json.encode([self._alert(one, now_us) for one in transitions])

    def _alert(self, transition: Incident, now_us: int) -> dict[str, Any]:
        start_us, end_us = span_of(transition, now_us)
        return {
            "labels": labels_of(transition),
            "annotations": annotations_of(transition),
            "startsAt": format_time(start_us),
            "endsAt": format_time(end_us),
            "generatorURL": "",
        }


@dataclass(frozen=True, slots=True)
class WebhookForm:
    """Body that Alertmanager and Grafana send to webhooks, version 4, for one incident at its opening and closing.

    https://prometheus.io/docs/alerting/latest/configuration/#webhook_config, with title, state and message as Grafana
    adds them.
    """

    at_once: int = 1
    tells_updates: bool = False

    def encode(self, transitions: Sequence[Incident], now_us: int, environment: Mapping[str, str]) -> bytes:  # noqa: ARG002
        """Return a notification of one alert."""
        (transition,) = transitions
        labels, annotations = labels_of(transition), annotations_of(transition)
        status = "resolved" if is_over(transition) else "firing"
        alert = {
            "status": status,
            "labels": labels,
            "annotations": annotations,
            "startsAt": format_time(transition.opened_at),
            "endsAt": _NEVER if transition.closed_at is None else format_time(transition.closed_at),
            "generatorURL": "",
            "fingerprint": transition.incident_id[:16],
        }
        return msgspec.json.encode(
            {
                "version": "4",
                "groupKey": f'{{}}:{{incident_id="{transition.incident_id}"}}',
                "truncatedAlerts": 0,
                "receiver": "telemetry",
                "status": status,
                "alerts": [alert],
                "groupLabels": {"incident_id": transition.incident_id},
                "commonLabels": labels,
                "commonAnnotations": annotations,
                "externalURL": "",
                "title": f"{transition.severity}: {transition.rule_id} {status}",
                "state": "ok" if is_over(transition) else "alerting",
                "message": sentence(transition),
            }
        )


@dataclass(frozen=True, slots=True)
class TemplateForm:
    """Body that a template makes of one transition, an opening or a closing."""

    text: str
    at_once: int = 1
    tells_updates: bool = False

    def encode(self, transitions: Sequence[Incident], now_us: int, environment: Mapping[str, str]) -> bytes:  # noqa: ARG002
        """Return the filled template."""
        (transition,) = transitions
        return _template(self.text).fill(transition, environment)


@functools.lru_cache(maxsize=8)
def _template(text: str) -> BodyTemplate:
    return BodyTemplate(text)
