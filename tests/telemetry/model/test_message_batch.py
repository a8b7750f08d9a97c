"""Check that a batch of messages is a sequence of those messages, byte for byte."""

import pickle
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from telemetry.model.message_batch import UNKNOWN_US, MessageBatch, batches_of, groups_of, source_of
from telemetry.model.messages import Message

PAYLOADS = st.binary(max_size=8) | st.text("ab\n", max_size=8).map(str.encode) | st.sampled_from([b"", b"\n", b"x\n\n"])
MESSAGES = st.lists(
    st.builds(
        Message,
        PAYLOADS,
        st.dictionaries(st.text(max_size=3), st.text(max_size=3), max_size=2),
        st.text(max_size=3),
        st.none() | st.integers(0, 2**62),
    ),
    max_size=8,
)


@given(MESSAGES)
def test_a_batch_is_the_sequence_of_its_messages(messages: list[Message]) -> None:
    batch = MessageBatch.of(iter(messages))
    assert len(batch) == len(messages)
    assert list(batch) == messages
    assert [batch[n] for n in range(-len(messages), len(messages))] == messages * 2
    assert list(reversed(batch)) == messages[::-1]
    assert [batch.payload(n) for n in range(len(batch))] == [message.payload for message in messages]
    assert [batch.published(n) for n in range(len(batch))] == [message.publish_us for message in messages]
    assert batch.bodies == b"\n".join(message.payload for message in messages)
    assert [batch.bodies[a:b] for a, b in zip(batch.starts, batch.ends, strict=True)] == [m.payload for m in messages]
    for beyond in (len(messages), -len(messages) - 1):
        with pytest.raises(IndexError):
            batch[beyond]


@given(MESSAGES, st.data())
def test_some_of_the_messages(messages: list[Message], data: st.DataObject) -> None:
    batch = MessageBatch.of(messages)
    indices = data.draw(st.lists(st.integers(0, len(messages) - 1)) if messages else st.just([]))
    assert list(batch.take(indices)) == [messages[index] for index in indices]
    cut = data.draw(st.slices(len(messages)))
    assert list(batch[cut]) == messages[cut]


@given(MESSAGES)
def test_the_source_of_the_messages_stays(messages: list[Message]) -> None:
    sent = [replace(message, watermark_us=7, columns=("ts", "device"), portion=3) for message in messages]
    batch = MessageBatch.of(sent)
    assert list(batch) == list(pickle.loads(pickle.dumps(batch))) == sent
    assert list(batch.at(9)) == [replace(message, watermark_us=9) for message in sent]
    if sent:
        assert (batch.watermark_us, batch.columns, batch.portion) == (7, ("ts", "device"), 3)
        assert (batch[:0].watermark_us, batch[:0].columns, batch[:0].portion) == (7, ("ts", "device"), 3)


def test_a_message_of_a_file_has_no_publish_time() -> None:
    assert MessageBatch.of([Message(b""), Message(b"", publish_us=0)]).publish_us.tolist() == [UNKNOWN_US, 0]


@given(MESSAGES, st.lists(st.integers(0, 2), min_size=8, max_size=8))
def test_a_batch_begins_where_the_source_changes(messages: list[Message], portions: list[int]) -> None:
    sent = [replace(message, portion=portion) for message, portion in zip(messages, portions, strict=False)]
    batches = list(batches_of(sent))
    assert [message for batch in batches for message in batch] == sent
    assert all(len({source_of(message) for message in batch}) == 1 for batch in batches)
    assert all(a.portion != b.portion for a, b in pairwise(batches))


@given(MESSAGES, st.integers(1, 20))
def test_groups_end_where_there_are_enough_bytes(messages: list[Message], most: int) -> None:
    groups = list(groups_of(MessageBatch.of(messages), most))
    assert [message for group in groups for message in group] == messages
    for group in groups[:-1]:
        assert sum(len(message.payload) for message in group) >= most
    for group in groups:
        assert sum(len(message.payload) for message in list(group)[:-1]) < most
