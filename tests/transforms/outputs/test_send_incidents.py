"""Transitions on their way to webhooks: in batches and streams, through outages, and what becomes of the rest."""

import base64
import json
import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pyarrow as pa
import pytest
from apache_beam.coders import PickleCoder
from apache_beam.testing import test_stream

from pipeline.beam_patches import keep_state
from telemetry.model.record_batches import to_json_lines
from telemetry.model.records import Incident
from telemetry.retries import RetryPolicy
from telemetry.webhooks.webhook import Webhook
from tests.support.counting import Tally
from tests.support.receivers import Received, Receiver, Reply
from tests.support.records import batch_of, transition
from tests.support.run_transform import run_transform
from transforms.outputs.send_incidents import SendIncidents, _SendGathered
from transforms.shuffle.processing_time import processing_time

STORY = [transition(0), transition(1), transition(2, state="closed")]
ONCE = RetryPolicy(patience_s=0.0, first_pause_s=0.0, longest_pause_s=0.0)
BRIEFLY = RetryPolicy(patience_s=10.0, first_pause_s=0.001, longest_pause_s=0.001)
DOWN = Reply(503, body=b"down")


def run_bounded(batches: Sequence[pa.RecordBatch], sink: SendIncidents) -> list[dict[str, Any]]:
    return letters(run_transform(list(batches), sink))


def run_stream(events: Iterable[pa.RecordBatch | float], sink: SendIncidents) -> list[dict[str, Any]]:
    """Run a stream of batches and of seconds of processing time between them; return its dead letters."""
    stream = test_stream.TestStream(coder=PickleCoder())
    for event in events:
        if isinstance(event, pa.RecordBatch):
            stream.add_elements([event])
        else:
            stream.advance_processing_time(event)
    stream.advance_watermark_to_infinity()
    runner = keep_state.RunnerState("", {})
    with keep_state.patch(runner), processing_time(runner.clock_s):
        return letters(run_transform(stream, sink))


def letters(outputs: dict[str, list[pa.RecordBatch]]) -> list[dict[str, Any]]:
    found = [row for batch in outputs.pop("dead_letters") for row in batch.to_pylist()]
    assert outputs == {}
    return sorted(found, key=lambda row: row["message_id"])


def sink_to(*receivers: Receiver, path: str = "/hook", **options: Any) -> SendIncidents:
    return SendIncidents(tuple(Webhook(receiver.address + path) for receiver in receivers), **options)


def told(receiver: Receiver) -> list[str]:
    """``incident-sequence`` of each request, as its key says."""
    return [request.headers["Idempotency-Key"] for request in receiver.received]


def stream_of_batches(batches: Sequence[pa.RecordBatch], sink: SendIncidents) -> list[dict[str, Any]]:
    return run_stream([event for batch in batches for event in (batch, 1.0)], sink)


Run = Callable[[Sequence[pa.RecordBatch], SendIncidents], list[dict[str, Any]]]
RUNS = pytest.mark.parametrize("run", [run_bounded, stream_of_batches], ids=["bounded", "stream"])


def some(number: int) -> list[Incident]:
    """Openings and closings of several incidents, in the order of time."""
    opened = [transition(0, incident_id=f"{n:02}") for n in range(number)]
    return [*opened, *(transition(1, incident_id=f"{n:02}", state="closed") for n in range(number))]


@RUNS
def test_each_webhook_is_told_openings_and_closings_once(run: Run, tally: Tally) -> None:
    every = some(7)
    with Receiver() as first, Receiver() as second:
        assert run([batch_of(*every[:5]), batch_of(*every[5:])], sink_to(first, second)) == []
    for receiver in (first, second):
        keys = told(receiver)
        assert sorted(keys) == sorted(f"{one.incident_id}-{one.sequence}" for one in every)
        assert all(keys.index(f"{n:02}-0") < keys.index(f"{n:02}-1") for n in range(7))
    assert tally.counts == {"alerts_sent": 28}
    assert {request.content["status"] for request in first.received} == {"firing", "resolved"}


@RUNS
def test_a_batch_in_any_order_is_told_in_order(run: Run) -> None:
    with Receiver() as receiver:
        run([batch_of(*reversed(STORY))], sink_to(receiver))
    assert told(receiver) == ["0123456789abcdef-0", "0123456789abcdef-2"]


def test_alertmanager_is_told_what_a_stream_has_gathered_in_one_request(tally: Tally) -> None:
    with Receiver() as receiver:
        batches = [batch_of(one) for one in STORY]
        assert run_stream([*batches, 0.1, 1.0], sink_to(receiver, path="/api/v2/alerts")) == []
    (request,) = receiver.received
    assert [one["annotations"]["state"] for one in request.content] == ["opened", "updated", "closed"]
    assert tally.counts == {"alerts_sent": 3}


