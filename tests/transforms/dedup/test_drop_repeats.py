"""`DropRepeats` on streams: what passes, what is removed, and what is remembered."""

import logging
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace

import apache_beam as beam
import pytest
from apache_beam.coders import PickleCoder
from apache_beam.testing import test_stream
from apache_beam.transforms.window import GlobalWindow
from apache_beam.utils.timestamp import Timestamp
from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry.model.reading_batch import ReadingBatch
from tests.support.batches import METRICS, MINUTE, NAN, Row, batch_of, rows_of
from tests.support.counting import Tally
from tests.support.jobs import cut
from tests.support.keyed_state import Timer, Value
from tests.support.repeats import ReadingArrival, arrivals_of, expected_repeats
from tests.support.run_transform import run_transform, stream_of, timed
from transforms.decode.decode_spec import DecodeSpec
from transforms.dedup import drop_repeats
from transforms.dedup.drop_repeats import DropRepeats, _CheckReadings, _DivideReadings
from transforms.dedup.reading_memory import ReadingMemory, decode_reading_memory
from transforms.dedup.shard_readings import SLICE_US, SliceKey
from transforms.shuffle.key_pool import POOL_SIZE

SPEC = DecodeSpec(METRICS)
HOUR = 60 * MINUTE
START = 1_594_512_000_000_000
"""Beginning of a slice."""
A, B = ("a", START, 50.0, 20.0), ("b", START, 50.0, 20.0)
Output = tuple[str, str, int]
"""Name of the output, id of the message and its line."""


def pull(message_id: str, *rows: Row, at: int | None = None) -> ReadingBatch:
    """Readings of one message, with the watermark when it came."""
    batch = batch_of(rows, message_id)
    return replace(batch, messages=batch.messages.at(at))


def names_of(output: str, batch: ReadingBatch) -> list[Output]:
    return [(output, row[4], row[5]) for row in rows_of(batch)]


class Keys:
    """Both steps for streams without a runner: the states and timers of all keys."""

    def __init__(self, memory_us: int = HOUR, shards: int = 1) -> None:
        self.divide, self.check = _DivideReadings(shards), _CheckReadings(SPEC, memory_us)
        self.states: dict[SliceKey, Value] = defaultdict(Value)
        self.timers: dict[SliceKey, Timer] = defaultdict(Timer)

    def bundle(self, *batches: ReadingBatch) -> list[Output]:
        """Process a bundle; returns each of its readings by the output that it went to, sorted."""
        self.check.start_bundle()
        for number, batch in enumerate(batches):
            for key, content in self.divide.process(batch):
                self.check.process((key, content), Timestamp(micros=number), self.states[key], self.timers[key])
        return sorted(name for output, batch in self._outputs() for name in names_of(output, batch))

    def fire(self, watermark_us: int) -> None:
        """Fire the timers that are due."""
        for key, timer in self.timers.items():
            due_us = timer.set_us.pop("") if timer.set_us.get("", watermark_us + 1) <= watermark_us else None
            if due_us is not None:
                self.check.on_forget(Timestamp(micros=due_us), self.states[key], timer)

    def remembered(self) -> int:
        return sum(len(decode_reading_memory(state.content)) for state in self.states.values())

    def _outputs(self) -> Iterator[tuple[str, ReadingBatch]]:
        for output in self.check.finish_bundle():
            name, stamped = ("repeats", output.value) if hasattr(output, "tag") else ("readings", output)
            assert stamped.windows == (GlobalWindow(),)
            yield name, stamped.value


def told(inputs: test_stream.TestStream, memory_us: int = HOUR, shards: int = 1) -> list[Output]:
    """Run batches through the local streaming runner; returns their readings by output, sorted."""
    found = run_transform(inputs, DropRepeats(SPEC, memory_us, shards), ReadingBatch)
    return sorted(name for output, batches in found.items() for batch in batches for name in names_of(output, batch))


def story(*bundles: Sequence[ReadingBatch], memory_us: int = HOUR, shards: int = 1) -> list[Output]:
    return told(stream_of(*([timed(batch, START) for batch in bundle] for bundle in bundles)), memory_us, shards)


