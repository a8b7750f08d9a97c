"""`DropRepeats` on bounded input: every repeat is found, wherever it lies."""

import json
from collections.abc import Iterator, Sequence

import apache_beam as beam
import pytest
from apache_beam.utils.windowed_value import WindowedValue
from hypothesis import given
from hypothesis import strategies as st

from telemetry.errors import InputChangedError
from telemetry.model.message_batch import MessageBatch
from telemetry.model.messages import Message
from telemetry.model.reading_batch import ReadingBatch
from tests.support.batches import rows_of
from tests.support.counting import Tally
from tests.support.jobs import cut
from tests.support.repeats import ReadingArrival, expected_repeats
from tests.support.run_transform import run_transform
from transforms.decode.codec import decode_parts
from transforms.decode.decode_messages import DecodeMessages
from transforms.decode.decode_spec import DecodeSpec
from transforms.dedup import repeats_of_files
from transforms.dedup.drop_repeats import DropRepeats, RepeatOutputs
from transforms.dedup.repeats_of_files import DropNumberedRows, FindRepeats, GatherKeys

SPEC = DecodeSpec(("humidity", "temp"))
Line = tuple[str, int, tuple[str, ...]]
"""Device, seconds and the metrics that have a value."""
LINES = st.tuples(
    st.sampled_from(["a", "b"]),
    st.integers(0, 3),
    st.sampled_from([(), ("temp",), ("humidity",), ("humidity", "temp")]),
)


def chunk(portion: int, number: int, lines: Sequence[Line | None]) -> MessageBatch:
    """A chunk of a file; None stands for a line that is rejected. No two values are equal."""
    text = [
        b"no reading"
        if line is None
        else json.dumps({"ts": line[1], "device": line[0], **dict.fromkeys(line[2], number + n / 100)}).encode()
        for n, line in enumerate(lines)
    ]
    return MessageBatch.of([Message(b"\n".join(text), {}, f"{portion}@{number}", portion=portion)])


def remove(messages: beam.PCollection) -> RepeatOutputs:
    decoded = messages | DecodeMessages(SPEC, counts_rows=False)
    outputs: RepeatOutputs = decoded.readings | DropRepeats(SPEC, 1_000, again=messages)
    return outputs


def lines_of(batches: Sequence[ReadingBatch]) -> list[tuple[str, int]]:
    return sorted((row[4], row[5]) for batch in batches for row in rows_of(batch))


def test_the_first_in_the_order_of_the_input_stays(tally: Tally):
    a, b = ("a", 1, ("temp",)), ("b", 1, ("temp",))
    chunks = [
        chunk(1, 0, [a, b]),
        chunk(1, 1, [b, a]),
        chunk(0, 0, [("a", 1, ("humidity",)), None, a]),
        chunk(0, 1, [a, ("a", 2, ("temp",))]),
    ]
    found = run_transform(chunks, remove, MessageBatch)
    assert lines_of(found["readings"]) == [("0@0", 1), ("0@0", 3), ("0@1", 2), ("1@0", 2)]
    assert lines_of(found["repeats"]) == [("0@1", 1), ("1@0", 1), ("1@1", 1), ("1@1", 2)]
    assert (tally.counts["rows_decoded"], tally.counts["rows_duplicate"]) == (4, 4)
    assert tally.counts["messages"] == 4, "the second look is not counted"


def test_input_without_repeats_and_empty_input_pass():
    found = run_transform([chunk(0, 0, [("a", n, ("temp",)) for n in range(5)])], remove, MessageBatch)
    assert (lines_of(found["readings"]), found["repeats"]) == ([("0@0", n) for n in range(1, 6)], [])
    assert run_transform([chunk(0, 0, [None])], remove, MessageBatch) == {"readings": [], "repeats": []}


