"""Pulls on their way through the local runner: the watermark, and when they are acknowledged."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions

from pipeline.graph import build, outputs_of
from pipeline.sources.event_time import event_times_us
from pipeline.sources.local_pubsub import LocalSubscription, ReadLocalPubSub
from pipeline.sources.subscriber import Received
from telemetry.model.messages import Message
from tests.support import oracle
from tests.support.jobs import config_of, ndjson
from transforms.decode import decode_once
from transforms.decode.codec import DecodedBatch, decode
from transforms.decode.decode_once import forget

METRICS = ("temp",)


class Pulls:
    """Hands out pulls that were prepared, as the thread that pulls would."""

    def __init__(self, *pulls: list[Message]) -> None:
        self.left = [Received(messages, [message.message_id for message in messages]) for messages in pulls]
        self.handed_out: list[str] = []
        self.acknowledged: list[str] = []
        self.given_back: list[str] = []
        self.outstanding = self.most_outstanding = 0
        self.failed = None
        self.is_drained = False

    def next(self, timeout_s: float) -> Received | None:
        if not self.left:
            self.is_drained = True
            return None
        received = self.left.pop(0)
        self.handed_out += received.ack_ids
        self.most_outstanding = max(self.most_outstanding, len(self.handed_out) - len(self.acknowledged))
        return received

    def acknowledge(self, ack_ids: list[str]) -> None:
        self.acknowledged += ack_ids

    def give_back(self, ack_ids: list[str]) -> None:
        self.given_back += ack_ids

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def cancel(self) -> None: ...

    def close(self) -> None: ...


def message(name: str, *times: float, **attributes: str) -> Message:
    rows = [{"ts": ts, "device": "a", "temp": 20.0} for ts in times]
    return Message(ndjson(rows), attributes, name, 2_000_000_000_000_000)


def run(pulls: Pulls, out: Path, *flags: object) -> list[list[Any]]:
    """Run the job on pulls; returns the panes as [window start, count, timing, pane]."""
    config = config_of("--subscription", "projects/p/subscriptions/abc", "--output", out, *flags)
    subscription = LocalSubscription(pulls, config.metrics, config.watermark_lag_us, 300_000)  # type: ignore[arg-type]
    source = ReadLocalPubSub(subscription)
    source.start()
    try:
        options = PipelineOptions(["--project", "a-test-project"], streaming=True)
        pipeline = beam.Pipeline(runner="BundleBasedDirectRunner", options=options)
        build(pipeline, source, config, outputs_of(config), "a-job")
        pipeline.run().wait_until_finish()
        subscription.finish(succeeded=True)
    finally:
        source.stop()
    rows = oracle.read_output(out, "aggregates").to_dict("records")
    return sorted([r["window_start"] / 1e6, r["count"], r["timing"], r["pane_index"]] for r in rows)


@pytest.mark.parametrize(
    ("lag", "panes"),
    [
        ("0s", [[60.0, 1, "on_time", 0], [60.0, 2, "late", 1], [120.0, 1, "on_time", 0]]),
        ("10s", [[60.0, 1, "on_time", 0], [60.0, 2, "late", 1], [120.0, 1, "on_time", 0]]),
        ("11s", [[60.0, 2, "on_time", 0], [120.0, 1, "on_time", 0]]),
    ],
)
def test_the_watermark_stays_behind_the_newest_message(lag: str, panes: list[list[Any]], tmp_path: Path) -> None:
    pulls = Pulls([message("m0", 70)], [message("m1", 130)], [message("m2", 75)])
    assert run(pulls, tmp_path, "--watermark-lag", lag) == panes


def test_the_watermark_follows_the_smallest_time_of_a_message(tmp_path: Path) -> None:
    """A message of a minute's readings does not make those of the next message late."""
    pulls = Pulls([message("m0", 70, 500)], [message("m1", 80, 510)])
    assert run(pulls, tmp_path, "--watermark-lag", "0s", "--allowed-lateness", "0s")[0] == [60.0, 2, "on_time", 0]


def test_messages_of_one_pull_are_not_late_by_one_another(tmp_path: Path) -> None:
    pulls = Pulls([message("m0", 5_000), message("m1", 70), message("m2", 75)])
    flags = ("--watermark-lag", "0s", "--allowed-lateness", "0s")
    assert run(pulls, tmp_path, *flags) == [[60.0, 2, "on_time", 0], [4980.0, 1, "on_time", 0]]


def test_a_broken_clock_makes_nobody_else_late(tmp_path: Path) -> None:
    """A time that the decoder rejects does not move the watermark."""
    pulls = Pulls([message("m0", 70)], [message("m1", 4e9)], [message("m2", 75)])
    assert run(pulls, tmp_path, "--watermark-lag", "0s", "--allowed-lateness", "0s") == [[60.0, 2, "on_time", 0]]


def test_pulls_are_acknowledged_one_after_another_while_the_stream_goes_on(tmp_path: Path) -> None:
    pulls = Pulls(*([message(f"m{n}", 70 + n)] for n in range(20)))
    run(pulls, tmp_path)
    assert pulls.acknowledged == [f"m{n}" for n in range(20)]
    assert pulls.given_back == []
    assert pulls.most_outstanding <= 3, "one at work, one ready, one just taken"


