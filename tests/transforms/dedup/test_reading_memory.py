"""The memory of readings: any cut equals a set, and what it keeps is bounded by the watermark."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.jobs import cut
from tests.support.repeats import ReadingArrival, expected_repeats
from transforms.dedup.reading_keys import ReadingKeys
from transforms.dedup.reading_memory import ReadingMemory, decode_reading_memory, encode_reading_memory

MEMORY = 10
DIGESTS = {"a": 0, "b": 1, "c": 2**63, "d": 2**64 - 1}
UNKNOWN_US = -(2**62)

Given = tuple[str, int]
"""Device, which stands for the digest, and event time."""


def keys_of(readings: Sequence[Given]) -> ReadingKeys:
    times = np.array([us for _, us in readings], np.int64)
    return ReadingKeys(times, np.array([DIGESTS[name] for name, _ in readings], np.uint64))


def told(memory: ReadingMemory) -> list[Given]:
    """Return what is remembered, which is sorted."""
    names = {digest: name for name, digest in DIGESTS.items()}
    found = list(zip(memory.keys.event_us.tolist(), memory.keys.digest.tolist(), strict=True))
    assert found == sorted(set(found))
    return [(names[digest], us) for us, digest in found]


def check(memory: ReadingMemory, *readings: Given, at: int | None = None) -> tuple[list[bool], ReadingMemory]:
    repeats, memory = memory.check(keys_of(readings), at, MEMORY)
    return repeats.tolist(), memory


def arrival(reading: Given, watermark_us: int | None) -> ReadingArrival:
    return ReadingArrival(*reading, frozenset(), watermark_us)


READINGS = st.tuples(st.sampled_from(sorted(DIGESTS)), st.integers(0, 40))
PULLS = st.lists(st.tuples(st.lists(READINGS, max_size=12), st.none() | st.integers(0, 50)), max_size=12)


@given(PULLS, st.lists(st.integers(0, 5), max_size=10))
def test_any_order_and_any_cut_equal_a_set(pulls, sizes):
    """Readings come in any order, with watermarks that may even go back."""
    content, found, arrivals = None, [], []
    for readings, watermark_us in pulls:
        for part in cut(readings, sizes):
            repeats, memory = check(decode_reading_memory(content), *part, at=watermark_us)
            found += repeats
            content = encode_reading_memory(memory)
            arrivals += [arrival(one, watermark_us) for one in part]
    assert found == expected_repeats(arrivals, MEMORY)
    memory = decode_reading_memory(content)
    newest_us = max((one.watermark_us for one in arrivals if one.watermark_us is not None), default=UNKNOWN_US)
    assert memory.watermark_us == newest_us
    assert set(told(memory)) == {(one.device, one.event_us) for one in arrivals if one.event_us >= newest_us - MEMORY}
    assert content is None or len(content) == 16 + 16 * len(memory)


@given(st.lists(READINGS, max_size=60), st.lists(READINGS, max_size=60))
def test_many_readings_of_the_same_times_are_found(first, second):
    _, memory = check(ReadingMemory(), *first)
    repeats, _ = check(memory, *second)
    assert repeats == expected_repeats([arrival(one, None) for one in (*first, *second)], MEMORY)[len(first) :]


def test_of_two_in_one_call_the_first_is_new():
    assert check(ReadingMemory(), ("a", 5), ("b", 5), ("a", 5), ("a", 6))[0] == [False, False, True, False]


@pytest.mark.parametrize(("watermark_us", "is_repeat"), [(None, True), (5, True), (15, True), (16, False)])
def test_a_reading_is_remembered_until_the_watermark_is_further_ahead_than_the_memory(watermark_us, is_repeat):
    _, memory = check(ReadingMemory(), ("a", 5))
    assert check(memory, ("a", 5), at=watermark_us)[0] == [is_repeat]


def test_a_late_reading_that_would_not_be_remembered_passes_each_time():
    repeats, memory = check(ReadingMemory(), ("a", 5), ("a", 5), ("b", 10), ("b", 10), at=20)
    assert repeats == [False, False, False, True]
    assert told(memory) == [("b", 10)]


def test_the_watermark_forgets():
    _, memory = check(ReadingMemory(), ("a", 5), ("b", 5), ("a", 6), ("c", 7))
    assert told(memory.forget(15, MEMORY)) == [("a", 5), ("b", 5), ("a", 6), ("c", 7)]
    assert told(memory.forget(16, MEMORY)) == [("a", 6), ("c", 7)]
    assert told(memory.forget(18, MEMORY)) == []
    assert memory.forget(18, MEMORY).forget(3, MEMORY).watermark_us == 18


def test_a_repeat_changes_nothing():
    _, memory = check(ReadingMemory(), ("a", 5), ("b", 6), at=3)
    assert check(memory, ("b", 6), ("a", 5), at=3) == ([True, True], memory)


def test_what_is_known_stays_as_it_was():
    _, before = check(ReadingMemory(), ("a", 5))
    check(before, ("b", 30), at=40)
    assert (told(before), before.watermark_us) == ([("a", 5)], UNKNOWN_US)


def test_the_bytes_of_a_running_job_can_be_read():
    numbers = (7, 5, 6, 2**63, 0)  # watermark, two times, two digests
    content = b"\1" + bytes(7) + b"".join(number.to_bytes(8, "little") for number in numbers)
    assert encode_reading_memory(check(ReadingMemory(), ("a", 6), ("c", 5), at=7)[1]) == content
    memory = decode_reading_memory(content)
    assert (told(memory), memory.watermark_us) == ([("c", 5), ("a", 6)], 7)
    assert memory.keys.event_us.dtype == np.int64
    assert memory.keys.digest.dtype == np.uint64


def test_nothing_known_is_an_empty_memory():
    memory = decode_reading_memory(None)
    assert (told(memory), memory.watermark_us) == ([], UNKNOWN_US)
