"""Read lines of JSON as readings: by definition (`read_object`), and many lines at once (`RowDecoder`)."""

import math
import re
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from functools import lru_cache
from operator import attrgetter
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from telemetry.feed.default_feed import BOOLEAN_METRICS, READING_UNITS
from telemetry.feed.formats.value_columns import ProblemCodes
from telemetry.feed.formats.value_lists import read_values
from telemetry.model.dead_letters import Reason, RejectionError
from telemetry.model.messages import MAX_LINE_BYTES
from transforms.decode.decoded_columns import DecodedColumns, DecodedRow, number_names
from transforms.decode.json_objects import parse_object, read_object
from transforms.decode.metric_values import spec_of, value_text

UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""Exceptions that msgspec raises for a line it cannot read."""
_OPEN, _CLOSE, _NEWLINE = b"{}\n"
_NAN: Final = re.compile(rb'(?<=[{,])(\s*"[^",:{\\]*"\s*:\s*)NaN(?=\s*[,}])')
"""A field that is NaN, which Python writes; no text of JSON holds one, because a quote in a text has a backslash."""


class RowDecoder:
    """Decoder of lines of JSON for one list of metrics.

    Known fields that are not in the list are skipped; unknown fields are counted in `ignored` and skipped.
    """

    def __init__(
        self, metrics: Sequence[str], *, strict: bool = False, booleans: frozenset[str] = BOOLEAN_METRICS
    ) -> None:
        """Prepare the typed decoders for these metrics.

        Args:
            metrics: M names.
            strict: whether a value of a metric that is no number costs its row.
            booleans: the metrics of which true and false are numbers.
        """
        self.metrics = tuple(metrics)
        self.strict = strict
        self.booleans = booleans
        self.ignored: Counter[str] = Counter()
        self._known = {"ts", "device", *metrics, *READING_UNITS}
        self._usual = msgspec.json.Decoder(_row_type(self.metrics, booleans, unknown=False))
        self._unknown = msgspec.json.Decoder(_row_type(self.metrics, booleans, unknown=True))
        self._anything = msgspec.json.Decoder(_row_type(self.metrics, (), unknown=False, typed=False))
        self._anything_unknown = msgspec.json.Decoder(_row_type(self.metrics, (), unknown=True, typed=False))
        self._fields = msgspec.json.Decoder(dict[str, msgspec.Raw])
        self._getters: list[Callable[[Any], Any]] = [attrgetter(f"m{i}") for i in range(len(metrics))]

    def read_lines(self, lines: bytes, expected: int) -> DecodedColumns | None:
        """Return the columns of `expected` lines at once, or None if anything about them is unusual.

        The caller has checked with `count_objects` that each line break separates two documents.
        """
        objects: list[dict[str, Any]] = []
        try:
            columns = self._columns(self._usual.decode_lines(lines))
        except UNREADABLE:
            try:
                columns, objects = self._read_unusual_lines(lines)
            except UNREADABLE:
                return None
        if len(columns.ts) != expected or "" in columns.names:
            return None
        for names, rows in Counter(map(tuple, objects)).items():
            self.ignored.update(dict.fromkeys(set(names) - self._known, rows))
        return columns

    def _read_unusual_lines(self, lines: bytes) -> tuple[DecodedColumns, list[dict[str, Any]]]:
        """Return the columns of lines with unknown fields, or values that are no numbers, and the fields of each line.

        Raises:
            UNREADABLE: if a line is no object, or has no number as ts and no text as device.
        """
        lines.decode("utf-8")  # the decoders do not check the text that they skip
        try:
            columns = self._columns(self._unknown.decode_lines(lines))
        except UNREADABLE:
            if self.strict:
                raise
            lines = _NAN.sub(rb"\1null", lines)
            try:
                return self._columns_of_anything(self._anything.decode_lines(lines)), []
            except UNREADABLE:
                columns = self._columns_of_anything(self._anything_unknown.decode_lines(lines))
        return columns, self._fields.decode_lines(lines)

    def read_line(self, line: bytes) -> DecodedRow:
        """Return the reading of one line.

        Raises:
            RejectionError: with the reason, if it is none.
        """
        if len(line) > MAX_LINE_BYTES:
            raise RejectionError(Reason.TOO_LARGE, f"line of {len(line)} bytes, at most {MAX_LINE_BYTES} are read")
        return self.read_document(line)

    def read_document(self, line: bytes) -> DecodedRow:
        """Return the reading of one line of any length; see `read_line`."""
        try:
            columns = self._columns([self._usual.decode(line)])
        except UNREADABLE:
            return self._read_unusual(line)
        if not columns.names[0]:
            return self._read_unusual(line)
        return DecodedRow(float(columns.ts[0]), columns.names[0], columns.values[:, 0].tolist())

    def _read_unusual(self, line: bytes) -> DecodedRow:
        fields = parse_object(line)
        row = read_object(fields, self.metrics, strict=self.strict, booleans=self.booleans)
        self._count_ignored(fields)
        return row

    def _count_ignored(self, fields: dict[str, Any]) -> None:
        self.ignored.update(fields.keys() - self._known)

    def _columns(self, rows: list[Any]) -> DecodedColumns:
        n = len(rows)
        values = np.empty((len(self.metrics), n))
        for target, getter in zip(values, self._getters, strict=True):
            try:
                target[:] = np.fromiter(map(getter, rows), np.float64, n)
            except TypeError:  # an explicit null, which np.array makes NaN
                target[:] = np.array(list(map(getter, rows)), np.float64)
        return DecodedColumns(*_times_and_devices(rows), values)

    def _columns_of_anything(self, rows: list[Any]) -> DecodedColumns:
        """Return the columns of rows whose values may have any type."""
        values = np.empty((len(self.metrics), len(rows)))
        problems: ProblemCodes = np.zeros(values.shape, np.int8)
        for metric, getter, target, codes in zip(self.metrics, self._getters, values, problems, strict=True):
            target[:], codes[:] = read_values(list(map(getter, rows)), spec_of(metric, self.booleans))
        return DecodedColumns(
            *_times_and_devices(rows),
            values,
            problems if problems.any() else None,
            lambda metric, row: value_text(self._getters[metric](rows[row])),
        )


def _times_and_devices(rows: list[Any]) -> tuple[NDArray[np.float64], tuple[str, ...], NDArray[np.int32]]:
    ts = np.fromiter(map(attrgetter("ts"), rows), np.float64, len(rows))
    return ts, *number_names(list(map(attrgetter("device"), rows)))


@lru_cache(maxsize=8)
def row_decoder(
    metrics: tuple[str, ...], *, strict: bool = False, booleans: frozenset[str] = BOOLEAN_METRICS
) -> RowDecoder:
    """Return the decoder for a list of metrics; each process compiles it once."""
    return RowDecoder(metrics, strict=strict, booleans=booleans)


def _row_type(
    metrics: tuple[str, ...], booleans: Collection[str], *, unknown: bool, typed: bool = True
) -> type[msgspec.Struct]:
    """Return the type of a row, with or without unknown fields, and whether its metrics have to be numbers."""
    names = {f"m{i}": metric for i, metric in enumerate(metrics)}
    skipped = {f"x{i}": name for i, name in enumerate(READING_UNITS) if name not in metrics}
    number, flag = float | None, float | bool | None
    return msgspec.defstruct(
        "Row",
        [
            ("ts", float),
            ("device", str),
            *(
                (field, (flag if name in booleans else number) if typed else Any, math.nan)
                for field, name in names.items()
            ),
            *((field, Any, None) for field in skipped),  # Any is cheaper than Raw for true and false
        ],
        rename=names | skipped,
        forbid_unknown_fields=not unknown,
        gc=False,
    )
