"""Make dead letters of the lines of one message: a bounded number, each with only the attributes it needs."""

import gzip
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from telemetry.model.dead_letters import RejectionError, make_letter
from telemetry.model.messages import (
    CONTENT_ENCODING,
    EVENT_TIME,
    MESSAGE_KEY,
    ROWS,
    RUN_ID,
    TIME_LAPSE,
    TIME_SHIFT,
    Message,
)
from telemetry.model.records import DeadLetter

MAX_LINE_LETTERS: Final = 1_000
"""Lines of a message that become dead letters of their own; the lines after them are gathered."""
_SHORT_BYTES: Final = 1_000  # attributes up to this size are repeated in each letter
_PLAIN_BYTES: Final = 1 << 20  # a line up to this size is kept as it is
_PLAIN_REST_BYTES: Final = 1 << 16  # so are gathered lines
_NEEDED: Final = frozenset({RUN_ID, MESSAGE_KEY, EVENT_TIME, TIME_SHIFT, TIME_LAPSE})
"""Attributes without which a line would mean something else, or belong to no run."""


class LineLetters:
    """Dead letters of rejected lines of one message.

    Each of the first `MAX_LINE_LETTERS` lines becomes a letter of its own. Those after them become one letter at each
    `take`: its payload is the lines, compressed if they are many; its attributes state that, and the number of rows.

    The first letter has all attributes of the message that fit a single line. The others have them, too, if they are
    short; otherwise only those that the job reads. Message id and publish time, which each letter has, lead to the
    first one. Payload and attributes of every letter form a valid message.
    """

    def __init__(self, message: Message, stage: str) -> None:
        """Make letters for a message that this stage rejects lines of."""
        self._message = message
        self._stage = stage
        self._own = {k: v for k, v in message.attributes.items() if k not in (CONTENT_ENCODING, ROWS)}
        self._text = _encode(self._own)
        self._repeated = self._own
        if len(self._text) > _SHORT_BYTES:
            self._repeated = {name: value for name, value in self._own.items() if name in _NEEDED}
        self._repeated_text = _encode(self._repeated)
        self._number = 0
        self._letters: list[DeadLetter] = []
        self._rest: list[bytes] = []
        self._first: tuple[int, RejectionError, int | None] | None = None

    def add(self, line: int, content: bytes, rejection: RejectionError, event_us: int | None = None) -> None:
        """Add a rejected line.

        Args:
            line: its number in the message, from 1; 0 if it is the whole message.
            content: the line as received, after decompression.
            rejection: why it cannot be used.
            event_us: its event time where it is known, microseconds UTC.
        """
        if self._number < MAX_LINE_LETTERS:
            self._number += 1
            self._letters.append(self._letter(line, content, rejection, event_us))
            return
        self.gather(line, [content], rejection, event_us)

    @property
    def is_full(self) -> bool:
        """Return whether no further line becomes a letter of its own."""
        return self._number >= MAX_LINE_LETTERS

    def gather(
        self, line: int, contents: Sequence[bytes], rejection: RejectionError, event_us: int | None = None
    ) -> None:
        """Add rejected lines to the letter of those that have none of their own; `line` is the number of the first."""
        if self._first is None:
            self._first = line, rejection, event_us
        self._rest += contents

    def take(self) -> list[DeadLetter]:
        """Return the letters of the lines that were added since the last call."""
        letters, self._letters = self._letters, []
        if self._first is not None:
            letters.append(self._gathered(*self._first))
            self._rest, self._first = [], None
        return letters

    def _letter(self, line: int, content: bytes, rejection: RejectionError, event_us: int | None) -> DeadLetter:
        text = self._text if self._number == 1 else self._repeated_text
        if len(content) > _PLAIN_BYTES:
            content = gzip.compress(content, mtime=0)
            text = _encode((self._own if self._number == 1 else self._repeated) | {CONTENT_ENCODING: "gzip"})
        return make_letter(self._message, rejection, self._stage, content, line or None, text, event_us)

    def _gathered(self, line: int, rejection: RejectionError, event_us: int | None) -> DeadLetter:
        content, attributes = b"\n".join(self._rest), self._repeated | {ROWS: str(len(self._rest))}
        if len(content) > _PLAIN_REST_BYTES:
            content, attributes = gzip.compress(content, mtime=0), attributes | {CONTENT_ENCODING: "gzip"}
        error = f"{len(self._rest):,} lines, the first of them: {rejection.error}"
        gathered = RejectionError(rejection.reason, error)
        return make_letter(self._message, gathered, self._stage, content, line, _encode(attributes), event_us)


def _encode(attributes: Mapping[str, str]) -> str:
    return msgspec.json.encode(attributes, order="sorted").decode()
