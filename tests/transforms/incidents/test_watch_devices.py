"""The step of incidents: files and streams give what the kernel gives, whatever the batches, shards and watermarks."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pytest
from apache_beam.coders import PickleCoder
from apache_beam.testing import test_stream
from apache_beam.utils.timestamp import Timestamp
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from telemetry.model.message_batch import MessageBatch
from telemetry.model.messages import Message
from telemetry.model.metric_info import MetricCatalog, MetricInfo
from telemetry.model.reading_batch import ReadingBatch
from telemetry.rules.parse import parse_rules
from telemetry.rules.timeline import RulesChange, RulesTimeline
from tests.support.batches import NAN, Row, batch_of
from tests.support.counting import Tally
from tests.support.incidents import is_apart, told_of_roster, transitions
from tests.support.run_transform import run_transform
from transforms import counters
from transforms.incidents import watch_devices
from transforms.incidents.advance import advance
from transforms.incidents.change_bytes import encode_change
from transforms.incidents.change_rules import with_rules
from transforms.incidents.judge_slices import SliceJudge
from transforms.incidents.rows_bytes import join_rows
from transforms.incidents.time_slices import TimeSlice, cut_run, merge_runs
from transforms.incidents.warm_states import write_warm_state
from transforms.incidents.watch_devices import WatchDevices
from transforms.incidents.watched_rows import watched_rows
from transforms.shuffle.deadlines import deadlines
from transforms.shuffle.shards import shard_of

SECOND = 1_000_000
START = 1_600_002_000 * SECOND
RULES = parse_rules(
    """
version: 2
roster: [a, b, never]
incidents: {reopen: 20s, update_every: 30s}
rules:
  - {id: hot, metric: temp, above: 30, clear: 29, for: 10s, keep: 10s}
  - {id: silent, silence: {for: 25s, grace: 60s}}
  - {id: damp, metric: humidity, window: {statistic: mean, length: 20s}, above: 50}
"""
)
OTHER_RULES = parse_rules(
    """
version: 2
roster: [a, b, never]
incidents: {reopen: 20s, update_every: 30s}
rules:
  - {id: hot, metric: temp, above: 32}
  - {id: silent, silence: {for: 25s, grace: 60s}}
  - {id: rather-damp, metric: humidity, above: 50, keep: 10s}
"""
)
LAG = 15 * SECOND


def drawn_rows(seed: int, count: int = 120) -> list[Row]:
    """Readings of three devices over some minutes, with gaps, in the order of their times."""
    rng = np.random.default_rng(seed)
    moments = START + np.sort(rng.choice(300_000, count, replace=False)) * 1_000
    temps = rng.choice([28.0, 29.5, 31.0, 33.0, NAN], count, p=[0.3, 0.2, 0.25, 0.2, 0.05])
    damp = rng.choice([40.0, 55.0, NAN], count)
    devices = rng.choice(["a", "b", "c"], count, p=[0.5, 0.3, 0.2])
    return list(zip(devices.tolist(), moments.tolist(), damp.tolist(), temps.tolist(), strict=True))


def out_of_order(rows: Sequence[Row], seed: int) -> list[Row]:
    """Return readings in another order, in which none is late."""
    delays = np.random.default_rng(seed).integers(0, LAG, len(rows))
    order = np.argsort([row[1] for row in rows] + delays, kind="stable")
    return [rows[index] for index in order]


def cut(rows: Sequence[Row], size: int) -> list[list[Row]]:
    return [list(rows[n : n + size]) for n in range(0, len(rows), size)]


def expected(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Return the transitions of one call of the kernel, and of one for the roster, up to the last reading."""
    state, _ = with_rules(RULES, expected=RULES.roster.devices if RULES.roster else ())
    watched = join_rows([watched_rows(batch_of(rows), RULES.metrics)], RULES.metrics)
    last_us = max(row[1] for row in rows)
    _, batch = advance(RULES, state, watched, last_us + 1)
    told = [one for one in transitions(batch) if not is_apart(RULES, one)]
    return sorted([*told, *told_of_roster(RULES, watched, last_us)], key=by_incident)


def in_order(batches: Sequence[pa.RecordBatch | None]) -> list[dict[str, Any]]:
    """Return all transitions in one order, without their job."""
    found = [one | {"job_id": ""} for batch in batches for one in transitions(batch)]
    return sorted(found, key=by_incident)


def by_incident(one: dict[str, Any]) -> tuple[str, int]:
    return one["incident_id"], one["sequence"]


def arriving(rows: Sequence[Row], watermark_us: int | None) -> ReadingBatch:
    batch = batch_of(rows)
    message = Message(b"", {}, "m", None, watermark_us)
    return ReadingBatch(
        batch.metrics, batch.devices, batch.device, batch.event_us, batch.source_us, batch.values,
        MessageBatch.of([message]), batch.message, batch.line,
    )  # fmt: skip


