"""Check that a result is used for the very batch that was decoded ahead, and for no other."""

import weakref
from dataclasses import replace

import pytest

from telemetry.model.message_batch import MessageBatch
from telemetry.model.messages import Message
from transforms.decode import decode_once as module
from transforms.decode.decode_once import decode_ahead, decode_once

METRICS = ("temp",)
SMALL = b'{"ts":1,"device":"a","temp":2}'
BIG = b'{"ts": 5, "device": "big", "temp": 1}\n' * 27_600  # just above a megabyte


def messages(*names: str, payload: bytes = SMALL) -> MessageBatch:
    return MessageBatch.of(Message(payload, {}, name) for name in names)


def test_this_very_batch_is_not_decoded_again():
    batch = messages("m0", "m1")
    decoded = list(decode_ahead(batch, METRICS))
    assert list(decode_once(batch, METRICS)) == decoded
    assert list(map(id, decode_once(batch, METRICS))) == list(map(id, decoded)), "a bundle may be tried again"


def test_others_are_decoded():
    batch = messages("m0", "m1")
    ahead = list(decode_ahead(batch, METRICS))
    for other in (batch[:1], replace(batch), messages("m0", "m1"), messages("m0", "m1", "m2")):
        (again,) = decode_once(other, METRICS)
        assert again is not ahead[0]
        assert again.readings is not None
        assert list(again.readings.messages) == list(other)
    (other_metrics,) = decode_once(batch, ("humidity",))
    assert other_metrics.readings is not None
    assert other_metrics.readings.metrics == ("humidity",)
    assert list(decode_once(messages(), METRICS)) == []


@pytest.mark.parametrize("payload", [SMALL, BIG])
def test_results_go_with_their_batch(payload: bytes) -> None:
    batch = messages("m0", "m1", payload=payload)
    assert list(decode_ahead(batch, METRICS))
    assert batch in module._AHEAD
    kept = weakref.ref(batch)
    del batch
    assert kept() is None, "nothing but a garbage collector could free it"
