"""Check that a result is used for the very messages that were decoded ahead, and for no others."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.model.messages import Message
from transforms.decode import decode_once as module
from transforms.decode.decode_once import GROUP_BYTES, decode_ahead, decode_once, forget, group_messages

METRICS = ("temp",)


def messages(*names: str) -> tuple[Message, ...]:
    return tuple(Message(b'{"ts":1,"device":"a","temp":2}', {}, name) for name in names)


@pytest.fixture
def ahead():
    group = messages("m0", "m1")
    yield group, decode_ahead(group, METRICS)
    forget(group)


def test_these_very_messages_are_not_decoded_again(ahead):
    group, decoded = ahead
    assert decode_once(list(group), METRICS) is decoded
    assert decode_once(group, METRICS) is decoded, "a bundle may be tried again"


def test_others_are_decoded(ahead):
    group, decoded = ahead
    for others in (group[:1], group[::-1], (group[0], *messages("m1")), messages("m0", "m1"), (*group, *messages("m"))):
        again = decode_once(others, METRICS)
        assert again is not decoded
        assert again.readings is not None
        assert again.readings.messages == tuple(others)
    other = decode_once(group, ("humidity",)).readings
    assert other is not None
    assert other.metrics == ("humidity",)
    assert decode_once((), METRICS).readings is None


def test_what_is_forgotten_is_decoded_again(ahead):
    group, decoded = ahead
    forget(group)
    assert decode_once(group, METRICS) is not decoded
    assert module._AHEAD == {}


@given(st.lists(st.integers(0, 2 * GROUP_BYTES), max_size=8))
def test_groups_end_where_there_are_enough_bytes(sizes):
    sent = [Message(bytes(size), {}, str(n)) for n, size in enumerate(sizes)]
    groups = list(group_messages(sent))
    assert [message for group in groups for message in group] == sent
    for group in groups[:-1]:
        assert sum(len(message.payload) for message in group) >= GROUP_BYTES
    for group in groups:
        assert sum(len(message.payload) for message in group[:-1]) < GROUP_BYTES
