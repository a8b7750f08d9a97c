import logging
from collections import defaultdict
from collections.abc import Iterable, Sequence

import apache_beam as beam
from apache_beam.testing import test_stream
from apache_beam.transforms.window import GlobalWindow, TimestampedValue
from apache_beam.utils.timestamp import Timestamp
from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry.model.message_batch import MessageBatch
from telemetry.model.messages import Message
from tests.support.counting import Tally, recorded
from tests.support.jobs import cut
from tests.support.key_memory import expected_memory
from tests.support.keyed_state import Value
from tests.support.run_transform import run_transform, stream_of, timed
from transforms.dedup import drop_duplicates
from transforms.dedup.candidates import Candidates, decode_candidates, encode_candidates
from transforms.dedup.drop_duplicates import DropDuplicates, _CheckKeys, _GroupByShard
from transforms.dedup.key_memory import KeyMemory, decode_key_memory, key_of

SECOND = 1_000_000
WINDOW = 10 * SECOND
DAY = 1_600_000_000 * SECOND

Stamped = tuple[Message, int]
"""A message and its timestamp in microseconds."""


def message(key: str | None, published_us: int | None = 0, message_id: str = "", rows: int = 1) -> Message:
    attributes = {} if key is None else {"message_key": key}
    return Message(b'{"ts":1}\n' * rows, attributes, message_id, published_us)


class Steps:
    """Both steps of `DropDuplicates` without a runner: outputs by shard, in order, and the states."""

    def __init__(self, window_us: int = WINDOW) -> None:
        self.group = _GroupByShard()
        self.check = _CheckKeys(window_us)
        self.states: dict[int, Value] = defaultdict(Value)
        self.outputs: dict[int, list[tuple[Stamped, bool]]] = defaultdict(list)

    def bundle(self, stamped: Sequence[Stamped]) -> list[bool]:
        """Process a bundle; returns of each of its messages whether it is new."""
        self.group.start_bundle()
        elements = [e for m, us in stamped for e in self.group.process(MessageBatch.of([m]), Timestamp(micros=us))]
        elements += self.group.finish_bundle()
        new: dict[tuple[bytes, str, str, int | None, int], list[bool]] = defaultdict(list)
        for element in elements:
            assert element.windows == (GlobalWindow(),)
            shard, content = element.value
            candidates = decode_candidates(content)
            assert element.timestamp.micros == min(candidates.timestamps_us)
            passed, removed = self._check(shard, content, element.timestamp.micros)
            for one in zip(candidates.messages, candidates.timestamps_us, strict=True):
                is_new = passed[:1] == [one[0]]
                assert (passed if is_new else removed).pop(0) == one[0]
                self.outputs[shard].append((one, is_new))
                new[_identity(*one)].append(is_new)
            assert passed == removed == []
        return [new[_identity(*one)].pop(0) for one in stamped]

    def _check(self, shard: int, content: bytes, earliest_us: int) -> tuple[list[Message], list[Message]]:
        """Check the candidates of a shard in a bundle of their own; returns new messages and duplicates."""
        self.check.start_bundle()
        self.check.process((shard, content), self.states[shard])
        found: dict[bool, list[Message]] = {True: [], False: []}
        for output in self.check.finish_bundle():
            is_new = not isinstance(output, beam.pvalue.TaggedOutput)
            stamped = output if is_new else output.value
            assert (stamped.windows, stamped.timestamp.micros) == ((GlobalWindow(),), earliest_us)
            found[is_new] += list(stamped.value)
        return found[True], found[False]


def _identity(m: Message, us: int) -> tuple[bytes, str, str, int | None, int]:
    """All that tells a message from others of a test; equal ones come in the order in which they went."""
    return m.payload, str(m.attributes), m.message_id, m.publish_us, us


def expected(stamped: Sequence[Stamped]) -> list[bool]:
    """Judge messages by a dict of all keys, for times that only advance."""
    arrivals = [(key_of(m), us if m.publish_us is None else m.publish_us) for m, us in stamped]
    return expected_memory(arrivals, WINDOW)[0]


