"""Check that the letters of a message are bounded, and that each is a valid message whose bytes are all there."""

import base64
import gzip
import json
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.model import line_letters
from telemetry.model.dead_letters import Reason, RejectionError
from telemetry.model.line_letters import MAX_LINE_LETTERS, LineLetters
from telemetry.model.messages import Message
from telemetry.model.records import DeadLetter

BAD = RejectionError(Reason.NOT_JSON, "no")
MANY = {f"k{number:03d}": "v" * 1_000 for number in range(97)}
READ = {"run_id": "r", "time_shift": "5"}


def content_of(letter: DeadLetter) -> bytes:
    payload = base64.b64decode(letter.payload)
    return gzip.decompress(payload) if attributes_of(letter).get("content-encoding") == "gzip" else payload


def attributes_of(letter: DeadLetter) -> Mapping[str, str]:
    found: dict[str, str] = json.loads(letter.attributes)
    return found


def letters_of(lines: list[bytes], attributes: Mapping[str, str]) -> list[DeadLetter]:
    letters = LineLetters(Message(b"", attributes, "m", 7), "decode")
    for number, line in enumerate(lines, 1):
        letters.add(number, line, BAD, number)
    taken = letters.take()
    assert letters.take() == []
    return taken


def test_the_first_lines_have_letters_of_their_own_and_the_others_share_one() -> None:
    lines = [b"%d" % number for number in range(MAX_LINE_LETTERS + 3)]
    *own, shared = letters_of(lines, READ)
    assert [content_of(letter) for letter in own] == lines[:MAX_LINE_LETTERS]
    assert [(letter.line, letter.event_time) for letter in own[:2]] == [(1, 1), (2, 2)]
    assert base64.b64decode(shared.payload) == b"\n".join(lines[MAX_LINE_LETTERS:])
    assert (shared.line, shared.event_time, shared.reason) == (MAX_LINE_LETTERS + 1, MAX_LINE_LETTERS + 1, "not_json")
    assert attributes_of(shared) == {**READ, "rows": "3"}
    assert shared.error == "3 lines, the first of them: no"


def test_many_shared_lines_are_compressed() -> None:
    lines = [b"x" * 10] * (MAX_LINE_LETTERS + 20_000)
    shared = letters_of(lines, {})[-1]
    assert attributes_of(shared) == {"rows": "20000", "content-encoding": "gzip"}
    assert content_of(shared) == b"\n".join(lines[MAX_LINE_LETTERS:])
    assert len(shared.payload) < 10_000


def test_long_attributes_are_stored_once() -> None:
    first, second, *_, shared = letters_of([b"x"] * (MAX_LINE_LETTERS + 2), {**MANY, **READ, "rows": "9"})
    assert attributes_of(first) == {**MANY, **READ}
    assert attributes_of(second) == READ
    assert attributes_of(shared) == {**READ, "rows": "2"}
    assert {(letter.message_id, letter.publish_time) for letter in (first, second, shared)} == {("m", 7)}


def test_short_attributes_are_in_each_letter() -> None:
    first, second = letters_of([b"x", b"y"], {"site": "a", "rows": "2", "content-encoding": "gzip"})
    assert attributes_of(first) == attributes_of(second) == {"site": "a"}


def test_a_very_long_line_is_compressed() -> None:
    line = b"x" * 2_000_000
    first, second = letters_of([line, line], {**MANY, **READ})
    assert content_of(first) == content_of(second) == line
    assert attributes_of(first) == {**MANY, **READ, "content-encoding": "gzip"}
    assert attributes_of(second) == {**READ, "content-encoding": "gzip"}
    assert len(first.payload) < 10_000


@given(st.lists(st.integers(0, 6), max_size=5))
def test_no_line_is_lost_whenever_letters_are_taken(sizes: list[int]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(line_letters, "MAX_LINE_LETTERS", 4)
        letters, number, kept = LineLetters(Message(b"", {}, "m"), "decode"), 0, b""
        rows = taken = 0
        for size in sizes:
            for _ in range(size):
                number += 1
                letters.add(number, b"%d" % number, BAD)
            found = letters.take()
            taken += len(found)
            rows += sum(int(attributes_of(letter).get("rows", "1")) for letter in found)
            kept += b"".join(content_of(letter) + b"\n" for letter in found)
        assert kept == b"".join(b"%d\n" % each for each in range(1, number + 1))
        assert rows == number
        assert taken <= 4 + len(sizes)
        assert letters.is_full == (number >= 4)
