"""Read messages of JSON: as many lines at once as possible, and one by one where a line is unusual."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from telemetry.arrays import CodeArray
from telemetry.model.dead_letters import WHOLE, Reason, RejectionError
from telemetry.model.message_batch import MessageBatch
from telemetry.model.messages import MAX_LINE_BYTES
from telemetry.text.object_lines import count_objects
from transforms.decode.group_results import GroupResults
from transforms.decode.json_lines import RowDecoder
from transforms.decode.json_objects import parse_object
from transforms.decode.payloads import Slice
from transforms.decode.single_lines import MIN_BISECTED_LINES, SingleLines, numbered

_NEWLINE: Final = 10


class JsonMessages:
    """Reader of the messages of JSON in a group.

    Args:
        messages: the group.
        decoder: of many lines at once.
        lines: reads lines one by one.
        results: of the group.
    """

    def __init__(self, messages: MessageBatch, decoder: RowDecoder, lines: SingleLines, results: GroupResults) -> None:
        """Read into these results."""
        self._messages = messages
        self._decoder = decoder
        self._lines = lines
        self._results = results

    def add_small(self, opened: Sequence[tuple[int, bytes]]) -> None:
        """Read all messages together; if that fails, by bisection until the unusual ones are alone."""
        if not opened:
            return
        payloads = [payload.rstrip(b"\n") for _, payload in opened]
        if len(opened) == 1:
            if not self.add_lines(payloads[0], opened[0][0]):
                self._add_message(*opened[0])
            return
        rows = np.array([payload.count(b"\n") + 1 for payload in payloads], np.int64)
        indices = np.array([index for index, _ in opened], np.int32)
        if self.add_lines(b"\n".join(payloads), np.repeat(indices, rows)):
            return
        half = len(opened) // 2
        self.add_small(opened[:half])
        self.add_small(opened[half:])

    def add_lines(self, lines: bytes, where: CodeArray | int | None, first_line: int = 1) -> bool:
        """Read lines of JSON; returns whether each is a usual object.

        Args:
            lines: N lines.
            where: (N,) index of the message of each line, or of all; None if the lines are `bodies`.
            first_line: number of the first line in its message.
        """
        total = count_objects(lines, MAX_LINE_BYTES)
        columns = None if total is None else self._decoder.read_lines(lines, total)
        if columns is None:
            return False
        if where is None:
            where = _messages_of_lines(self._messages, lines, len(columns.ts))
        elif isinstance(where, int):
            where = np.full(len(columns.ts), where, np.int32)
        numbers = np.arange(first_line, len(where) + first_line, dtype=np.int32)
        if where[0] != where[-1]:
            first = np.flatnonzero(np.diff(where, prepend=-1))
            numbers -= np.repeat(first, np.diff(first, append=len(where))).astype(np.int32)
        self._results.add_rows(where, numbers, columns, lambda: lines.split(b"\n"))
        return True

    def read_slice(self, index: int, part: Slice) -> None:
        """Read a slice of a large message together; if that fails, line by line.

        The lines of a slice without an object are only counted once many lines of the message are bad.
        """
        if self.add_lines(part.content.rstrip(b"\n"), index, part.first):
            return
        letters = self._results.letters(index)
        if letters.is_full and b"{" not in part.content:
            lines = [line for line in part.content.split(b"\n") if line.strip()]
            if lines:
                letters.gather(part.first, lines, RejectionError(Reason.NOT_JSON, "no line is an object"))
        else:
            self._bisect(index, list(numbered(part)))

    def _bisect(self, index: int, lines: list[tuple[int, bytes]]) -> None:
        """Halve lines that cannot be read together until the unusual ones are alone."""
        repeated = self._lines.repeated
        if repeated and len(lines) > MIN_BISECTED_LINES:
            self._lines.read_each(index, [(number, line) for number, line in lines if line in repeated])
            lines = [(number, line) for number, line in lines if line not in repeated]
        if len(lines) <= MIN_BISECTED_LINES:
            self._lines.read_each(index, lines)
            return
        half = len(lines) // 2
        for some in (lines[:half], lines[half:]):
            follow = some[-1][0] - some[0][0] == len(some) - 1  # without blank lines between them
            content = b"\n".join([line for _, line in some])
            if not (follow and self.add_lines(content, index, some[0][0])):
                self._bisect(index, some)

    def _add_message(self, index: int, payload: bytes) -> None:
        """Read a small message of JSON line by line, as one document, or reject it as a whole."""
        message, part = self._messages[index], Slice(1, payload)
        lines = list(numbered(part))
        if len(lines) > 1 and _is_one_document(payload):
            self._lines.read_each(index, [(WHOLE, payload)])  # an object printed over several lines
        elif not lines or not self._lines.holds_object((part,)):
            self._results.reject(index, message, self._lines.rejection_of(message))
        else:
            self._bisect(index, lines)


def _messages_of_lines(messages: MessageBatch, lines: bytes, total: int) -> CodeArray:
    """Return the index of the message of each of the lines in `bodies`; shape (total,)."""
    if len(messages) in (1, total):
        return np.arange(total, dtype=np.int32) if len(messages) == total else np.zeros(total, np.int32)
    starts = np.append(0, np.flatnonzero(np.frombuffer(lines, np.uint8) == _NEWLINE) + 1)
    return np.searchsorted(messages.ends, starts, side="right").astype(np.int32)


def _is_one_document(payload: bytes) -> bool:
    try:
        parse_object(payload)
    except RejectionError as rejection:
        return rejection.reason is Reason.NOT_AN_OBJECT
    return True