@st.composite
def arrivals(draw: st.DrawFn, in_order: bool = False) -> list[Stamped]:
    """Messages with few keys, ids or neither, whose times of publication are or are not known; no two are equal."""
    known = draw(st.booleans())
    steps = draw(st.lists(st.integers(0, WINDOW // 2).map(lambda us: us - us % 1_000_000), max_size=30))
    times = [sum(steps[: n + 1]) for n in range(len(steps))]
    if not in_order:
        times = draw(st.permutations(times))
    stamped = []
    for number, us in enumerate(times):
        key = draw(st.sampled_from(["a", "b", "c", "d", None]))
        one = message(key, us if known else None, draw(st.sampled_from(["1", "2", ""])), rows=number + 1)
        stamped.append((one, DAY + draw(st.integers(0, 100)) * SECOND if known else us))
    return stamped


CUTS = st.lists(st.integers(1, 6), max_size=15)


@given(arrivals(in_order=True), CUTS)
def test_any_bundles_of_messages_in_order_equal_a_dict(stamped, sizes):
    steps = Steps()
    assert [new for part in cut(stamped, sizes) for new in steps.bundle(part)] == expected(stamped)


@given(arrivals(), CUTS)
def test_in_any_order_each_shard_equals_a_dict_of_its_own(stamped, sizes):
    steps = Steps()
    for part in cut(stamped, sizes):
        steps.bundle(part)
    assert sum(map(len, steps.outputs.values())) == len(stamped)
    for outputs in steps.outputs.values():
        of_shard = [one for one, _ in outputs]
        assert of_shard == [one for one in stamped if one in of_shard], "in the order in which they came"
        assert [new for _, new in outputs] == expected(of_shard)
    shards = [{key_of(m) for (m, _), _ in outputs if key_of(m)} for outputs in steps.outputs.values()]
    assert sum(map(len, shards)) == len(set().union(*shards)), "a key is in one shard"


@given(st.lists(st.tuples(st.integers(0, 200), st.integers(0, 100)), unique_by=lambda one: one[0]), CUTS)
def test_different_keys_are_never_removed(numbers, sizes):
    steps = Steps()
    stamped = [(message(f"run-{n}", seconds * SECOND), DAY) for n, seconds in numbers]
    with recorded() as tally:
        assert all(new for part in cut(stamped, sizes) for new in steps.bundle(part))
    assert tally.counts == {}


@given(st.permutations([n % 5 for n in range(20)]), st.lists(st.integers(0, 10), min_size=20, max_size=20), CUTS)
def test_within_one_window_each_key_passes_once(keys, seconds, sizes):
    stamped = [(message(str(key), s * SECOND), DAY) for key, s in zip(keys, seconds, strict=True)]
    steps = Steps()
    new = [flag for part in cut(stamped, sizes) for flag in steps.bundle(part)]
    assert new == [key not in keys[:n] for n, key in enumerate(keys)]


def test_of_two_in_one_bundle_the_first_stays():
    first, second = message("a", message_id="1"), message("a", message_id="2")
    steps = Steps()
    assert steps.bundle([(first, DAY + 5), (second, DAY + 3)]) == [True, False]
    assert list(steps.outputs.values()) == [[((first, DAY + 5), True), ((second, DAY + 3), False)]]


def test_what_is_kept_is_bounded_by_the_window():
    """A message a second: of a window of 10 s no shard keeps more than 11, however many have passed."""
    steps = Steps()
    for start in range(0, 5_000, 50):
        steps.bundle([(message(f"run-{n}", n * SECOND), DAY) for n in range(start, start + 50)])
        assert all(len(state.content or b"") <= 16 + 24 * 11 for state in steps.states.values())
    assert len(steps.states) == drop_duplicates.SHARDS
    for shard, state in steps.states.items():
        passed = [m for (m, _), _ in steps.outputs[shard]]
        latest = passed[-1].publish_us or 0
        kept = {key_of(m) for m in passed if (m.publish_us or 0) >= latest - WINDOW}
        assert {key.ljust(16, b"\0") for key in decode_key_memory(state.content).keys.tolist()} == kept


def test_a_large_bundle_goes_on_in_parts():
    large = [Message(b"x" * 1_500_000, {"message_key": str(n)}, "", 0) for n in (1, 2, 3, 1, 4)]
    step = _GroupByShard()
    step.start_bundle()
    sizes = [
        [len(decode_candidates(e.value[1]).messages) for e in step.process(MessageBatch.of([one]), Timestamp(0))]
        for one in large
    ]
    assert [sum(parts) for parts in sizes] == [0, 0, 3, 0, 0]
    assert sum(len(decode_candidates(e.value[1]).messages) for e in step.finish_bundle()) == 2
    assert Steps().bundle([(one, DAY) for one in large]) == [True, True, True, False, True]


def test_nothing_is_left_of_a_bundle_that_failed():
    step = _GroupByShard()
    step.start_bundle()
    assert list(step.process(MessageBatch.of([message("lost")]), Timestamp(1))) == []
    step.start_bundle()
    assert (list(step.finish_bundle()), step.size) == ([], 0)


def test_candidates_are_bytes_and_back():
    stamped = [(message("a", 5, "1", rows=2), b"k" * 16, 7), (message(None, None), None, 8)]
    candidates = Candidates(*map(list, zip(*stamped, strict=True)))
    decoded = decode_candidates(encode_candidates(candidates))
    assert decoded == candidates
    assert decoded.published_us() == [5, 8]


def test_removed_messages_are_counted_with_their_rows(tally: Tally):
    bundle = [message("a", rows=3), message("b", rows=4), message("a", rows=3), message("b", rows=4), message("c")]
    Steps().bundle([(one, DAY) for one in bundle])
    assert tally.counts == {"duplicates": 2, "rows_duplicate": 7}


def told(inputs: test_stream.TestStream | Iterable[TimestampedValue], window_us: int) -> list[tuple[str, str, int]]:
    """Return (output, message id, timestamp) of each message, sorted; messages of a bundle are one batch each."""
    found = run_transform(inputs, DropDuplicates(window_us), MessageBatch, timestamps=True)
    return sorted((name, one.message_id, us) for name, output in found.items() for batch, us in output for one in batch)


def run(*bundles: Sequence[Stamped], window_us: int = WINDOW) -> list[tuple[str, str, int]]:
    """Run bundles through the local streaming runner: (output, message id, timestamp) of each message, sorted."""
    return told(stream_of(*([timed(MessageBatch.of([m]), us) for m, us in bundle] for bundle in bundles)), window_us)


def test_both_outputs_are_batches_of_messages():
    messages = beam.Pipeline() | beam.Create([MessageBatch.of([message("a")])]).with_output_types(MessageBatch)
    assert [output.element_type for output in messages | DropDuplicates(WINDOW)] == [MessageBatch, MessageBatch]


def test_story_of_a_publisher_that_sends_again(tally: Tally):
    first, second = message("a", 0, "1"), message("b", 1 * SECOND, "2")
    again, last, anew = (message("a", us, str(n)) for n, us in ((3, 2 * SECOND), (4, WINDOW), (5, WINDOW + 1)))
    assert run([(first, DAY), (second, DAY + 1_000)], [(again, DAY), (last, DAY)], [(anew, DAY + 2_000)]) == [
        ("duplicates", "3", DAY),
        ("duplicates", "4", DAY),
        ("messages", "1", DAY),
        ("messages", "2", DAY),
        ("messages", "5", DAY + 2_000),
    ]
    assert tally.counts == {"duplicates": 2, "rows_duplicate": 2}


def test_story_of_a_redelivery_to_a_device_without_attributes():
    device = message(None, 0, "17")
    assert run([(device, DAY)], [(device, DAY)], [(message(None, 0, "18"), DAY)]) == [
        ("duplicates", "17", DAY),
        ("messages", "17", DAY),
        ("messages", "18", DAY),
    ]


def test_story_of_messages_that_nothing_tells_apart():
    nameless = message(None, 0)
    assert run([(nameless, DAY), (nameless, DAY)], [(nameless, DAY)]) == [("messages", "", DAY)] * 3


def test_story_of_messages_whose_publishing_is_unknown():
    """Their own timestamps count: the second is 10 s after the first, the third more."""
    first, second, third = (message("a", None, name) for name in "123")
    assert run([(first, DAY)], [(second, DAY + WINDOW)], [(third, DAY + WINDOW + 1_000)]) == [
        ("duplicates", "2", DAY + WINDOW),
        ("messages", "1", DAY),
        ("messages", "3", DAY + WINDOW + 1_000),
    ]


def test_the_window_is_an_option():
    bundles = [[(message("a", 0, "1"), DAY)], [(message("a", 3 * SECOND, "2"), DAY)]]
    assert [name for name, _, _ in run(*bundles, window_us=3 * SECOND)] == ["duplicates", "messages"]
    assert [name for name, _, _ in run(*bundles, window_us=2 * SECOND)] == ["messages", "messages"]


@settings(max_examples=8, deadline=None)
@given(arrivals(in_order=True), CUTS)
def test_any_bundles_through_the_runner_equal_a_dict(stamped, sizes):
    stamped = [(Message(m.payload, m.attributes, m.message_id, m.publish_us), us) for m, us in stamped]
    outputs = ["messages" if new else "duplicates" for new in expected(stamped)]
    earliest = [us for part in cut(stamped, sizes) for us in [min(us for _, us in part)] * len(part)]
    found = run(*cut(stamped, sizes))
    ids = [m.message_id for m, _ in stamped]
    assert found == sorted(zip(outputs, ids, earliest, strict=True))


def test_the_messages_of_a_bundle_are_one_batch_afterwards():
    """The decoder reads a bundle at once, however many shards its messages went through."""
    stream = stream_of([timed(MessageBatch.of([message(f"run-{n}")]), DAY) for n in range(100)])
    found = run_transform(stream, DropDuplicates(WINDOW), MessageBatch)
    assert [len(batch) for batch in found["messages"]] == [100]


def test_messages_of_two_sources_are_in_batches_of_their_own():
    """The header of a file and the watermark belong to all messages of a batch."""
    told_us = [Message(b"", {"message_key": str(n)}, str(n), 0, watermark_us=n % 2) for n in range(40)]
    found = run_transform([timed(MessageBatch.of([one]), DAY) for one in told_us], DropDuplicates(WINDOW), MessageBatch)
    messages = {one.message_id: one for batch in found["messages"] for one in batch}
    assert messages == {one.message_id: one for one in told_us}


def test_a_retried_bundle_loses_nothing_and_counts_once(tally: Tally, monkeypatch):
    """The first attempt fails after some shards were written: what it remembered is forgotten."""
    monkeypatch.setattr(logging.getLogger("apache_beam"), "disabled", True)
    attempts: list[bytes | None] = []

    def fail_once(content: bytes | None) -> KeyMemory:
        attempts.append(content)
        if len(attempts) == 3:
            raise RuntimeError("a worker dies")
        return decode_key_memory(content)

    monkeypatch.setattr(drop_duplicates, "decode_key_memory", fail_once)
    bundle = [(message(f"run-{n}", 0, f"{n} {attempt}"), DAY) for attempt in "12" for n in range(40)]
    assert run(bundle, [(message("run-7", 0, "again"), DAY)]) == sorted(
        [("duplicates" if m.message_id.endswith("2") else "messages", m.message_id, DAY) for m, _ in bundle]
        + [("duplicates", "again", DAY)]
    )
    assert len(attempts) > drop_duplicates.SHARDS
    assert tally.counts == {"duplicates": 41, "rows_duplicate": 41}


def test_files_and_other_bounded_input_work():
    elements = [timed(MessageBatch.of([message(key, 0, str(n))]), DAY + n) for n, key in enumerate("abcabca")]
    names = ["messages"] * 3 + ["duplicates"] * 4
    assert told(elements, WINDOW) == sorted((name, str(n), DAY) for n, name in enumerate(names))
