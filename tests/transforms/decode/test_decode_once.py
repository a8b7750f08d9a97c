"""Check that a result is used for the very batch that was decoded ahead, and for no other."""

import weakref
from dataclasses import replace

import pytest

from telemetry.model.message_batch import MessageBatch
from telemetry.model.messages import Message
from transforms.decode import decode_once as module
from transforms.decode.decode_once import decode_ahead, decode_once
from transforms.decode.decode_spec import DecodeSpec

METRICS = ("temp",)
SPEC = DecodeSpec(METRICS)
SMALL = b'{"ts":1,"device":"a","temp":2}'
BIG = b'{"ts": 5, "device": "big", "temp": 1}\n' * 27_600  # just above a megabyte


def messages(*names: str, payload: bytes = SMALL) -> MessageBatch:
    return MessageBatch.of(Message(payload, {}, name) for name in names)


def test_this_very_batch_is_not_decoded_again():
    batch = messages("m0", "m1")
    decoded = list(decode_ahead(batch, SPEC))
    assert list(decode_once(batch, SPEC)) == decoded
    assert list(map(id, decode_once(batch, SPEC))) == list(map(id, decoded)), "a bundle may be tried again"


def test_others_are_decoded():
    batch = messages("m0", "m1")
    ahead = list(decode_ahead(batch, SPEC))
    for other in (batch[:1], replace(batch), messages("m0", "m1"), messages("m0", "m1", "m2")):
        (again,) = decode_once(other, SPEC)
        assert again is not ahead[0]
        assert again.readings is not None
        assert list(again.readings.messages) == list(other)
    (other_metrics,) = decode_once(batch, DecodeSpec(("humidity",)))
    assert other_metrics.readings is not None
    assert other_metrics.readings.metrics == ("humidity",)
    assert list(decode_once(messages(), SPEC)) == []


@pytest.mark.parametrize("payload", [SMALL, BIG])
def test_results_go_with_their_batch(payload: bytes) -> None:
    batch = messages("m0", "m1", payload=payload)
    assert list(decode_ahead(batch, SPEC))
    assert batch in module._AHEAD
    kept = weakref.ref(batch)
    del batch
    assert kept() is None, "nothing but a garbage collector could free it"


def test_results_of_a_large_batch_are_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_ROWS", 2)
    for names, kept in ((("m0", "m1"), True), (("m0", "m1", "m2"), False)):
        batch = messages(*names)
        decoded = list(decode_ahead(batch, SPEC))
        assert (batch in module._AHEAD) == kept
        again = list(decode_once(batch, SPEC))
        assert [len(part.readings or ()) for part in again] == [len(part.readings or ()) for part in decoded]
