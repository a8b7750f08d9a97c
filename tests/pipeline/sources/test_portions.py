"""Portions of a pull: bounded by decompressed size, complete, and free where nothing is large."""

import gzip

import pytest

from pipeline.sources import portions
from pipeline.sources.portions import portions_of
from telemetry.model.message_batch import MessageBatch
from telemetry.model.messages import CONTENT_ENCODING, Message

GZIP = {CONTENT_ENCODING: "gzip"}


def packed(size: int) -> Message:
    return Message(gzip.compress(b"x" * size), GZIP)


def lengths(messages: list[Message], most_bytes: int) -> list[int]:
    """Return the number of messages in each portion, which together are the pull."""
    found = list(portions_of(MessageBatch.of(messages), most_bytes))
    assert [message for part in found for message in part] == messages
    return list(map(len, found))


def test_a_pull_that_is_not_large_is_handed_on_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(portions, "pieces_of", None)  # nothing is decompressed
    pull = MessageBatch.of([Message(b"a"), packed(1), Message(b"b")])
    (found,) = portions_of(pull, 1 << 20)
    assert found is pull
    assert list(portions_of(MessageBatch.of([]))) == []


def test_plain_messages_count_as_they_are() -> None:
    assert lengths([Message(b"x" * 40)] * 5, 100) == [3, 2]
    assert lengths([Message(b"x" * 400), Message(b"y")], 100) == [1, 1]


def test_compressed_messages_count_as_their_content() -> None:
    assert lengths([packed(10_000)] * 5, 20_000) == [2, 2, 1]
    too_large = packed(70_000_000)  # a dead letter, which holds it as it came
    assert len(too_large.payload) > 60_000
    assert lengths([packed(10_000), Message(b"x"), too_large, packed(5)], 20_000) == [3, 1]


def test_a_member_that_hides_the_size_is_counted() -> None:
    hidden = Message(gzip.compress(b"x" * 50_000) + gzip.compress(b"y"), GZIP)
    assert lengths([hidden, hidden], 20_000) == [1, 1]
