"""Rules that change while a local stream runs."""

import logging
from pathlib import Path
from typing import Any

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions

from pipeline.backtest.read_readings import read_archive
from pipeline.backtest.stored_rules import read_stored_rules
from pipeline.backtest.time_order import TimeOrder
from pipeline.beam_patches.registry import CACHE_DOFN_SIGNATURES, CACHE_TYPE_OPTIONS, COUNT_EVERY_BUNDLE, patched
from pipeline.graph import build, outputs_of
from pipeline.sources.local_pubsub import ReadLocalPubSub
from pipeline.sources.local_stream import LocalStream
from pipeline.sources.stream_rules import StreamRules
from pipeline.sources.stream_timing import StreamTiming
from pipeline.summary import counts_of
from telemetry.model.kinds import KINDS
from telemetry.model.messages import Message
from telemetry.rules.errors import RuleError
from telemetry.rules.in_force import telling_rules
from telemetry.rules.parse import parse_rules
from telemetry.rules.rule_set import RuleSet
from telemetry.rules.timeline import ALWAYS_US, RulesChange
from telemetry.storage.result_store import FileStore
from tests.support import oracle
from tests.support.incidents import transitions
from tests.support.jobs import config_of, ndjson
from tests.support.pulls import Pulls
from transforms import counters
from transforms.incidents.change_bytes import decode_change
from transforms.incidents.judge_slices import SliceJudge
from transforms.shuffle.deadlines import deadlines

HOT = parse_rules("version: 2\nrules:\n- {id: hot, metric: temp, above: 30}\n")
HOTTER = parse_rules("version: 2\nrules:\n- {id: hot, metric: temp, above: 32}\n- {id: silent, silence: {for: 60s}}\n")
DAMP = parse_rules("version: 2\nrules:\n- {id: damp, metric: humidity, above: 50, for: 20s}\n")
BEGIN_S = 1_600_002_000
Found = RuleSet | RuleError | None


class Watch:
    """Finds changes of a rules file at looks that were prepared."""

    def __init__(self, *found: Found) -> None:
        self.left = list(found)

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def take(self) -> Found:
        return self.left.pop(0) if self.left else None


