"""Pulls on their way through the local runner: the watermark, and when they are acknowledged."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions

from pipeline.beam_patches.registry import CACHE_DOFN_SIGNATURES, CACHE_TYPE_OPTIONS, patched
from pipeline.graph import build, outputs_of
from pipeline.sources.event_time import NO_TIME_US, event_times_us
from pipeline.sources.local_pubsub import ReadLocalPubSub
from pipeline.sources.local_stream import LocalStream
from pipeline.sources.stream_rules import StreamRules
from pipeline.sources.stream_timing import StreamTiming
from telemetry.model.message_batch import MessageBatch
from telemetry.model.messages import Message
from telemetry.rules.parse import load_rules
from telemetry.rules.timeline import ALWAYS_US, RulesChange
from telemetry.text.timestamps import ClockBounds
from tests.support import oracle
from tests.support.jobs import config_of
from tests.support.pulls import Pulls, message
from transforms.decode import codec, decode_once
from transforms.decode.codec import DecodedBatch
from transforms.decode.decode_spec import DecodeSpec
from transforms.incidents.change_bytes import encode_change

METRICS = ("temp",)
NO_SKEW = DecodeSpec(METRICS, ClockBounds(skew_us=0))


def stream_of(
    pulls: Pulls,
    spec: DecodeSpec = NO_SKEW,
    lag_us: int = 0,
    idle_us: int | None = None,
) -> LocalStream:
    """Return a stream without state."""
    rules = load_rules(None)
    told = StreamRules(rules, encode_change(RulesChange(ALWAYS_US, rules)))
    return LocalStream(pulls, spec, StreamTiming(lag_us, idle_us, 1_000_000), told)  # type: ignore[arg-type]


def run(pulls: Pulls, out: Path, *flags: object) -> list[list[Any]]:
    """Run the job on pulls; returns the panes as [window start, count, timing, pane]."""
    config = config_of("--subscription", "projects/p/subscriptions/abc", "--output", out, *flags)
    stream = stream_of(pulls, config.decoding, config.watermark_lag_us, 300_000)
    source = ReadLocalPubSub(stream)
    source.start()
    try:
        options = PipelineOptions(["--project", "a-test-project"], streaming=True)
        pipeline = beam.Pipeline(runner="BundleBasedDirectRunner", options=options)
        with patched(CACHE_DOFN_SIGNATURES), patched(CACHE_TYPE_OPTIONS):
            build(pipeline, source, config, outputs_of(config), "a-job")
            pipeline.run().wait_until_finish()
        stream.finish(succeeded=True)
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


def at_the_second_of_two() -> tuple[Pulls, LocalStream]:
    """The first pull has gone through the graph, and the runner has begun with the second."""
    pulls = Pulls([message("m0", 70)], [message("m1", 80)])
    stream = stream_of(pulls)
    number = 0
    for event in stream.read_multiple(None):
        if event.HasField("element_event"):
            stream.take(number)
            number += 1
        if len(pulls.handed_out) == 2 and number == 2:
            break
    return pulls, stream


def test_what_was_not_done_is_given_back() -> None:
    pulls, stream = at_the_second_of_two()
    stream.finish(succeeded=False)
    assert (pulls.acknowledged, pulls.given_back) == (["m0"], ["m1"])


def test_what_is_done_is_acknowledged_at_the_end() -> None:
    pulls, stream = at_the_second_of_two()
    stream.finish(succeeded=True)
    assert (pulls.acknowledged, pulls.given_back) == (["m0", "m1"], [])


def test_an_event_after_a_failure_acknowledges_nothing() -> None:
    """The local runner hands out the next event while it reports that a step has failed."""
    pulls, stream = at_the_second_of_two()
    stream.fail()
    assert stream.take(2) is None
    stream.finish(succeeded=False)
    assert (pulls.acknowledged, pulls.given_back) == (["m0"], ["m1"])


def test_a_pull_that_is_taken_again_is_the_same() -> None:
    """The runner tries a bundle again when a step fails."""
    stream = stream_of(Pulls([message("m0", 70), message("m1", 65)]))
    next(event for event in stream.read_multiple(None) if event.HasField("element_event"))
    taken = stream.take(0)
    assert isinstance(taken, tuple)
    assert ([one.message_id for one in taken[0]], taken[1]) == (["m0", "m1"], 65_000_000)
    assert stream.take(0) == taken
    stream.finish(succeeded=False)


def test_one_mark_is_sent_behind_the_last_pull_of_a_stopped_stream() -> None:
    stream = stream_of(Pulls([message("m0", 70)]))
    events = stream.read_multiple(None)
    next(event for event in events if event.HasField("element_event"))
    stream.take(0)
    stream.stop()
    next(event for event in events if event.HasField("element_event"))
    following = [next(events).WhichOneof("event") for _ in range(3)]
    assert "element_event" not in following, "the runner is still at work"
    stream.finish(succeeded=False)


class BrokenSourceError(Exception):
    """A defect in the source."""


def test_an_error_of_the_source_gives_back_what_it_had(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise BrokenSourceError

    monkeypatch.setattr("pipeline.sources.intake.pull_times", broken)
    pulls = Pulls([message("m0", 70)])
    stream = stream_of(pulls)
    list(stream.read_multiple(None))
    stream.finish(succeeded=True)
    assert isinstance(stream.error, BrokenSourceError)
    assert (pulls.acknowledged, pulls.given_back) == ([], ["m0"])


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
    assert times_of(sent) == [expected]


def times_of(*messages: Message) -> list[int | None]:
    times = event_times_us(MessageBatch.of(messages), DecodeSpec(METRICS)).tolist()
    return [None if time == NO_TIME_US else time for time in times]


TELLING = Message(b'{"ts":7,"device":"a"}', {"event_time": "12345"})
BARE = Message(b'{"ts":8,"device":"a","temp":1}\n{"ts":6.5,"device":"b","temp":2}')
REJECTED = Message(b'{"ts":9,"device":5,"temp":1}')


def test_the_times_of_a_pull_are_those_of_each_message_alone() -> None:
    pull = [TELLING, BARE, Message(b"x"), REJECTED, message("m", 70, 65), *(message(f"m{n}", 60 + n) for n in range(9))]
    together = times_of(*pull)
    assert together == [time_us for one in pull for time_us in times_of(one)]
    assert together[:5] == [12_345_000, 6_500_000, None, None, 65_000_000]


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Return the ids of the messages of each call of the decoder."""
    calls: list[list[str]] = []

    def counting(messages: MessageBatch, *settings: Any) -> Iterator[DecodedBatch]:
        calls.append(list(messages.ids))
        return codec.decode_parts(messages, *settings)

    monkeypatch.setattr(decode_once, "decode_parts", counting)
    return calls


def test_a_pull_without_attributes_is_decoded_once(decoded: list[list[str]], tmp_path: Path) -> None:
    pulls = Pulls([message("m0", 70), message("m1", 80)], [message("m2", 85, event_time="85000")], [message("m3", 90)])
    assert run(pulls, tmp_path) == [[60.0, 4, "on_time", 0]]
    assert sorted(decoded) == [["m0", "m1"], ["m2"], ["m3"]]


def test_large_pulls_are_decoded_once_as_well(
    decoded: list[list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(codec, "GROUP_BYTES", 100)
    pulls = Pulls([message(f"m{n}", 60 + n) for n in range(20)])
    assert run(pulls, tmp_path) == [[60.0, 20, "on_time", 0]]
    assert sorted(name for call in decoded for name in call) == sorted(f"m{n}" for n in range(20))


def test_duplicates_are_removed_from_what_was_decoded_ahead(tmp_path: Path) -> None:
    twice = [message("m0", 70), message("m1", 80), message("m0", 70)]
    assert run(Pulls(twice), tmp_path, "--dedup", "10m") == [[60.0, 2, "on_time", 0]]
