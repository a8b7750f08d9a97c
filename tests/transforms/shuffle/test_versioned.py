"""Every kind of bytes that a runner keeps begins with a format number, and refuses a number that it does not know."""

from collections.abc import Callable
from typing import Any

import pytest

from telemetry.errors import TelemetryError
from transforms.dedup.candidates import decode_candidates
from transforms.dedup.key_memory import decode_key_memory
from transforms.dedup.reading_memory import decode_reading_memory
from transforms.dedup.repeated_rows import decode_numbered_keys
from transforms.dedup.shard_readings import decode_readings
from transforms.shuffle.record_batch_bytes import decode_record_batch
from transforms.shuffle.versioned import FormatError, frame, unframe
from transforms.windows.pane_state import decode_pane_state
from transforms.windows.partial_aggregate import decode_partial
from transforms.windows.portion_aggregate import decode_portion
from transforms.windows.table_bytes import decode_table


def test_a_frame_is_one_byte_and_the_content():
    assert frame(7, b"content") == b"\x07content"
    number, content = unframe("thing", b"\x07content", (3, 7))
    assert (number, bytes(content)) == (7, b"content")


@pytest.mark.parametrize(
    ("framed", "found"), [(b"\x02content", "format 2 found"), (b"\xff", "format 255 found"), (b"", "no bytes found")]
)
def test_an_unknown_format_is_refused_in_one_line(framed, found):
    with pytest.raises(FormatError) as failure:
        unframe("thing", framed, (3, 1))
    assert str(failure.value) == f"thing: {found}, this version understands format 1, 3"
    assert isinstance(failure.value, TelemetryError)


@pytest.mark.parametrize(
    ("decode", "kind"),
    [
        (decode_table, "aggregate table"),
        (decode_partial, "partial aggregate"),
        (decode_portion, "partial aggregates of a portion"),
        (decode_pane_state, "pane state"),
        (decode_key_memory, "memory of message keys"),
        (decode_candidates, "messages to check for duplicates"),
        (decode_reading_memory, "memory of readings"),
        (decode_readings, "readings to check for repeats"),
        (decode_numbered_keys, "keys of readings"),
        (decode_record_batch, "record batch"),
    ],
)
def test_each_decoder_names_what_it_cannot_read(decode: Callable[[bytes], Any], kind: str):
    with pytest.raises(FormatError) as failure:
        decode(b"\x80\x05pickle")
    understood = "1, 2" if decode is decode_partial else "1"  # the first one held the payloads of late rows
    assert str(failure.value) == f"{kind}: format 128 found, this version understands format {understood}"
