import gzip
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.model.messages import Message
from tests.support.jobs import cut
from tests.support.key_memory import Arrival, expected_memory
from transforms.decode.payloads import rows_of
from transforms.dedup.key_memory import KeyMemory, decode_key_memory, encode_key_memory, key_of

WINDOW = 100
A, B, C = (name * 16 for name in (b"a", b"b", b"c"))
KEYS = st.sampled_from([A, B, C, b"\0" * 16, b"a" + b"\0" * 15, b"\xff" * 16, b"a\xff" * 8, None])
MICROS = st.integers(0, 4 * WINDOW)


def check(memory: KeyMemory, arrivals: Sequence[Arrival], window_us: int = WINDOW) -> tuple[list[bool], KeyMemory]:
    return memory.check([key for key, _ in arrivals], [moment for _, moment in arrivals], window_us)


def told(memory: KeyMemory) -> dict[bytes, int]:
    """Return the remembered keys; NumPy shows them without the zeros at their end."""
    keys = [key.ljust(16, b"\0") for key in memory.keys.tolist()]
    assert keys == sorted(set(keys))
    return dict(zip(keys, memory.published_us.tolist(), strict=True))


@given(
    st.lists(st.tuples(KEYS, MICROS), max_size=40),
    st.lists(st.integers(0, 6), max_size=20),
    st.sampled_from([0, 1, WINDOW, 2**62]),
)
def test_any_order_and_any_cut_equal_a_dict(arrivals, sizes, window_us):
    content, found = None, []
    for part in cut(arrivals, sizes):
        new, memory = check(decode_key_memory(content), part, window_us)
        found += new
        content = encode_key_memory(memory)
    new, remembered = expected_memory(arrivals, window_us)
    assert found == new
    assert told(decode_key_memory(content)) == remembered
    assert decode_key_memory(content).newest_us == max((us for _, us in arrivals), default=-(2**62))
    assert content is None or len(content) == 16 + 24 * len(remembered)


@given(st.lists(st.tuples(st.binary(min_size=16, max_size=16), MICROS), unique_by=lambda arrival: arrival[0]))
def test_different_keys_are_new_whatever_their_times(arrivals):
    assert check(KeyMemory(), arrivals)[0] == [True] * len(arrivals)


@pytest.mark.parametrize(
    ("after", "new"), [(0, False), (WINDOW - 1, False), (WINDOW, False), (WINDOW + 1, True), (-WINDOW, False)]
)
@pytest.mark.parametrize("together", [True, False], ids=["one call", "two calls"])
def test_a_key_is_forgotten_when_a_message_is_more_than_the_window_later(after, new, together):
    first, second = (A, 1_000), (A, 1_000 + after)
    if together:
        assert check(KeyMemory(), [first, second])[0] == [True, new]
    else:
        assert check(check(KeyMemory(), [first])[1], [second])[0] == [new]


@pytest.mark.parametrize(("other", "new"), [(1_000 + WINDOW, False), (1_001 + WINDOW, True)])
@pytest.mark.parametrize("name", [B, None])
def test_any_message_lets_time_go_on(other, new, name):
    assert check(KeyMemory(), [(A, 1_000), (name, other), (A, 1_000)])[0] == [True, True, new]


def test_a_duplicate_does_not_prolong():
    new, memory = check(KeyMemory(), [(A, 0), (A, WINDOW), (A, WINDOW + 1)])
    assert new == [True, False, True]
    assert told(memory) == {A: WINDOW + 1}


def test_what_is_older_than_the_window_is_new_and_not_remembered():
    new, memory = check(KeyMemory(), [(A, 1_000), (B, 999 - WINDOW), (B, 999 - WINDOW), (C, 1_000 - WINDOW)])
    assert new == [True, True, True, True]
    assert told(memory) == {A: 1_000, C: 1_000 - WINDOW}