def first_of_two_done() -> tuple[Pulls, LocalSubscription]:
    pulls = Pulls([message("m0", 70)], [message("m1", 80)])
    subscription = LocalSubscription(pulls, METRICS, 0, None)  # type: ignore[arg-type]
    events = subscription.read_multiple(None)
    while len(pulls.handed_out) < 2:
        next(events)
    subscription.done(0)
    return pulls, subscription


def test_what_was_not_done_is_given_back() -> None:
    pulls, subscription = first_of_two_done()
    subscription.finish(succeeded=False)
    assert (pulls.acknowledged, pulls.given_back) == (["m0"], ["m1"])


def test_a_mark_after_a_failure_acknowledges_nothing() -> None:
    """The local runner hands out the next event while it reports that a step has failed."""
    pulls, subscription = first_of_two_done()
    subscription.fail()
    subscription.done(1)
    subscription.finish(succeeded=False)
    assert (pulls.acknowledged, pulls.given_back) == (["m0"], ["m1"])


def test_a_pull_that_is_taken_again_is_the_same() -> None:
    """The runner tries a bundle again when a step fails."""
    pulls = Pulls([message("m0", 70), message("m1", 65)])
    subscription = LocalSubscription(pulls, METRICS, 0, None)  # type: ignore[arg-type]
    events = subscription.read_multiple(None)
    while not pulls.handed_out:
        next(events)
    next(events)
    taken = subscription.take(0)
    assert [(m.message_id, moment) for m, moment in taken] == [("m0", 70_000_000), ("m1", 65_000_000)]
    assert subscription.take(0) == taken
    subscription.finish(succeeded=False)


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (message("m", 70, 65), 65_000_000),
        (message("m", 70, event_time="12345"), 12_345_000),
        (message("m", 70, event_time="1970-01-01T00:00:10+00:00"), 10_000_000),
        (message("m", 70, event_time="1970-01-01T00:00:10Z"), 10_000_000),
        (message("m", 70, event_time="soon"), None),
        (message("m", 70, event_time="-5"), None),
        (message("m", 70, event_time="99999999999999"), None),
        (message("m", 70, time_shift="5.5"), 75_500_000),
        (Message(b"nonsense"), None),
        (Message(b'nonsense\n{"ts":5,"device":"a"}'), 5_000_000),
    ],
)
def test_the_event_time_of_a_message(sent: Message, expected: int | None) -> None:
    try:
        assert event_times_us([sent], METRICS) == [expected]
    finally:
        forget([sent])


TELLING = Message(b'{"ts":7,"device":"a"}', {"event_time": "12345"})
BARE = Message(b'{"ts":8,"device":"a","temp":1}\n{"ts":6.5,"device":"b","temp":2}')
REJECTED = Message(b'{"ts":9,"device":"a","temp":"warm"}')


def test_the_times_of_a_pull_are_those_of_each_message_alone() -> None:
    pull = [TELLING, BARE, Message(b"x"), REJECTED, message("m", 70, 65), *(message(f"m{n}", 60 + n) for n in range(9))]
    try:
        together = event_times_us(pull, METRICS)
        assert together == [time_us for one in pull for time_us in event_times_us([one], METRICS)]
        assert together[:5] == [12_345_000, 6_500_000, None, None, 65_000_000]
    finally:
        forget(pull)


def test_a_message_without_attributes_is_decoded_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[list[str]] = []

    def counting(messages: Sequence[Message], metrics: tuple[str, ...]) -> DecodedBatch:
        calls.append([one.message_id for one in messages])
        return decode(messages, metrics)

    monkeypatch.setattr(decode_once, "decode", counting)
    pulls = Pulls([message("m0", 70), message("m1", 80)], [message("m2", 85, event_time="85000")], [message("m3", 90)])
    assert run(pulls, tmp_path) == [[60.0, 4, "on_time", 0]]
    assert sorted(calls) == [["m0", "m1"], ["m2"], ["m3"]]
    assert decode_once._AHEAD == {}


def test_large_pulls_are_decoded_once_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []

    def counting(messages: Sequence[Message], metrics: tuple[str, ...]) -> DecodedBatch:
        calls.extend(one.message_id for one in messages)
        return decode(messages, metrics)

    monkeypatch.setattr(decode_once, "decode", counting)
    monkeypatch.setattr(decode_once, "GROUP_BYTES", 100)
    monkeypatch.setattr("transforms.decode.decode_messages.GROUP_BYTES", 100)
    pulls = Pulls([message(f"m{n}", 60 + n) for n in range(20)])
    assert run(pulls, tmp_path) == [[60.0, 20, "on_time", 0]]
    assert sorted(calls) == sorted(f"m{n}" for n in range(20))


def test_duplicates_are_removed_from_what_was_decoded_ahead(tmp_path: Path) -> None:
    twice = [message("m0", 70), message("m1", 80), message("m0", 70)]
    assert run(Pulls(twice), tmp_path, "--dedup", "10m") == [[60.0, 2, "on_time", 0]]
