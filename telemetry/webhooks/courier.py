"""Deliver transitions to one webhook in order, and tell what is delivered, refused and left for later."""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from telemetry.model.records import Incident
from telemetry.webhooks.forms import AlertForm
from telemetry.webhooks.post import Answer, NoAnswerError, Post

IDEMPOTENCY_KEY: Final = "Idempotency-Key"
"""Header by which a receiver recognises a request that is sent again."""
_TOO_MANY: Final = 429
_OF_THE_CONTENT: Final = frozenset({400, 413, 422})  # may be the fault of one of several alerts
_FAILURES_AT_ONCE: Final = 3
_LONGEST_WAIT_S: Final = 300.0


class Delivery(NamedTuple):
    """Outcome of an attempt to deliver transitions.

    Attributes:
        told: how many the webhook has taken.
        refused: those that it will never take, each with the cause as one line for a person.
        left: the others, in order.
        cause: why the first of those was not taken, for a person; "" if there was no time for it.
        wait_s: how long the webhook asks to wait, seconds.
    """

    told: int
    refused: list[tuple[Incident, str]]
    left: list[Incident]
    cause: str = ""
    wait_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Courier:
    """Way to one webhook.

    No answer, 429 and 5xx are failures that pass. The first two end the attempt, the last one when it comes for several
    incidents: an alert that a server cannot digest holds back none of other incidents. Redirects and all other statuses
    but 2xx are final. A request of several alerts that is refused for its content is halved until only the alerts at
    fault are refused.

    Attributes:
        form: of the requests.
        post: sends a request.
        environment: values of variables of the form.
        now_us: returns the current time, microseconds UTC.
        clock: returns seconds, monotonic.
    """

    form: AlertForm
    post: Post
    environment: Mapping[str, str]
    now_us: Callable[[], int]
    clock: Callable[[], float]

    def deliver(self, transitions: Sequence[Incident], budget_s: float) -> Delivery:
        """Send transitions in their order, until the webhook fails.

        Args:
            transitions: in the order in which they are told; see `in_order`.
            budget_s: after how many seconds no further request is begun.
        """
        queue = [one for one in transitions if self.form.tells_updates or one.state != "updated"]
        requests = [queue[start : start + self.form.at_once] for start in range(0, len(queue), self.form.at_once)]
        told, refused, left, held = 0, list[tuple[Incident, str]](), list[Incident](), set[str]()
        cause, failures, until = "", 0, self.clock() + budget_s
        while requests and failures < _FAILURES_AT_ONCE and self.clock() < until:
            request = requests.pop(0)
            ids = {one.incident_id for one in request}
            if held & ids:
                left += request  # not before what comes first
                continue
            try:
                answer = self._send(request)
            except NoAnswerError as error:
                return Delivery(told, refused, [*left, *request, *_flat(requests)], cause or str(error))
            if answer.status == _TOO_MANY:
                wait_s = min(answer.retry_after_s or 0.0, _LONGEST_WAIT_S)
                return Delivery(told, refused, [*left, *request, *_flat(requests)], cause or _said(answer), wait_s)
            if answer.status >= 500:
                cause, failures, held = cause or _said(answer), failures + 1, held | ids
                left += request
            elif answer.status in range(200, 300):
                told += len(request)
            elif answer.status in _OF_THE_CONTENT and len(request) > 1:
                half = len(request) // 2
                requests[:0] = [request[:half], request[half:]]
            else:
                refused += [(one, _said(answer)) for one in request]
        return Delivery(told, refused, [*left, *_flat(requests)], cause)

    def _send(self, request: Sequence[Incident]) -> Answer:
        body = self.form.encode(request, self.now_us(), self.environment)
        return self.post(body, {IDEMPOTENCY_KEY: idempotency_key(request)})


def idempotency_key(request: Sequence[Incident]) -> str:
    """Return a key that is the same whenever the same transitions are sent: of one, its incident and its sequence."""
    keys = [f"{one.incident_id}-{one.sequence}" for one in request]
    return keys[0] if len(keys) == 1 else hashlib.blake2b("\n".join(keys).encode(), digest_size=16).hexdigest()


def in_order(transitions: Iterable[Incident]) -> list[Incident]:
    """Return transitions by event time, each once; those of an incident are in the order of their sequence."""
    distinct = {(one.incident_id, one.sequence): one for one in transitions}
    by_time = sorted(distinct.values(), key=lambda one: (one.event_time, one.incident_id, one.sequence))
    by_sequence: dict[str, list[Incident]] = defaultdict(list)
    for one in sorted(by_time, key=lambda one: -one.sequence):
        by_sequence[one.incident_id].append(one)
    return [by_sequence[one.incident_id].pop() for one in by_time]


def _flat(requests: Sequence[Sequence[Incident]]) -> list[Incident]:
    return [one for request in requests for one in request]


def _said(answer: Answer) -> str:
    if answer.status in range(300, 400):
        return f"answers {answer.status}: redirects are not followed, give the address that they lead to"
    return f"answers {answer.status}" + (f": {answer.text}" if answer.text else "")
