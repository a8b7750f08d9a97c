"""The state of transitions that wait, as bytes."""

import pytest

from tests.support.records import batch_of, transition
from transforms.outputs.deliver_alerts import pause_s
from transforms.outputs.waiting_alerts import (
    Waiting,
    arrivals,
    decode_failures,
    decode_waiting,
    encode_failures,
    encode_waiting,
    states_of,
)
from transforms.shuffle.record_batch_bytes import encode_record_batch
from transforms.shuffle.versioned import FormatError

ONE, TWO, THREE = (transition(number) for number in range(3))


def test_what_is_encoded_is_decoded() -> None:
    waiting = Waiting(1_594_512_000_000_001, encode_record_batch(batch_of(ONE)))
    assert decode_waiting(encode_waiting(waiting)) == waiting
    assert [decode_failures(encode_failures(number)) for number in (0, 1, 70_000)] == [0, 1, 70_000]
    assert decode_failures(None) is None


def test_transitions_keep_the_time_of_their_first_arrival() -> None:
    states = [
        encode_waiting(Waiting(5, encode_record_batch(batch_of(ONE, TWO)))),
        encode_waiting(Waiting(3, encode_record_batch(batch_of(TWO, THREE)))),
    ]
    key = ONE.incident_id
    expected = {(key, 0): (5, ONE), (key, 1): (3, TWO), (key, 2): (3, THREE)}
    assert arrivals(states) == expected
    again = list(states_of([*expected.values()]))
    assert len(again) == 2
    assert arrivals(again) == expected
    assert list(states_of([])) == []


@pytest.mark.parametrize("decode", [decode_waiting, decode_failures])
def test_bytes_of_a_later_version_are_refused(decode: object) -> None:
    with pytest.raises(FormatError, match="format 9 found, this version understands format 1"):
        decode(b"\x09abc")  # type: ignore[operator]


def test_pauses_grow_up_to_a_minute() -> None:
    assert [pause_s(failures) for failures in (0, 1, 2, 3, 6, 7, 8, 100_000)] == [0, 1, 2, 4, 32, 60, 60, 60]