def test_a_stream_tries_again_after_growing_pauses(tally: Tally, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    with Receiver(lambda number, _: DOWN if number < 4 else Reply()) as receiver:
        moments: list[pa.RecordBatch | float] = [batch_of(STORY[0]), 0.5, *[1.0] * 7]
        assert run_stream(moments, sink_to(receiver)) == []
    assert told(receiver) == ["0123456789abcdef-0"] * 5  # at 0.5, 1.5, 3.5 and 7.5 s, and at the end
    assert tally.counts == {"alerts_sent": 1, "webhook_failures": 4}
    shown = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert [text for text in shown if "alerts wait" in text] == [
        f"{receiver.address}/hook: answers 503: down; its alerts wait"
    ]


def test_a_later_closing_waits_behind_the_opening() -> None:
    with Receiver(lambda number, _: DOWN if number < 2 else Reply()) as receiver:
        events = [batch_of(STORY[0]), 0.5, batch_of(STORY[2]), 0.5, 1.0, 2.0, 4.0]
        assert run_stream(events, sink_to(receiver)) == []
    assert told(receiver) == ["0123456789abcdef-0"] * 3 + ["0123456789abcdef-2"]


def dead_of(receiver: Receiver, one: Incident, cause: str, row: dict[str, Any]) -> bool:
    """Whether a dead letter is that of a transition, and can be published again."""
    assert (row["reason"], row["stage"], row["line"]) == ("not_delivered", "alerts", None)
    assert row["error"] == f"{receiver.address}/hook: cannot be delivered to: {cause}"
    assert base64.b64decode(row["payload"]) == to_json_lines(batch_of(one)).removesuffix(b"\n")
    attributes = json.loads(row["attributes"])
    assert (attributes["incident_id"], attributes["sequence"]) == (one.incident_id, str(one.sequence))
    return True


def test_what_waits_longer_than_patience_is_a_dead_letter(tally: Tally) -> None:
    def answers(_number: int, request: Received) -> Reply:
        return Reply() if request.content["alerts"][0]["labels"]["incident_id"] == "later" else DOWN

    later = transition(0, incident_id="later")
    with Receiver(answers) as receiver:
        events = [batch_of(STORY[0]), *[60.0] * 61, batch_of(later), 1.0]
        found = run_stream(events, sink_to(receiver, at_end=ONCE))
    assert [dead_of(receiver, STORY[0], "answers 503: down", row) for row in found] == [True]
    assert told(receiver)[-1] == "later-0"
    assert 60 <= len(told(receiver)) <= 70  # once a minute for an hour
    assert tally.counts == {
        "alerts_sent": 1,
        "dead_letters/not_delivered": 1,
        "webhook_failures": len(told(receiver)) - 1,
    }


@pytest.mark.parametrize(("patience_us", "number"), [(3_600_000_000, 0), (0, 1)])
def test_patience_is_an_option(patience_us: int, number: int) -> None:
    with Receiver(lambda number, _: DOWN if number < 1 else Reply()) as receiver:
        assert len(run_stream([batch_of(STORY[0]), 1.0, 5.0], sink_to(receiver, patience_us=patience_us))) == number


def test_at_the_end_of_a_stream_what_waits_is_tried_once_more(tally: Tally) -> None:
    with Receiver(lambda number, _: DOWN if number < 3 else Reply()) as receiver:
        assert run_stream([batch_of(STORY[0]), 0.5], sink_to(receiver, at_end=BRIEFLY)) == []
    assert told(receiver) == ["0123456789abcdef-0"] * 4
    assert tally.counts == {"alerts_sent": 1, "webhook_failures": 3}


def test_at_the_end_of_a_stream_the_rest_is_dead_letters() -> None:
    with Receiver(lambda *_: DOWN) as receiver:
        found = run_stream([batch_of(STORY[0], STORY[2]), 0.5], sink_to(receiver, at_end=ONCE))
    assert [dead_of(receiver, *pair) for pair in zip(STORY[::2], ["answers 503: down"] * 2, found, strict=True)]


@RUNS
def test_what_a_webhook_refuses_is_a_dead_letter_at_once(run: Run, tally: Tally) -> None:
    with Receiver(lambda *_: Reply(404, body=b"no such hook")) as receiver:
        (found,) = run([batch_of(STORY[0])], sink_to(receiver))
    assert dead_of(receiver, STORY[0], "answers 404: no such hook", found)
    assert len(receiver.received) == 1
    assert tally.counts == {"dead_letters/not_delivered": 1}


@RUNS
def test_a_redirect_to_another_host_is_not_followed(run: Run) -> None:
    with Receiver() as other, Receiver(lambda *_: Reply(307, {"Location": other.address})) as receiver:
        (found,) = run([batch_of(STORY[0])], sink_to(receiver))
    cause = "answers 307: redirects are not followed, give the address that they lead to"
    assert dead_of(receiver, STORY[0], cause, found)
    assert other.received == []


def test_a_job_on_files_tries_again(tally: Tally) -> None:
    with Receiver(lambda number, _: DOWN if number < 3 else Reply()) as receiver:
        assert run_bounded([batch_of(*STORY)], sink_to(receiver, at_end=BRIEFLY)) == []
    assert told(receiver) == ["0123456789abcdef-0"] * 4 + ["0123456789abcdef-2"]
    assert tally.counts == {"alerts_sent": 2, "webhook_failures": 3}


def test_a_job_on_files_gives_up_and_one_webhook_costs_no_other(tally: Tally) -> None:
    with Receiver() as gone:
        pass
    with Receiver(lambda *_: DOWN) as down, Receiver() as good:
        found = run_bounded([batch_of(*some(5))], sink_to(gone, down, good, at_end=ONCE))
    assert len(told(good)) == 10
    assert [row["error"].partition(": cannot")[0] for row in found].count(f"{down.address}/hook") == 10
    assert {row["error"] for row in found if gone.address in row["error"]} == {
        f"{gone.address}/hook: cannot be delivered to: Connection refused"
    }
    assert len({row["message_id"] for row in found}) == 20
    assert (tally.counts["alerts_sent"], tally.counts["dead_letters/not_delivered"]) == (10, 20)


@RUNS
def test_the_same_bundle_again_has_the_same_keys_and_bodies(run: Run) -> None:
    with Receiver() as receiver:
        for _ in range(2):
            run([batch_of(*STORY)], sink_to(receiver))
    first, second = receiver.received[:2], receiver.received[2:]
    assert [(one.headers["Idempotency-Key"], one.body) for one in first] == [
        (one.headers["Idempotency-Key"], one.body) for one in second
    ]


def test_a_transition_that_comes_twice_to_a_stream_is_told_once() -> None:
    with Receiver() as receiver:
        run_stream([batch_of(STORY[0]), batch_of(STORY[0]), 1.0], sink_to(receiver))
    assert told(receiver) == ["0123456789abcdef-0"]


@RUNS
def test_a_secret_is_in_no_dead_letter_and_no_log(
    run: Run, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("HOOK", "path-s3cret")
    monkeypatch.setenv("KEY", "body-s3cret")
    monkeypatch.setenv("TELEMETRY_WEBHOOK_TOKEN", "token-s3cret")

    def echo(number: int, request: Received) -> Reply:
        status = 503 if number == 0 else 400
        return Reply(status, body=f"{request.path} {request.headers['Authorization']} ".encode() + request.body)

    with Receiver(echo) as receiver:
        webhook = Webhook(f"{receiver.address}/${{HOOK}}?q=query-s3cret", template='{"k": "${env:KEY}"}')
        sink = SendIncidents((webhook,), at_end=ONCE)
        found = run([batch_of(STORY[0]), batch_of(transition(0, incident_id="b"))], sink)
    assert {request.content["k"] for request in receiver.received} == {"body-s3cret"}
    assert all(request.path == "/path-s3cret?q=query-s3cret" for request in receiver.received)
    assert len(found) == 2
    shown = f"{receiver.address}/${{HOOK}}: cannot be delivered to: answers "
    assert all(row["error"].startswith(shown) for row in found)
    assert all(row["error"].endswith(': /***?q=*** Bearer *** {"k": "***"}') for row in found)
    everything = json.dumps(found, default=str) + caplog.text + repr(sink) + str(sink.webhooks)
    assert "s3cret" not in everything


@RUNS
def test_a_worker_without_the_variable_fails_the_job(run: Run) -> None:
    sink = SendIncidents((Webhook("http://${HOST_OF_NOBODY}/x"),))
    problem = r"--alerts-webhook http://\$\{HOST_OF_NOBODY\}/x: the variable HOST_OF_NOBODY is not set"
    with pytest.raises(Exception, match=problem):
        run([batch_of(STORY[0])], sink)


def test_what_waits_for_a_webhook_that_was_removed_is_a_dead_letter(tally: Tally) -> None:
    (batch,) = _SendGathered((Webhook("http://a/"),), ONCE).send_all(7, [STORY[0]])
    (found,) = batch.to_pylist()
    assert found["error"] == "a webhook of an earlier start: cannot be delivered to: the job has it no more"
    assert found["message_id"] == "0123456789abcdef-0-webhook-00000007"
    assert tally.counts == {"dead_letters/not_delivered": 1}