def test_a_message_without_a_key_is_new_each_time_and_not_remembered():
    new, memory = check(KeyMemory(), [(None, 5), (None, 5)])
    assert (new, told(memory), memory.newest_us) == ([True, True], {}, 5)


def test_what_is_known_stays_as_it_was():
    _, before = check(KeyMemory(), [(A, 0)])
    check(before, [(B, WINDOW + 1)])
    assert (told(before), before.newest_us) == ({A: 0}, 0)


def test_the_bytes_of_a_running_job_can_be_read():
    content = (
        b"\1" + bytes(7) + (7).to_bytes(8, "little") + (5).to_bytes(8, "little") + (7).to_bytes(8, "little") + A + B
    )
    assert encode_key_memory(check(KeyMemory(), [(B, 7), (A, 5)])[1]) == content
    memory = decode_key_memory(content)
    assert (told(memory), memory.newest_us) == ({A: 5, B: 7}, 7)
    assert memory.published_us.dtype == np.int64


def test_nothing_known_is_an_empty_memory():
    memory = decode_key_memory(None)
    assert (told(memory), memory.newest_us) == ({}, -(2**62))


def keyed(message_id: str = "", **attributes: str) -> Message:
    return Message(b"{}", attributes, message_id)


def test_a_message_is_known_by_its_key_and_nothing_else():
    assert key_of(keyed("1", message_key="run-7")) == key_of(Message(b"other", {"message_key": "run-7"}, "2", 5))
    assert key_of(keyed("1", message_key="run-7")) != key_of(keyed("1", message_key="run-8"))


@pytest.mark.parametrize("attributes", [{}, {"message_key": ""}, {"rows": "3"}])
def test_without_a_key_a_message_is_known_by_its_id(attributes):
    assert key_of(keyed("1", **attributes)) == key_of(keyed("1", run_id="r"))
    assert key_of(keyed("1", **attributes)) != key_of(keyed("2", **attributes))
    assert key_of(keyed("", **attributes)) is None


def test_a_key_is_no_id():
    assert key_of(keyed("", message_key="1")) != key_of(keyed("1"))


def test_the_digest_stays_the_same_from_one_job_to_the_next():
    assert key_of(keyed("1", message_key="été")) == bytes.fromhex("60d6a6e2e5365f4d95f8ad010b406824")
    assert key_of(keyed("1")) == bytes.fromhex("96ec0acab92ce98cbe42d8653c23f81c")
    assert len(key_of(keyed(message_key="\ud800")) or b"") == 16


LINES = b'\n{"ts":1}\n\n{"ts":2}\r\n  \nnonsense'


@pytest.mark.parametrize(
    ("message", "rows"),
    [
        pytest.param(Message(LINES, {"rows": "500"}), 500, id="told"),
        pytest.param(Message(LINES, {"rows": "0"}), 0, id="told to be none"),
        pytest.param(Message(b"\xff", {"rows": "7", "content-encoding": "gzip"}), 7, id="told, unreadable"),
        *(
            pytest.param(Message(LINES, {"rows": text}), 3, id=f"told as {text[:5]!r}")
            for text in ("", "-1", "+1", "1.0", " 1", "1_0", "²", "٤", "many", "9" * 5_000)
        ),
        pytest.param(Message(LINES, {}), 3, id="counted"),
        pytest.param(Message(b"", {}), 0, id="nothing"),
        pytest.param(Message(gzip.compress(LINES), {"content-encoding": "gzip"}), 3, id="gzip"),
        pytest.param(Message(gzip.compress(LINES)[:-9], {"content-encoding": "gzip"}), 1, id="broken gzip"),
        pytest.param(Message(LINES, {"content-encoding": "br"}), 1, id="unknown encoding"),
        pytest.param(Message(b"1,a\n2,b\n", {}, columns=("ts", "device")), 2, id="lines of CSV"),
    ],
)
def test_rows_of_a_message(message, rows):
    assert rows_of(message) == rows