def pulls_of(number: int) -> Pulls:
    """Pulls of 20 s each: device a goes up and down, device b stops in between."""
    pulls = []
    for pull in range(number):
        rows = []
        for second in range(pull * 20, pull * 20 + 20, 5):
            temp = 27.0 + (second // 15) % 7
            rows.append({"ts": BEGIN_S + second, "device": "a", "temp": temp, "humidity": 40 + (second // 40) % 2 * 20})
            if not 100 < second < 220:
                rows.append({"ts": BEGIN_S + second, "device": "b", "temp": 63 - temp, "humidity": 55})
        pulls.append([Message(ndjson(rows), {}, f"m{pull}", (BEGIN_S + pull * 20 + 20) * 1_000_000)])
    return Pulls(*pulls)


def run(out: Path, rules: StreamRules, pulls: Pulls) -> dict[str, int]:
    """Run the job on pulls until they end, and return its counters."""
    flags = ("--output", out, "--archive", "--metrics", "temp,humidity", "--shards", "3")
    config = config_of("--subscription", "projects/p/subscriptions/abc", *flags)
    timing = StreamTiming(30_000_000, 300_000, 1_000_000)
    stream = LocalStream(pulls, config.decoding, timing, rules)  # type: ignore[arg-type]
    source = ReadLocalPubSub(stream)
    source.start()
    try:
        pipeline = beam.Pipeline(
            runner="BundleBasedDirectRunner",
            options=PipelineOptions(["--project", "a-test-project"], streaming=True),
        )
        with (
            telling_rules(rules.in_force),
            deadlines(stream.deadline_limit_us),
            patched(CACHE_DOFN_SIGNATURES),
            patched(CACHE_TYPE_OPTIONS),
            patched(COUNT_EVERY_BUNDLE),
        ):
            build(pipeline, source, config, outputs_of(config), "a-job")
            result = pipeline.run()
            result.wait_until_finish()
        stream.finish(succeeded=True)
    finally:
        source.stop()
    return counts_of(result)


def judged_again(out: Path) -> list[dict[str, Any]]:
    """Return the transitions of a backtest over the archive, with the rules that are stored beside it."""
    timeline = read_stored_rules(str(out))
    assert timeline is not None
    with TimeOrder(timeline.metrics) as order:
        for some in read_archive([str(out)], timeline.metrics):
            order.add(some)
        judge = SliceJudge(timeline, order.first_us)
        return in_order([one for part in order.slices(50) for one in transitions(judge.judge(part))])


def in_order(told: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted((one | {"job_id": ""} for one in told), key=lambda one: (one["incident_id"], one["sequence"]))


def stored(out: Path) -> list[dict[str, Any]]:
    table = FileStore(str(out)).read("incidents", KINDS["incidents"].schema().names)
    return in_order([one for batch in table.to_batches() for one in transitions(batch)])


def test_a_backtest_with_the_stored_rules_gives_the_incidents_of_the_job(tmp_path: Path) -> None:
    watch = Watch(None, DAMP, *[None] * 3, HOTTER, None, RuleError("broken"), *[None] * 5, HOT)
    rules = StreamRules(HOT, watch=watch)  # type: ignore[arg-type]
    run(tmp_path, rules, pulls_of(16))
    told, again = stored(tmp_path), judged_again(tmp_path)
    assert told == again
    assert {one["rules_version"] for one in told} == {HOT.version, HOTTER.version, DAMP.version}
    assert {one["rule_id"] for one in told} == {"hot", "silent", "damp"}
    assert "rule-changed" in {one["reason"] for one in told}


def test_the_rules_that_came_into_force_are_stored_in_their_order(tmp_path: Path) -> None:
    run(tmp_path, StreamRules(HOT, watch=Watch(None, None, HOTTER, DAMP, None)), pulls_of(5))  # type: ignore[arg-type]
    timeline = read_stored_rules(str(tmp_path))
    assert timeline is not None
    assert [(change.sequence, change.rules) for change in timeline.changes] == [(1, HOT), (2, HOTTER), (3, DAMP)]
    assert timeline.changes[0].since_us == ALWAYS_US
    assert timeline.changes[1].since_us < timeline.changes[2].since_us


def test_single_readings_are_flagged_by_the_rules_of_the_moment(tmp_path: Path) -> None:
    run(tmp_path, StreamRules(HOT, watch=Watch(None, HOTTER)), pulls_of(3))  # type: ignore[arg-type]
    found = oracle.read_output(tmp_path, "anomalies")
    flagged = {(version, (time_us // 1_000_000 - BEGIN_S) // 20) for version, time_us in zip(
        found["rules_version"], found["event_time"], strict=True)}  # fmt: skip
    assert flagged == {(HOT.version, 0), (HOT.version, 1), (HOTTER.version, 2)}


def test_rules_that_cannot_be_used_change_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "pipeline.rules"):
        counts = run(tmp_path, StreamRules(HOT, watch=Watch(None, RuleError("line 3: no"), None)), pulls_of(3))  # type: ignore[arg-type]
    assert caplog.messages == ["the rules stay as they are: line 3: no"]
    assert counts[counters.RULES_REFUSED] == 1
    timeline = read_stored_rules(str(tmp_path))
    assert timeline is not None
    assert [change.rules for change in timeline.changes] == [HOT]


def test_a_stream_that_goes_on_begins_with_the_rules_that_it_had() -> None:
    first = StreamRules(HOT)
    told = first.next_change(1)
    assert told is not None
    first.note_told(told)
    again = StreamRules(HOTTER, first.told)
    assert again.begun == again.in_force() == HOT
    change = again.next_change(5)
    assert change is not None
    again.put_in_force(change)
    assert again.in_force() == HOTTER


def test_rules_that_stayed_the_same_are_no_change() -> None:
    rules = StreamRules(HOT, StreamRules(HOT).next_change(1) or b"")
    assert rules.next_change(5) is None


def test_a_new_stream_tells_its_rules_when_it_has_begun() -> None:
    rules = StreamRules(HOT)
    assert rules.next_change(None) is None
    told = rules.next_change(5)
    assert told is not None
    assert decode_change(told) == RulesChange(ALWAYS_US, HOT), "the steps had them from the beginning"
    assert rules.next_change(5) is None, "once"


def test_rules_that_change_before_the_first_message_judge_it() -> None:
    rules = StreamRules(HOT, watch=Watch(HOTTER))  # type: ignore[arg-type]
    for change in (RulesChange(ALWAYS_US, HOT), RulesChange(ALWAYS_US, HOTTER, 2)):
        told = rules.next_change(None)
        assert told is not None
        assert decode_change(told) == change
        rules.note_told(told)
