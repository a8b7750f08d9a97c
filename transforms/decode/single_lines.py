"""Read lines one by one, and remember short ones that were bad: a message of equal bad lines costs little."""

from collections.abc import Iterable, Iterator
from typing import Final

import numpy as np

from telemetry.model.dead_letters import Reason, RejectionError
from telemetry.model.message_batch import MessageBatch
from telemetry.model.messages import LINE_BYTES, MAX_LINE_BYTES, Message
from transforms.decode.csv_lines import read_csv_line
from transforms.decode.decoded_columns import DecodedRow, columns_of_rows
from transforms.decode.group_results import GroupResults
from transforms.decode.json_lines import RowDecoder
from transforms.decode.json_objects import parse_object
from transforms.decode.payloads import Slice, slices_of

BLANK: Final = b" \t\n\r\x0b\x0c\0"
"""Bytes of lines that hold nothing."""
MIN_BISECTED_LINES: Final = 64
"""Lines below which bisecting costs more than reading them one by one."""
_REPEATED_BYTES: Final = 256  # longest line that is remembered as bad
_MOST_REPEATED: Final = 1_000


class SingleLines:
    """Reader of the lines of a group of messages, one by one.

    Args:
        messages: the group.
        decoder: of JSON, and of the cells of CSV.
        results: of the group.

    Attributes:
        repeated: short lines that were bad before, and why.
    """

    def __init__(self, messages: MessageBatch, decoder: RowDecoder, results: GroupResults) -> None:
        """Begin without a memory of bad lines."""
        self._messages = messages
        self._decoder = decoder
        self._results = results
        self._no_objects: set[bytes] = set()  # short lines that are not JSON objects
        self.repeated: dict[bytes, RejectionError] = {}

    def read_each(self, index: int, lines: Iterable[tuple[int, bytes]]) -> None:
        """Read lines one by one; a bad one becomes a dead letter."""
        message = self._messages[index]
        rows, kept, numbers = [], [], []
        for number, line in lines:
            known = self.repeated.get(line)
            if known is not None:
                self._results.letters(index).add(number, line, known)
                continue
            try:
                rows.append(self._read_line(line, message.columns))
            except RejectionError as rejection:
                self._results.letters(index).add(number, line, _explain(rejection, message))
            else:
                kept.append(line)
                numbers.append(number)
        if rows:
            self._results.count_unknown(message.columns or (), len(rows))
            self._results.add_rows(
                np.full(len(rows), index, np.int32), np.array(numbers, np.int32), columns_of_rows(rows), lambda: kept
            )

    def _read_line(self, line: bytes, columns: tuple[str, ...] | None) -> DecodedRow:
        """Return the reading of a line.

        Raises:
            RejectionError: if it is none; that of a short line is remembered.
        """
        try:
            return self._decoder.read_line(line) if columns is None else read_csv_line(line, columns, self._decoder)
        except RejectionError as rejection:
            if len(line) <= _REPEATED_BYTES and len(self.repeated) < _MOST_REPEATED:
                self.repeated[line] = RejectionError(rejection.reason, rejection.error)
            raise

    def holds_object(self, parts: Iterable[Slice]) -> bool:
        """Return whether a line is a JSON object."""
        return any(
            self._is_object(line) for part in parts if b"{" in part.content for line in part.content.split(b"\n")
        )

    def _is_object(self, line: bytes) -> bool:
        if line in self._no_objects or len(line) > MAX_LINE_BYTES or not line.lstrip(BLANK).startswith(b"{"):
            return False
        try:
            parse_object(line)
        except RejectionError:
            if len(line) <= _REPEATED_BYTES and len(self._no_objects) < _MOST_REPEATED:
                self._no_objects.add(line)
            return False
        return True

    def rejection_of(self, message: Message) -> RejectionError:
        """Return why a message without a JSON object is rejected: because of its first line."""
        lines = (line for part in slices_of(message) for line in numbered(part))
        for number, line in lines:
            try:
                self._read_line(line, None)
            except RejectionError as rejection:
                if next(lines, None) is None:
                    return _explain(rejection, message)
                return RejectionError(rejection.reason, f"{rejection.error} (line {number}; no line is an object)")
        return RejectionError(Reason.NOT_JSON, "the message holds no line")


def numbered(part: Slice) -> Iterator[tuple[int, bytes]]:
    """Yield the lines that are not blank, with their numbers; bytes of zero, which a power cut leaves, are blanks."""
    lines = enumerate(part.content.split(b"\n"), start=part.first)
    return ((number, line) for number, line in lines if line.strip(BLANK))


def _explain(rejection: RejectionError, message: Message) -> RejectionError:
    """Return a rejection that names the length of a line of a file of which only the beginning was read."""
    told = message.attributes.get(LINE_BYTES, "")
    if rejection.reason is not Reason.TOO_LARGE or not told:
        return rejection
    return RejectionError(Reason.TOO_LARGE, f"line of {told[:40]} bytes, at most {MAX_LINE_BYTES} are read and kept")