def stream(
    groups: Sequence[Sequence[Row]],
    *,
    told: bool,
    ends: bool = True,
    source: test_stream.TestStream | None = None,
    watermark_us: int = START - LAG,
) -> test_stream.TestStream:
    """Return a stream of batches whose watermark follows them; `told` if the batches say what it was."""
    source = source or test_stream.TestStream(coder=PickleCoder())
    for group in groups:
        source.add_elements([arriving(group, watermark_us if told else None)])
        newest_us = max(row[1] for row in group) - LAG
        if newest_us > watermark_us:
            watermark_us = newest_us
            source.advance_watermark_to(Timestamp(micros=watermark_us))
    return source.advance_watermark_to_infinity() if ends else source


def test_the_example_has_incidents_of_each_rule() -> None:
    found = expected(drawn_rows(1))
    assert {one["rule_id"] for one in found} == {"hot", "silent", "damp"}
    assert {one["state"] for one in found} == {"opened", "updated", "closed"}
    assert "never" in {one["device"] for one in found}


@settings(max_examples=10, suppress_health_check=[HealthCheck.too_slow])
@given(
    seed=st.integers(0, 10_000),
    size=st.sampled_from([1, 7, 50, 200]),
    shards=st.sampled_from([1, 3]),
    held=st.sampled_from([5, 30, 1_000]),
)
def test_files_in_any_order_of_their_batches_give_what_the_kernel_gives(
    seed: int, size: int, shards: int, held: int
) -> None:
    """Rows are judged in slices, of blocks of runs: here of this many rows at most."""
    rows = drawn_rows(seed)
    batches = [batch_of(group) for group in cut(rows, size)]
    np.random.default_rng(seed).shuffle(batches)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(watch_devices, "_GATHERED_ROWS", 2 * held)
        patch.setattr(cut_run, "__defaults__", (held,))
        patch.setattr(merge_runs, "__defaults__", (held,))
        found = run_transform(batches, WatchDevices(RULES, shards, "j"), ReadingBatch)
    assert in_order(found["main"]) == expected(rows)


@settings(max_examples=10, suppress_health_check=[HealthCheck.too_slow])
@given(
    seed=st.integers(0, 10_000),
    size=st.sampled_from([1, 7, 50, 200]),
    shards=st.sampled_from([1, 3]),
    told=st.booleans(),
)
def test_a_stream_gives_what_files_give(seed: int, size: int, shards: int, told: bool) -> None:
    rows = drawn_rows(seed)
    last_us = max(row[1] for row in rows)
    groups = cut(out_of_order(rows, seed), size)
    with deadlines(lambda: last_us):
        found = run_transform(stream(groups, told=told), WatchDevices(RULES, shards, "j"), ReadingBatch)
    assert in_order(found["main"]) == expected(rows)


@pytest.mark.parametrize("bounded", [True, False], ids=["files", "stream"])
def test_sentences_have_the_units_of_the_metrics(*, bounded: bool) -> None:
    rules = parse_rules(
        "{version: 2, rules: [{id: leap, metric: temp, unusual: {kind: jump, learn: 5m, half_life: 5m}}]}"
    )
    values = [300.0 + number % 3 for number in range(60)] + [350.0]
    rows = [("a", START + number * 10 * SECOND, 40.0, value) for number, value in enumerate(values)]
    source = [batch_of(rows)] if bounded else stream(cut(rows, 20), told=True)
    watch = WatchDevices(rules, 1, "j", catalog=MetricCatalog({"temp": MetricInfo("K")}))
    with deadlines(lambda: rows[-1][1]):
        (opened, *_) = in_order(run_transform(source, watch, ReadingBatch)["main"])
    assert opened["why"].startswith("350 K; 302.0 at the reading before; ")


def test_silence_is_noticed_when_nothing_else_comes() -> None:
    source = test_stream.TestStream(coder=PickleCoder()).add_elements([arriving([("a", START, 40.0, 20.0)], None)])
    source.advance_watermark_to(Timestamp(micros=START + 60 * SECOND)).advance_watermark_to_infinity()
    with deadlines(lambda: START + 59 * SECOND):
        told = in_order(run_transform(source, WatchDevices(RULES, 1, "j"), ReadingBatch)["main"])
    silent = [one for one in told if one["rule_id"] == "silent"]
    assert [(one["device"], one["event_time"] - START) for one in silent] == [("a", 25 * SECOND)]


def test_the_end_of_a_stream_is_not_silence() -> None:
    source = test_stream.TestStream(coder=PickleCoder()).add_elements([arriving([("a", START, 40.0, 20.0)], None)])
    with deadlines(lambda: START):
        told = run_transform(source.advance_watermark_to_infinity(), WatchDevices(RULES, 1, "j"), ReadingBatch)
    assert told["main"] == []


