"""Read messages of CSV: whole if possible, else by bisection until the unusual lines are alone."""

from typing import Final

import numpy as np

from telemetry.arrays import CodeArray
from telemetry.model.messages import MAX_LINE_BYTES
from telemetry.text.csv_rows import is_filled
from transforms.decode.csv_columns import read_csv_lines
from transforms.decode.csv_lines import count_lines
from transforms.decode.decode_spec import DecodeSpec
from transforms.decode.group_results import GroupResults
from transforms.decode.payloads import Slice
from transforms.decode.single_lines import BLANK, MIN_BISECTED_LINES, SingleLines, numbered

_EMPTY: Final = BLANK + b',"'


class CsvMessages:
    """Reader of the messages of CSV in a group.

    Args:
        spec: how messages are decoded.
        lines: reads lines one by one.
        results: of the group.
    """

    def __init__(self, spec: DecodeSpec, lines: SingleLines, results: GroupResults) -> None:
        """Read into these results."""
        self._metrics = spec.metrics
        self._strict = spec.feed.strict
        self._booleans = spec.booleans
        self._lines = lines
        self._results = results

    def add(self, index: int, columns: tuple[str, ...], payload: bytes) -> None:
        """Read a message of CSV as a whole; if that fails, by bisection."""
        content = payload.rstrip(b"\n")
        total = count_lines(content)
        if total is None or not self._add_lines(index, columns, content, np.arange(1, total + 1, dtype=np.int32)):
            lines = numbered(Slice(1, payload))
            self._bisect(index, columns, [(number, line) for number, line in lines if is_filled(line, _EMPTY, b'"')])

    def _bisect(self, index: int, columns: tuple[str, ...], lines: list[tuple[int, bytes]]) -> None:
        """Read lines of CSV in bulk, and halve what Arrow refuses until the unusual lines are alone."""
        if not lines:
            return
        content = b"\n".join([line for _, line in lines])
        numbers = np.fromiter((number for number, _ in lines), np.int32, len(lines))
        if not _has_long_line(content) and self._add_lines(index, columns, content, numbers):
            return
        repeated = self._lines.repeated
        if repeated:
            self._lines.read_each(index, [(number, line) for number, line in lines if line in repeated])
            lines = [(number, line) for number, line in lines if line not in repeated]
        if len(lines) > MIN_BISECTED_LINES:
            half = len(lines) // 2
            self._bisect(index, columns, lines[:half])
            self._bisect(index, columns, lines[half:])
        else:
            self._lines.read_each(index, lines)

    def _add_lines(self, index: int, columns: tuple[str, ...], content: bytes, numbers: CodeArray) -> bool:
        """Read lines of CSV that have these numbers, none of them blank; returns whether Arrow reads all of them."""
        read = read_csv_lines(
            content, len(numbers), columns, self._metrics, strict=self._strict, booleans=self._booleans
        )
        if read is not None:
            self._results.count_unknown(columns, len(numbers))
            self._results.add_rows(np.full(len(numbers), index, np.int32), numbers, read, lambda: content.split(b"\n"))
        return read is not None


def _has_long_line(payload: bytes) -> bool:
    return len(payload) > MAX_LINE_BYTES and max(map(len, payload.split(b"\n"))) > MAX_LINE_BYTES
