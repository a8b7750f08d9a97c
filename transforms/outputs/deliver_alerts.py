"""Deliver transitions for the last time, and make dead letters of those that a webhook does not take."""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

import pyarrow as pa

from telemetry.model.record_batches import from_records
from telemetry.model.records import DeadLetter, Incident
from telemetry.retries import Retries
from telemetry.webhooks.courier import Courier, in_order
from transforms.outputs.alert_messages import dead_alert, incident_messages

BUDGET_S: Final = 15.0
"""Time of a round of requests, seconds: other steps of a local stream wait for it."""
_FIRST_PAUSE_S: Final = 1.0
_LONGEST_PAUSE_S: Final = 60.0
Refused = tuple[Incident, str]
"""A transition that is given up, with the cause as one line for a person."""


class LastDelivery(NamedTuple):
    """Outcome of the last attempts to deliver transitions.

    Attributes:
        told: how many the webhook has taken.
        refused: the others.
        failures: how many attempts failed for a passing reason.
    """

    told: int
    refused: list[Refused]
    failures: int


def deliver_all(
    courier: Courier, transitions: Iterable[Incident], retries: Retries, budget_s: float = BUDGET_S
) -> LastDelivery:
    """Send transitions until each is taken or given up.

    Args:
        courier: way to the webhook.
        transitions: in any order.
        retries: for requests that fail for a passing reason; when patience ends, all that is left is given up.
        budget_s: seconds of one round.
    """
    told, failures, refused = 0, 0, list[Refused]()
    left = in_order(transitions)
    while left:
        delivery = courier.deliver(left, budget_s)
        told += delivery.told
        refused += delivery.refused
        if len(delivery.left) < len(left):
            retries.succeed()
        left = delivery.left
        if delivery.cause:
            failures += 1
            if not retries.wait(delivery.wait_s):
                refused += [(one, delivery.cause) for one in left]
                break
    return LastDelivery(told, refused, failures)


def letters_of(place: str, number: int, refused: Sequence[Refused]) -> pa.RecordBatch:
    """Return the dead letters of transitions that a webhook did not take.

    Args:
        place: the webhook, as it may be shown.
        number: of the webhook: several may give up the same transition, and each letter has an id of its own.
        refused: the transitions.
    """
    messages = incident_messages(from_records(Incident, [one for one, _ in refused]))
    numbered = [one._replace(message_id=f"{one.message_id}-webhook-{number:08x}") for one in messages]
    causes = [cause for _, cause in refused]
    letters = [dead_alert(f"{place}: cannot be delivered to", *one) for one in zip(numbered, causes, strict=True)]
    return from_records(DeadLetter, letters)


def pause_s(failures: int) -> float:
    """Return the pause after so many failures in a row, seconds."""
    return min(_FIRST_PAUSE_S * 2.0 ** min(failures - 1, 16), _LONGEST_PAUSE_S) if failures else 0.0
