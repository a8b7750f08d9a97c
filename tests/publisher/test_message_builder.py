"""Messages of a replay: nothing lost, nothing reordered, every attribute right, the same again on another run."""

import gzip
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher.json_lines import NO_TIME, LineBatch
from publisher.replay import message_builder
from publisher.replay.message_builder import MAX_PAYLOAD_BYTES, MessageBuilder, Ordering, ReplayMessage


def lines_of(*rows: tuple[str, int, str]) -> LineBatch:
    return LineBatch([row[0] for row in rows], np.array([row[1] for row in rows], np.int64), [row[2] for row in rows])


def form(blocks: list[LineBatch], shift_us: int = 0, **options: Any) -> list[ReplayMessage]:
    settings: dict[str, Any] = {"run_id": "run", "rows_per_message": 3, "compress": False, "ordering": "run"} | options
    builder = MessageBuilder(**settings)
    formed = [message for block in blocks for message in builder.add(block, shift_us)]
    return [*formed, *builder.finish(shift_us)]


ROWS = st.lists(
    st.tuples(
        st.text(st.characters(blacklist_characters="\n", blacklist_categories=["Cs"]), min_size=1, max_size=20),
        st.one_of(st.just(NO_TIME), st.integers(0, 4 * 10**15)),
        st.sampled_from(["a", "b", "ä"]),
    ),
    max_size=40,
)


@given(rows=ROWS, cuts=st.integers(1, 7), size=st.integers(1, 9), ordering=st.sampled_from(["run", "device", "none"]))
def test_every_line_goes_out_once_and_in_order(
    rows: list[tuple[str, int, str]], cuts: int, size: int, ordering: Ordering
) -> None:
    blocks = [lines_of(*rows[start : start + cuts]) for start in range(0, len(rows), cuts)]
    messages = form(blocks, rows_per_message=size, ordering=ordering)
    assert [message.sequence for message in messages] == list(range(len(messages)))
    sent = [line for message in messages for line in message.payload.decode().split("\n")]
    if ordering == "device":
        assert {m.ordering_key for m in messages} == {device for _, _, device in rows}
        for device in ("a", "b", "ä"):
            of_device = [line for m in messages if m.ordering_key == device for line in m.payload.decode().split("\n")]
            assert of_device == [text for text, _, name in rows if name == device]
    else:
        assert {m.ordering_key for m in messages} <= {"run" if ordering == "run" else ""}
        assert sent == [text for text, _, _ in rows]
    assert len(sent) == len(rows) == sum(message.rows for message in messages)
    assert all(message.rows <= size for message in messages)


@given(rows=ROWS, cuts=st.tuples(st.integers(1, 7), st.integers(1, 7)))
def test_messages_do_not_depend_on_how_the_input_was_read(
    rows: list[tuple[str, int, str]], cuts: tuple[int, int]
) -> None:
    one, other = ([lines_of(*rows[i : i + cut]) for i in range(0, len(rows), cut)] for cut in cuts)
    assert form(one, ordering="device") == form(other, ordering="device")


def test_attributes() -> None:
    messages = form([lines_of(("{1}", 5_000_999, "a"), ("{2}", 2_000_999, "a"), ("{3}", NO_TIME, ""))])
    assert messages[0].attributes == {"message_key": "run-0", "rows": "3", "run_id": "run", "event_time": "2000"}
    assert (messages[0].first_us, messages[0].last_us) == (2_000_999, 5_000_999)


def test_a_shift_moves_the_event_time_and_is_told() -> None:
    (message,) = form([lines_of(("{1}", 2_000_000, "a"))], shift_us=1_500_001)
    assert message.attributes["event_time"] == "3500"
    assert round(float(message.attributes["time_shift"]) * 1e6) == 1_500_001
    assert (message.first_us, message.last_us) == (3_500_001, 3_500_001)


def test_no_event_time_without_a_readable_one() -> None:
    (message,) = form([lines_of(("nonsense", NO_TIME, ""))])
    assert message.attributes == {"message_key": "run-0", "rows": "1", "run_id": "run"}
    assert message.first_us is None


def test_compressed_messages_say_so_and_are_the_same_each_time() -> None:
    plain, packed = form([lines_of(("{1}", 1, "a"))]), form([lines_of(("{1}", 1, "a"))], compress=True)
    assert packed[0].attributes == plain[0].attributes | {"content-encoding": "gzip"}
    assert gzip.decompress(packed[0].payload) == plain[0].payload
    assert packed == form([lines_of(("{1}", 1, "a"))], compress=True)


@pytest.mark.parametrize("letter", ["x", "ä", "😀"])
def test_no_message_of_several_rows_exceeds_the_limit(letter: str) -> None:
    text = letter * (60_000 // len(letter.encode()))
    messages = form([lines_of(*[(text, 1, "a")] * 10)], rows_per_message=100)
    assert [message.rows for message in messages] == [4, 4, 2]
    assert all(len(message.payload) <= MAX_PAYLOAD_BYTES for message in messages)


def test_a_message_may_be_exactly_as_long_as_the_limit() -> None:
    texts = ["x" * 100_000, "x" * (MAX_PAYLOAD_BYTES - 100_001), "y"]
    messages = form([lines_of(*((text, 1, "a") for text in texts))])
    assert [len(message.payload) for message in messages] == [MAX_PAYLOAD_BYTES, 1]


def test_a_row_above_the_limit_goes_alone() -> None:
    texts = ["a", "x" * (MAX_PAYLOAD_BYTES + 1), "b"]
    assert [m.payload.decode() for m in form([lines_of(*((text, 1, "a") for text in texts))])] == texts


def test_a_row_that_pubsub_would_refuse_goes_compressed() -> None:
    (message,) = form([lines_of(("x" * 10_000_001, 1, "a"))])
    assert message.attributes["content-encoding"] == "gzip"
    assert len(message.payload) < 100_000


def test_bytes_that_are_no_text_survive() -> None:
    raw = b'{"ts":1,\xff\xfe}'
    (message,) = form([lines_of((raw.decode("utf-8", "surrogateescape"), NO_TIME, ""))])
    assert message.payload == raw


def test_waiting_rows_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(message_builder, "_MAX_PENDING_BYTES", 50)
    rows = [(json.dumps({"n": n}), n, f"device-{n}") for n in range(20)]
    builder = MessageBuilder("run", 100, False, "device")
    early = list(builder.add(lines_of(*rows), 0))
    assert [message.ordering_key for message in early] == [f"device-{n}" for n in range(len(early))]
    late = list(builder.finish(0))
    assert len(early) + len(late) == 20
    assert sum(len(message.payload) + 1 for message in late) <= 50


@pytest.mark.parametrize("device", ["", "x" * 1025, "ä" * 600])
def test_any_device_gets_a_valid_ordering_key(device: str) -> None:
    (message,) = form([lines_of(("{1}", 1, device))], ordering="device")
    assert 0 < len(message.ordering_key.encode()) <= 1024
