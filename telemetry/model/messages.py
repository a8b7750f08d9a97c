"""Define the message that carries a payload into the job, and the names of its attributes.

Wire format: a Pub/Sub message holds 1..N readings as newline-delimited JSON, UTF-8, optionally
gzip. A plain JSON message of one object without attributes, as devices send, is valid, too.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

EVENT_TIME: Final = "event_time"
"""Attribute: smallest event time in the message, milliseconds since the epoch or RFC 3339."""
MESSAGE_KEY: Final = "message_key"
"""Attribute: deterministic id of the message (run and sequence), by which duplicates are removed."""
ROWS: Final = "rows"
"""Attribute: number of lines in the payload."""
RUN_ID: Final = "run_id"
"""Attribute: id of the replay that published the message."""
TIME_SHIFT: Final = "time_shift"
"""Attribute: seconds added to ``ts`` to get the event time; absent means 0."""
TIME_LAPSE: Final = "time_lapse"
"""Attribute: event times may run ahead of the publish time, because the replay speeds up or shifts time."""
CONTENT_ENCODING: Final = "content-encoding"
"""Attribute: ``gzip`` when the payload is compressed."""
FILE: Final = "file"
"""Attribute: name of the file that the payload was cut from, if the feed takes the device from it."""
FIRST_ROW: Final = "first_row"
"""Attribute: number of the payload's first row in its file, from 0, if the feed makes the times of rows."""
LINE_BYTES: Final = "line_bytes"
"""Attribute: length of a line of a file, of which the payload is only the beginning."""
DELIMITER: Final = "delimiter"
"""Attribute: character between the cells of the payload, where it is not the one of the feed."""
MULTILINE: Final = "multiline"
"""Attribute: ``true`` where rows are not lines: of CSV as `CsvRowFinder` finds them, of JSON one document after another
or the elements of an array with commas between them."""

MAX_MESSAGE_BYTES: Final = 10_000_000
"""Largest payload of a Pub/Sub message (https://cloud.google.com/pubsub/quotas#resource_limits)."""


class Message(msgspec.Struct, frozen=True, array_like=True):
    """Payload as a source received it, with its metadata.

    Attributes:
        payload: newline-delimited JSON (perhaps gzip), or lines of CSV when `columns` is set.
        attributes: Pub/Sub attributes; empty for files.
        message_id: Pub/Sub message id, or ``path@byte-offset`` for a chunk of a file.
        publish_us: when Pub/Sub received it, microseconds UTC; None for files.
        watermark_us: the source's watermark when it emitted the message, microseconds UTC; None if the source does not
            know it (files, Dataflow).
        columns: header of the CSV file the payload was cut from; None for JSON.
        portion: number of the portion of bounded input it was read from. A batch never holds rows of two portions, so
            that batches do not depend on which worker reads which portion.
    """

    payload: bytes
    attributes: Mapping[str, str] = {}
    message_id: str = ""
    publish_us: int | None = None
    watermark_us: int | None = None
    columns: tuple[str, ...] | None = None
    portion: int = 0


MAX_LINE_BYTES: Final = 262_144
"""Longest line that is decoded; a reading is a few hundred bytes."""
