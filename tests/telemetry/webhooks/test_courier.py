"""Delivery in order: what is told, refused and left, whatever the webhook answers."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.model.records import Incident
from telemetry.webhooks.courier import Courier, Delivery, idempotency_key, in_order
from telemetry.webhooks.forms import AlertForm, AlertmanagerForm, WebhookForm
from telemetry.webhooks.post import Answer, NoAnswerError
from tests.support.clocks import FakeClock
from tests.support.records import START, transition

Answering = Callable[[list[str]], Answer]
"""Says how the webhook answers a request, given ``incident-sequence`` of each of its alerts."""
TAKEN = Answer(200)


class Hook:
    """A webhook that takes a second for each request."""

    def __init__(self, form: AlertForm, answering: Answering = lambda _: TAKEN) -> None:
        self.clock = FakeClock()
        self.requests: list[list[str]] = []
        self.keys: list[str] = []
        self._answering = answering
        self.courier = Courier(form, self._post, {}, lambda: START, self.clock.read)

    def _post(self, body: bytes, headers: Mapping[str, str]) -> Answer:
        self.clock.now += 1.0
        content = json.loads(body)
        alerts = content if isinstance(content, list) else content["alerts"]
        names = [f"{one['labels']['incident_id']}-{one['annotations']['sequence']}" for one in alerts]
        self.requests.append(names)
        self.keys.append(headers["Idempotency-Key"])
        return self._answering(names)


def story(*names: str) -> list[Incident]:
    """Transitions by ``incident-sequence``: 0 opens, 9 closes."""
    found = []
    for name in names:
        incident_id, _, sequence = name.partition("-")
        changes: dict[str, Any] = {"state": "closed"} if sequence == "9" else {}
        found.append(transition(int(sequence), incident_id=incident_id, **changes))
    return found


def test_alertmanager_is_told_everything_in_one_request() -> None:
    hook = Hook(AlertmanagerForm())
    assert hook.courier.deliver(story("a-0", "a-1", "b-0", "a-9"), 10.0) == Delivery(4, [], [])
    assert hook.requests == [["a-0", "a-1", "b-0", "a-9"]]
    assert hook.keys == [idempotency_key(story("a-0", "a-1", "b-0", "a-9"))]


def test_a_request_of_many_alerts_is_divided() -> None:
    hook = Hook(AlertmanagerForm(at_once=2))
    assert hook.courier.deliver(story("a-0", "b-0", "c-0"), 10.0).told == 3
    assert hook.requests == [["a-0", "b-0"], ["c-0"]]


def test_a_webhook_is_told_openings_and_closings_one_by_one() -> None:
    hook = Hook(WebhookForm())
    assert hook.courier.deliver(story("a-0", "a-1", "b-0", "a-9"), 10.0) == Delivery(3, [], [])
    assert hook.requests == [["a-0"], ["b-0"], ["a-9"]]
    assert hook.keys == ["a-0", "b-0", "a-9"]


def test_what_there_is_no_time_for_is_left() -> None:
    hook = Hook(WebhookForm())
    every = story("a-0", "b-0", "c-0")
    assert hook.courier.deliver(every, 2.0) == Delivery(2, [], every[2:])


def test_no_answer_ends_the_attempt() -> None:
    def answering(names: list[str]) -> Answer:
        if names == ["b-0"]:
            raise NoAnswerError("Connection refused")
        return TAKEN

    hook = Hook(WebhookForm(), answering)
    every = story("a-0", "b-0", "c-0")
    assert hook.courier.deliver(every, 10.0) == Delivery(1, [], every[1:], "Connection refused")
    assert hook.requests == [["a-0"], ["b-0"]]


@pytest.mark.parametrize(("asked", "waits"), [(None, 0.0), (7.0, 7.0), (1e9, 300.0), (float("inf"), 300.0)])
def test_a_webhook_may_ask_to_wait(asked: float | None, waits: float) -> None:
    hook = Hook(WebhookForm(), lambda _: Answer(429, "slow down", asked))
    every = story("a-0", "b-0")
    assert hook.courier.deliver(every, 10.0) == Delivery(0, [], every, "answers 429: slow down", waits)
    assert hook.requests == [["a-0"]]


def test_an_alert_that_a_server_cannot_digest_holds_back_only_its_incident() -> None:
    hook = Hook(WebhookForm(), lambda names: Answer(500, "oh") if names[0][0] == "b" else TAKEN)
    every = story("a-0", "b-0", "b-9", "c-0", "a-9")
    assert hook.courier.deliver(every, 10.0) == Delivery(3, [], every[1:3], "answers 500: oh")
    assert hook.requests == [["a-0"], ["b-0"], ["c-0"], ["a-9"]]


def test_a_server_that_fails_three_times_is_left_alone() -> None:
    hook = Hook(WebhookForm(), lambda names: Answer(503, names[0]))
    every = story("a-0", "b-0", "c-0", "d-0")
    assert hook.courier.deliver(every, 10.0) == Delivery(0, [], every, "answers 503: a-0")
    assert hook.requests == [["a-0"], ["b-0"], ["c-0"]]


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        (Answer(404), "answers 404"),
        (Answer(401, "who?"), "answers 401: who?"),
        (Answer(302, "here"), "answers 302: redirects are not followed, give the address that they lead to"),
        (Answer(199), "answers 199"),
        (Answer(400, "bad"), "answers 400: bad"),
    ],
)
def test_other_answers_are_final(answer: Answer, cause: str) -> None:
    hook = Hook(WebhookForm(), lambda names: answer if names == ["b-0"] else TAKEN)
    every = story("a-0", "b-0", "c-0")
    assert hook.courier.deliver(every, 10.0) == Delivery(2, [(every[1], cause)], [])


@pytest.mark.parametrize("status", [400, 413, 422])
def test_an_alert_at_fault_costs_no_other(status: int) -> None:
    hook = Hook(AlertmanagerForm(), lambda names: Answer(status, "no") if "c-0" in names else TAKEN)
    every = story("a-0", "b-0", "c-0", "d-0", "c-9")
    assert hook.courier.deliver(every, 100.0) == Delivery(4, [(every[2], f"answers {status}: no")], [])
    assert [name for names in hook.requests if "c-0" not in names for name in names] == ["a-0", "b-0", "d-0", "c-9"]


def test_a_wrong_token_is_not_tried_for_each_alert() -> None:
    hook = Hook(AlertmanagerForm(), lambda _: Answer(401))
    every = story("a-0", "b-0")
    assert hook.courier.deliver(every, 10.0).refused == [(one, "answers 401") for one in every]
    assert len(hook.requests) == 1


def test_a_key_is_of_the_transitions_alone() -> None:
    one = transition(3)
    assert idempotency_key([one]) == "0123456789abcdef-3" == idempotency_key([transition(3, value=0.0)])
    assert idempotency_key(story("a-0", "b-0")) == idempotency_key(story("a-0", "b-0"))
    keys = [idempotency_key(some) for some in (story("a-0", "b-0"), story("b-0", "a-0"), story("a-0", "b-1"))]
    assert len({*keys}) == 3


names = st.tuples(st.sampled_from("abc"), st.integers(0, 5), st.integers(-3, 9))


@given(st.lists(names))
def test_transitions_are_told_once_and_in_sequence(drawn: Sequence[tuple[str, int, int]]) -> None:
    """Even if the times of an incident contradict its sequence."""
    made = [transition(number, incident_id=name, event_time=START + moment) for name, number, moment in drawn]
    found = in_order(made)
    last = {(one.incident_id, one.sequence): one for one in made}
    assert sorted(found, key=str) == sorted(last.values(), key=str)
    for name in "abc":
        sequences = [one.sequence for one in found if one.incident_id == name]
        assert sequences == sorted(sequences)
    if all(one.event_time == START + one.sequence for one in made):
        assert [one.event_time for one in found] == sorted(one.event_time for one in found)