def test_late_readings_are_left_out_and_counted(tally: Tally) -> None:
    rows = [("a", START + number * 10 * SECOND, 40.0, 31.0) for number in range(6)]
    late = [("a", START + SECOND, 40.0, 20.0)]
    source = stream([rows, [("a", START + 200 * SECOND, 40.0, 20.0)], late], told=True)
    with deadlines(lambda: START + 200 * SECOND):
        told = run_transform(source, WatchDevices(RULES, 1, "j"), ReadingBatch)["main"]
    assert tally.counts[counters.LATE_FOR_RULES] == 1
    assert tally.counts[f"{counters.INCIDENTS}/hot"] == 1
    assert in_order(told) == expected([*rows, ("a", START + 200 * SECOND, 40.0, 20.0)])


@pytest.mark.parametrize("told", [True, False])
def test_a_shard_that_begins_warm_notices_silence_though_its_devices_never_send(told: bool, tmp_path: Path) -> None:
    """Device a was hot before the stream, which d alone sends into; a is of another shard, and no roster names it."""
    rules = parse_rules(
        "version: 2\nrules:\n- {id: hot, metric: temp, above: 30}\n- {id: silent, silence: {for: 25s}}\n"
    )
    before = [(device, START + second * SECOND, 40.0, 31.0) for second in (0, 10) for device in ("a", "d")]
    later = [("d", START + second * SECOND, 40.0, 31.0) for second in range(20, 200, 10)]
    in_shards = [[row for row in before if shard_of(row[0], 2) == shard] for shard in range(2)]
    assert [len(rows) for rows in in_shards] == [2, 2]
    for shard, rows in enumerate(in_shards):
        state, _ = with_rules(rules)
        state, opened = advance(rules, state, watched_rows(batch_of(rows), rules.metrics), START + 11 * SECOND)
        assert [one["state"] for one in transitions(opened)] == ["opened"]
        write_warm_state(str(tmp_path), shard, state)
    with deadlines(lambda: later[-1][1]):
        step = WatchDevices(rules, 2, "j", warm=str(tmp_path))
        found = in_order(run_transform(stream(cut(later, 3), told=told), step, ReadingBatch)["main"])
    of_a = [(one["rule_id"], one["state"], one["sequence"], one["stale"]) for one in found if one["device"] == "a"]
    assert sorted(of_a) == [("hot", "updated", 2, True), ("silent", "opened", 1, False)]
    assert {(one["rule_id"], one["state"]) for one in found if one["device"] == "d"} == set()


@pytest.mark.parametrize("shards", [1, 2])
def test_records_carry_their_job(shards: int) -> None:
    found = run_transform([batch_of(drawn_rows(1))], WatchDevices(RULES, shards, "the-job"), ReadingBatch)["main"]
    assert {job for batch in found for job in batch.column("job_id").to_pylist()} == {"the-job"}


def test_rows_are_not_judged_before_the_watermark_when_a_deadline_puts_them_off(tally: Tally) -> None:
    """The end of a window and the look at waiting rows are due together; the first sets the second anew."""
    rows = [("a", START + second * SECOND, 60.0, 31.0) for second in (1, 18, 23, 27)]
    before = ("a", START + 25 * SECOND, 60.0, 20.0)
    source = test_stream.TestStream(coder=PickleCoder()).add_elements([arriving(rows, None)])
    source.advance_watermark_to(Timestamp(micros=START + 24 * SECOND)).add_elements([arriving([before], None)])
    with deadlines(lambda: rows[-1][1]):
        told = run_transform(source.advance_watermark_to_infinity(), WatchDevices(RULES, 1, "j"), ReadingBatch)
    assert tally.counts[counters.LATE_FOR_RULES] == 0
    assert in_order(told["main"]) == expected([*rows, before])


@pytest.mark.parametrize("told", [False, True])
def test_rules_that_change_judge_from_their_time_on(told: bool) -> None:
    """The change comes in the middle of the stream, a little before its time, as from the clock of a remote runner."""
    rows = drawn_rows(3)
    since_us = rows[60][1] + 1
    change = RulesChange(since_us, OTHER_RULES, 2)
    groups = cut(rows, 20)
    source = stream(groups[:3], told=told, ends=False).add_elements([encode_change(change)])
    source = stream(groups[3:], told=told, source=source, watermark_us=rows[59][1] - LAG)

    def watch(events: beam.PCollection) -> beam.PCollection:
        readings = events | "Readings" >> beam.Filter(lambda event: not isinstance(event, bytes))
        changes = events | "Changes" >> beam.Filter(lambda event: isinstance(event, bytes))
        readings.element_type, changes.element_type = ReadingBatch, bytes
        return readings | WatchDevices(RULES, 3, "j", changes)

    last_us = max(row[1] for row in rows)
    with deadlines(lambda: last_us):
        found = in_order(run_transform(source, watch)["main"])
    timeline = RulesTimeline.always(RULES).with_change(change)
    judge = SliceJudge(timeline, rows[0][1])
    watched = watched_rows(batch_of(rows), timeline.metrics)
    expected_ones = [judge.judge(TimeSlice(watched, last_us + 1)), judge.finish()]
    assert found == in_order(expected_ones)
    assert {one["rules_version"] for one in found} == {RULES.version, OTHER_RULES.version}