class Workers:
    """The three steps without a runner; a portion is in one bundle, from its beginning to its end."""

    def __init__(self, portions: Sequence[Sequence[MessageBatch]]) -> None:
        self.portions = portions

    def found(self, bundles: Sequence[Sequence[int]]) -> list[bytes]:
        """Return the repeats, found from bundles of portions."""
        parts: dict[int, list[bytes]] = {}
        for bundle in bundles:
            gather = GatherKeys(SPEC)
            gather.start_bundle()
            outputs = [one for number in bundle for chunk in self.portions[number] for one in gather.process(chunk)]
            for output in [*outputs, *gather.finish_bundle()]:
                part, content = output.value if isinstance(output, WindowedValue) else output
                parts.setdefault(part, []).append(content)
        return [found for keyed in parts.items() for found in FindRepeats().process(keyed)]

    def removed(self, bundles: Sequence[Sequence[int]], found: list[bytes]) -> list[tuple[str, int]]:
        """Return the rows that bundles of portions remove."""
        removed = []
        for bundle in bundles:
            drop = DropNumberedRows()
            drop.start_bundle()
            for batch in self._decoded(bundle):
                outputs = list(drop.process(batch, found))
                tagged = [one for one in outputs if isinstance(one, beam.pvalue.TaggedOutput)]
                kept = [one for one in outputs if not isinstance(one, beam.pvalue.TaggedOutput)]
                removed += lines_of([one.value for one in tagged])
                assert sum(map(len, kept)) + sum(len(one.value) for one in tagged) == len(batch)
        return sorted(removed)

    def _decoded(self, bundle: Sequence[int]) -> Iterator[ReadingBatch]:
        for number in bundle:
            for messages in self.portions[number]:
                for decoded in decode_parts(messages, SPEC):
                    if decoded.readings is not None:
                        yield decoded.readings


@given(
    st.lists(st.lists(LINES | st.none(), max_size=12), min_size=1, max_size=5),
    st.lists(st.integers(1, 4), max_size=8),
    st.lists(st.integers(1, 2), max_size=3),
    st.permutations(range(5)),
    st.sampled_from([1, 3, 500_000]),
)
def test_any_division_among_workers_equals_a_set(portions, chunks, workers, order, gathered):
    """Portions are read in any order and in any bundles, by other ones the second time."""
    cuts = [[chunk(p, n, piece) for n, piece in enumerate(cut(lines, chunks))] for p, lines in enumerate(portions)]
    job, numbers = Workers(cuts), [number for number in order if number < len(portions)]
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(repeats_of_files, "_GATHERED_ROWS", gathered)
        found = job.found(cut(numbers, workers))
    names, arrivals = [], []
    for p, lines in enumerate(portions):
        for n, piece in enumerate(cut(lines, chunks)):
            for row, line in enumerate(piece, start=1):
                if line is not None:
                    names.append((f"{p}@{n}", row))
                    arrivals.append(ReadingArrival(line[0], line[1], frozenset(line[2])))
    repeats = expected_repeats(arrivals, 2**62)
    expected = sorted(name for name, is_repeat in zip(names, repeats, strict=True) if is_repeat)
    assert job.removed([[number] for number in reversed(numbers)], found) == expected
    assert job.removed([range(len(portions))], found) == expected


def test_input_that_has_changed_is_no_repeat():
    a, b = ("a", 1, ("temp",)), ("b", 1, ("temp",))
    found = Workers([[chunk(0, 0, [a, a, b])]]).found([[0]])
    with pytest.raises(
        InputChangedError, match="--input: has changed while --dedup-readings read it for the second time"
    ):
        Workers([[chunk(0, 0, [a, b, a])]]).removed([[0]], found)
    assert Workers([[chunk(0, 0, [a])]]).removed([[0]], found) == [], "what is not there is not removed"


def test_nothing_is_left_of_a_bundle_that_failed():
    gather = GatherKeys(SPEC)
    gather.start_bundle()
    assert list(gather.process(chunk(0, 0, [("a", 1, ())]))) == []
    gather.start_bundle()
    assert list(gather.finish_bundle()) == []
    drop = DropNumberedRows()
    found = Workers([[chunk(0, 0, [("a", 1, ()), ("a", 1, ())])]]).found([[0]])
    batch = next(Workers([[chunk(0, 0, [("a", 1, ())])]])._decoded([0]))
    for _ in range(2):
        drop.start_bundle()
        assert [type(one) for one in drop.process(batch, found)] == [ReadingBatch]