@st.composite
def streams(draw: st.DrawFn) -> list[ReadingBatch]:
    """Batches of few devices and times, in any order, with a watermark that is unknown, or only advances."""
    row = st.tuples(
        st.sampled_from(["a", "b", "c"]),
        st.integers(0, 24).map(lambda n: START + n * SLICE_US // 3),
        st.sampled_from([NAN, 50.0, 51.0]),
        st.sampled_from([NAN, 20.0, 21.0]),
    )
    given = draw(st.lists(st.lists(row, min_size=1, max_size=8), max_size=8))
    steps = draw(st.none() | st.lists(st.integers(0, 2), min_size=len(given), max_size=len(given)))
    watermarks = [None if steps is None else START + sum(steps[: n + 1]) * SLICE_US for n in range(len(given))]
    return [pull(f"m{n}", *rows, at=us) for n, (rows, us) in enumerate(zip(given, watermarks, strict=True))]


def expected(batches: Sequence[ReadingBatch], memory_us: int) -> list[Output]:
    """Judge all readings one at a time, with a set."""
    repeats = expected_repeats([one for batch in batches for one in arrivals_of(batch)], memory_us)
    names = [(message_id, line) for batch in batches for _, message_id, line in names_of("", batch)]
    return sorted(("repeats" if flag else "readings", *name) for flag, name in zip(repeats, names, strict=True))


@given(streams(), st.lists(st.integers(1, 4), max_size=6), st.integers(1, 3), st.sampled_from([SLICE_US, HOUR]))
def test_any_cut_any_order_and_any_shards_equal_a_set(batches, sizes, shards, memory_us):
    keys = Keys(memory_us, shards)
    found = []
    for part in cut(batches, sizes):
        found += keys.bundle(*part)
        if (watermark_us := part[-1].messages.watermark_us) is not None:
            keys.fire(watermark_us)
    assert sorted(found) == expected(batches, memory_us)


@settings(max_examples=8, deadline=None)
@given(streams(), st.lists(st.integers(1, 4), max_size=6), st.integers(1, 3))
def test_any_bundles_through_the_runner_equal_a_set(batches, sizes, shards):
    assert story(*cut(batches, sizes), memory_us=2 * SLICE_US, shards=shards) == expected(batches, 2 * SLICE_US)


def test_story_of_a_device_that_stores_and_forwards(tally: Tally):
    other_metric = ("a", START, NAN, 20.0)
    assert story(
        [pull("1", A, A, ("a", START + 1, 50.0, 20.0))],
        [pull("2", B, ("a", START, 7.0, 8.0), other_metric)],
        [pull("3", other_metric), pull("4", B)],
    ) == [
        ("readings", "1", 1),
        ("readings", "1", 3),
        ("readings", "2", 1),
        ("readings", "2", 3),
        ("repeats", "1", 2),
        ("repeats", "2", 2),
        ("repeats", "3", 1),
        ("repeats", "4", 1),
    ]
    assert tally.counts == {"rows_decoded": 4, "rows_duplicate": 4}


@pytest.mark.parametrize(("ahead_us", "output"), [(HOUR, "repeats"), (HOUR + 1, "readings")])
def test_a_late_repeat_is_recognised_until_the_memory_is_over(ahead_us, output):
    assert story([pull("1", A, at=START)], [pull("2", A, at=START + ahead_us)]) == sorted(
        [("readings", "1", 1), (output, "2", 1)]
    )


def test_the_memory_is_an_option():
    bundles = [[pull("1", A, at=START)], [pull("2", A, at=START + MINUTE)]]
    assert [name for name, _, _ in story(*bundles, memory_us=MINUTE)] == ["readings", "repeats"]
    assert [name for name, _, _ in story(*bundles, memory_us=MINUTE - 1_000)] == ["readings", "readings"]


def after(watermark_us: int) -> list[Output]:
    """A reading and its repeat, between which the runner's watermark advances; the source tells none."""
    stream = test_stream.TestStream(coder=PickleCoder())
    stream.add_elements([timed(pull("1", A), START)])
    stream.advance_watermark_to(Timestamp(micros=watermark_us))
    stream.add_elements([timed(pull("2", A), watermark_us)])
    stream.advance_watermark_to_infinity()
    return told(stream, MINUTE)


def test_where_the_source_tells_no_watermark_a_timer_forgets():
    """At the end of the slice of ten minutes, and the memory."""
    due_us = START + SLICE_US + MINUTE
    assert after(due_us - 1_000) == [("readings", "1", 1), ("repeats", "2", 1)]
    assert after(due_us) == [("readings", "1", 1), ("readings", "2", 1)]


def test_what_is_kept_is_bounded_by_the_watermark():
    """A reading a second for half a day: no more is kept than the memory and two slices, under a fixed pool of keys."""
    keys = Keys(HOUR)
    for start_us in range(START, START + 12 * HOUR, MINUTE):
        rows = [("a", start_us + second * 1_000_000, 50.0, 20.0) for second in range(60)]
        keys.bundle(pull("m", *rows))
        keys.fire(start_us)
        assert keys.remembered() <= (HOUR + 2 * SLICE_US) // 1_000_000
    keys.fire(START + 13 * HOUR + SLICE_US)
    assert [state.content for state in keys.states.values()] == [None] * len(keys.states)
    assert [timer.set_us for timer in keys.timers.values()] == [{}] * len(keys.timers)
    assert len(keys.states) == 72


def test_an_earlier_slice_of_a_key_is_forgotten_first():
    """Slices far apart share a key: a backlog of days, then live readings."""
    far_us = SLICE_US * POOL_SIZE
    keys = Keys(HOUR)
    assert keys.bundle(pull("1", ("a", START + far_us, 50.0, 20.0))) == [("readings", "1", 1)]
    assert keys.bundle(pull("2", A)) == [("readings", "2", 1)]
    assert len(keys.states) == 1
    keys.fire(START + SLICE_US + HOUR)
    assert keys.remembered() == 1
    assert keys.bundle(pull("3", ("a", START + far_us, 50.0, 20.0))) == [("repeats", "3", 1)]
    keys.fire(START + far_us + SLICE_US + HOUR)
    assert keys.remembered() == 0


def test_what_comes_too_late_to_be_remembered_leaves_nothing():
    keys = Keys(HOUR)
    late = pull("1", A, A, at=START + HOUR + 1)
    assert keys.bundle(late) == [("readings", "1", 1), ("readings", "1", 2)]
    assert (keys.remembered(), keys.timers[0, START // SLICE_US % POOL_SIZE].set_us) == (0, {})


def test_both_outputs_are_batches_of_readings():
    readings = beam.Pipeline() | beam.Create([pull("1", A)]).with_output_types(ReadingBatch)
    assert [output.element_type for output in readings | DropRepeats(SPEC, HOUR)] == [ReadingBatch, ReadingBatch]


def run(*bundles: Sequence[tuple[ReadingBatch, int]], shards: int = 1) -> dict[str, list[list[int | None]]]:
    """Run batches with timestamps; returns of each batch of each output its length, timestamp and watermark."""
    stream = stream_of(*([timed(batch, us) for batch, us in bundle] for bundle in bundles))
    found = run_transform(stream, DropRepeats(SPEC, HOUR, shards), ReadingBatch, timestamps=True)
    return {
        name: sorted([len(batch), us, batch.messages.watermark_us] for batch, us in batches)
        for name, batches in found.items()
    }


def test_the_readings_of_a_pull_are_one_batch_afterwards():
    """However many devices and hours it has, with the earliest timestamp; those of another pull are another batch."""
    rows = [(f"d{n}", START + n * MINUTE, 50.0, 20.0) for n in range(60)]
    first, second = pull("1", *rows, at=START), pull("2", *rows[:9], ("e", START, NAN, 1.0), at=START + 1)
    assert run([(first, START + 5_000), (second, START + 3_000)], shards=3) == {
        "readings": [[1, START + 3_000, START + 1], [60, START + 5_000, START]],
        "repeats": [[9, START + 3_000, START + 1]],
    }
    later = pull("3", ("f", START, 1.0, 1.0), at=START)
    assert run([(first, START + 5_000), (later, START + 2_000)])["readings"] == [[61, START + 2_000, START]]


def test_a_retried_bundle_loses_nothing_and_counts_once(tally: Tally, monkeypatch):
    """The first attempt fails after some keys were written: what it remembered is forgotten."""
    monkeypatch.setattr(logging.getLogger("apache_beam"), "disabled", True)
    attempts: list[bytes | None] = []

    def fail_once(content: bytes | None) -> ReadingMemory:
        attempts.append(content)
        if len(attempts) == 3:
            raise RuntimeError("a worker dies")
        return decode_reading_memory(content)

    monkeypatch.setattr(drop_repeats, "decode_reading_memory", fail_once)
    rows = [("a", START + n * SLICE_US, 50.0, 20.0) for n in range(5)]
    assert story([pull("1", *rows)], [pull("2", *rows[2:])]) == [
        *(("readings", "1", line) for line in range(1, 6)),
        *(("repeats", "2", line) for line in range(1, 4)),
    ]
    assert len(attempts) > 8
    assert tally.counts == {"rows_decoded": 5, "rows_duplicate": 3}


def test_the_oracle_forgets_as_the_memory_does():
    first, again = (ReadingArrival("a", 5, frozenset(), us) for us in (None, 16))
    assert expected_repeats([first, first, again, again], 10) == [False, True, False, False]
