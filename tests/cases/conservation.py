"""Check that decoding loses nothing: what a message holds is in its readings and dead letters, once and in order."""

import base64
import gzip
from collections.abc import Sequence

import numpy as np

from telemetry.feed.feed import Feed
from telemetry.model.message_batch import MessageBatch
from telemetry.model.messages import Message
from transforms.decode.codec import decode_parts
from transforms.decode.decode_spec import DecodeSpec
from transforms.decode.payloads import raw_rows

_BETWEEN = b' \t\r\n\x0b\x0c,;|\x1e\0[]"' + b"'"
"""Bytes between rows and documents, and those of rows with empty cells."""
LINES = ("", "json", "csv")
"""Formats whose rows are parts of their payload."""
Row = tuple[int, int, bytes]
"""Message, number in it and bytes."""


def rows_of(messages: Sequence[Message], spec: DecodeSpec) -> tuple[list[Row], list[Row]]:
    """Return the readings and the dead letters of messages; the number of a letter of a whole message is 0."""
    ids = {message.message_id: index for index, message in enumerate(messages)}
    readings: list[Row] = []
    letters: list[Row] = []
    for part in decode_parts(MessageBatch.of(messages), spec):
        batch = part.readings
        if batch is not None:
            contents = raw_rows(batch, np.arange(len(batch)))
            index = [ids[batch.messages.ids[one]] for one in batch.message.tolist()]
            readings += zip(index, batch.line.tolist(), contents, strict=True)
        for one in part.rejected:
            assert "\n" not in one.error
            letters.append((ids[one.message_id], one.line or 0, base64.b64decode(one.payload)))
    return readings, letters


def check_nothing_lost(messages: Sequence[Message], spec: DecodeSpec) -> None:
    """Decode messages, and check that each row of theirs is a reading or a dead letter."""
    readings, letters = rows_of(messages, spec)
    for number, message in enumerate(messages):
        mine = [row[1:] for row in readings if row[0] == number]
        dead = [row[1:] for row in letters if row[0] == number]
        if [line for line, _ in dead] == [0]:
            assert (mine, dead[0][1]) == ([], message.payload)
            continue
        numbers = [line for line, _ in (*mine, *dead)]
        assert len(set(numbers)) == len(numbers), "a row is there twice"
        if _keeps_rows(spec.feed) and b'"ts":[' not in message.payload:  # readings of one record
            content = message.payload
            if message.attributes.get("content-encoding"):
                content = gzip.decompress(content)
            found = b"".join(content for _, content in sorted([*mine, *dead]))
            assert _essence(found, spec.feed) == _essence(content, spec.feed)


def _keeps_rows(feed: Feed) -> bool:
    """Return whether the bytes of rows are parts of their payload, in order, and all of it."""
    has_header = feed.format == "csv" and not feed.csv.columns
    return feed.format in LINES and not (feed.records or feed.body or has_header)


def _essence(content: bytes, feed: Feed) -> bytes:
    comment = feed.csv.comment.encode()
    lines = [line for line in content.removeprefix(b"\xef\xbb\xbf").split(b"\n")
             if not (comment and line.startswith(comment))]  # fmt: skip
    return b"".join(lines).translate(None, _BETWEEN)
