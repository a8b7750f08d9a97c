"""Read lines of CSV as columns, in bulk with Arrow: a faster way to what the definition, `read_csv_line`, gives.

Columns of metrics are read as numbers; if that fails, as numbers and missing codes; if that fails, as texts, of which
those that are no plain numbers are read by the definition, equal ones once.
"""

import json
from collections.abc import Sequence
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.csv

from telemetry.arrays import FloatArray
from telemetry.feed.default_feed import BOOLEAN_METRICS
from telemetry.feed.formats.number_text import MISSING_TEXTS
from telemetry.feed.formats.value_columns import CODE_OF_PROBLEM, ProblemCodes, read_column
from telemetry.feed.formats.values import NumberProblem, NumberSpec, read_number
from telemetry.text.csv_cells import cell_to_json
from transforms.decode.decoded_columns import DecodedColumns, number_names
from transforms.decode.fit_lines import fit_lines
from transforms.decode.metric_values import shorten, spec_of
from transforms.decode.plain_csv import is_plain

_NAMES: Final = pa.dictionary(pa.int32(), pa.string())  # few names, each in many lines
_EMPTY: Final = ("",)
_MISSING: Final = sorted(
    space + code
    for text in MISSING_TEXTS
    for code in {text, text.upper(), text.capitalize(), text.replace("nan", "NaN")}
    for space in ("", " ")
)
"""Cells without a value, as far as Arrow can list them; others are read as texts."""
_OTHER_WIDTH: Final = "CSV parse error"  # how Arrow begins to tell of a line with too few or too many cells
_NOT_A_NUMBER: Final = CODE_OF_PROBLEM[NumberProblem.NOT_A_NUMBER]


def read_csv_lines(
    lines: bytes,
    expected: int,
    columns: tuple[str, ...],
    metrics: Sequence[str],
    *,
    strict: bool = False,
    booleans: frozenset[str] = BOOLEAN_METRICS,
) -> DecodedColumns | None:
    """Return the columns of `expected` lines of CSV, or None if anything about them is unusual.

    Args:
        lines: N lines.
        expected: N.
        columns: names of the columns.
        metrics: M names.
        strict: whether a cell of a metric that is neither a number nor empty is unusual.
        booleans: the metrics of which true and false are numbers.
    """
    if "ts" not in columns or "device" not in columns:
        return None
    if not strict and b"\0" in lines:
        lines = lines.replace(b"\0", b"")
    if not is_plain(lines):
        return None
    try:
        return _read_lines(lines, expected, columns, metrics, strict, booleans)
    except _CellsError:
        fitted = None if strict else fit_lines(lines, len(columns))
    if fitted is None:
        return None
    try:
        found = _read_lines(fitted.lines, expected, columns, metrics, strict, booleans)
    except _CellsError:  # Arrow and `fit_lines` do not agree
        return None
    return None if found is None else found._replace(fitted=fitted.changed)


def _read_lines(
    lines: bytes,
    expected: int,
    columns: tuple[str, ...],
    metrics: Sequence[str],
    strict: bool,
    booleans: frozenset[str],
) -> DecodedColumns | None:
    """Return the columns of lines that are plain, or None if anything else about them is unusual.

    Raises:
        _CellsError: if a line has too few or too many cells.
    """
    found = None
    if booleans.isdisjoint(set(metrics).intersection(columns)):
        found = _read_numbers(lines, expected, columns, metrics, _EMPTY)
        if found is None and not strict:
            found = _read_numbers(lines, expected, columns, metrics, _MISSING)
    if strict:
        return found
    return _trimmed(found or _read_texts(lines, expected, columns, metrics, booleans))


class _CellsError(Exception):
    """A line that has another number of cells than the header."""


def _trimmed(rows: DecodedColumns | None) -> DecodedColumns | None:
    """Return rows with names of devices without spaces around them; None if one is nothing else."""
    if rows is None:
        return None
    names = [name.strip() for name in rows.names]
    if names == list(rows.names):
        return rows
    distinct, places = number_names(names)
    return None if "" in distinct else rows._replace(names=distinct, device=places[rows.device])


def _read_numbers(
    lines: bytes, expected: int, columns: tuple[str, ...], metrics: Sequence[str], missing: Sequence[str]
) -> DecodedColumns | None:
    """Return the columns of lines in which each cell of a metric is a number, or one of those that are missing."""
    table = _read_table(lines, columns, metrics, pa.float64(), missing)
    rows = None if table is None or len(table) != expected else _times_and_devices(table, metrics)
    if table is None or rows is None:
        return None
    for metric, target in zip(metrics, rows.values, strict=True):
        if metric in columns:
            column = table.column(metric)
            target[:] = column.to_numpy()
            if np.isfinite(target).sum() != expected - column.null_count:
                return None  # a literal nan or inf, or a number that overflows
    return rows


def _read_texts(
    lines: bytes, expected: int, columns: tuple[str, ...], metrics: Sequence[str], booleans: frozenset[str]
) -> DecodedColumns | None:
    """Return the columns of lines in which cells of metrics hold anything."""
    table = _read_table(lines, columns, metrics, pa.string(), _EMPTY)
    rows = None if table is None or len(table) != expected else _times_and_devices(table, metrics)
    if table is None or rows is None:
        return None
    problems: ProblemCodes = np.zeros(rows.values.shape, np.int8)
    texts: dict[int, pa.Array] = {}
    for number, metric in enumerate(metrics):
        if metric in columns:
            texts[number] = table.column(metric).combine_chunks()
            rows.values[number], problems[number] = _read_cells(texts[number], spec_of(metric, booleans))
    if not problems.any():
        return rows
    return rows._replace(problems=problems, text=lambda number, row: shorten(texts[number][row].as_py()))


def _read_cells(texts: pa.Array, spec: NumberSpec) -> tuple[FloatArray, ProblemCodes]:
    """Return the N numbers in a column of cells, NaN where there is none, and why."""
    try:
        numbers = texts.cast(pa.float64()).to_numpy(zero_copy_only=False)
    except pa.ArrowInvalid:
        pass
    else:
        if np.isfinite(numbers).all():
            return numbers, np.zeros(len(numbers), np.int8)
    numbers, codes = read_column(texts, spec)
    doubtful = np.flatnonzero(codes == _NOT_A_NUMBER)
    if len(doubtful):  # numbers of other scripts, or of more digits than a text may have, are numbers as cells
        encoded = texts.take(pa.array(doubtful)).dictionary_encode()
        found = [_read_cell(text, spec) for text in encoded.dictionary.to_pylist()]
        index = encoded.indices.to_numpy()
        numbers[doubtful] = np.array([np.nan if isinstance(one, NumberProblem) else one for one in found])[index]
        codes[doubtful] = np.array(
            [CODE_OF_PROBLEM[one] if isinstance(one, NumberProblem) else 0 for one in found], np.int8
        )[index]
    return numbers, codes


def _read_cell(text: str, spec: NumberSpec) -> float | NumberProblem:
    """Return the number that a cell stands for, by definition."""
    return read_number(json.loads(cell_to_json(text), parse_int=float), spec)


def _times_and_devices(table: pa.Table, metrics: Sequence[str]) -> DecodedColumns | None:
    """Return the rows of a table without any value; None if one has no finite time or no device."""
    ts = table.column("ts").to_numpy()
    if not np.isfinite(ts).all():
        return None
    device = table.column("device").combine_chunks()
    names = tuple(device.dictionary.to_pylist())
    if "" in names:
        return None
    values = np.full((len(metrics), len(table)), np.nan)
    return DecodedColumns(ts, names, device.indices.to_numpy(), values)


def _read_table(
    lines: bytes, columns: tuple[str, ...], metrics: Sequence[str], kind: pa.DataType, missing: Sequence[str]
) -> pa.Table | None:
    """Return columns of lines, those of metrics of one type; None if there are cells of another.

    Raises:
        _CellsError: if a line has too few or too many cells.
    """
    types = {"ts": pa.float64(), "device": _NAMES} | {metric: kind for metric in metrics if metric in columns}
    try:
        return pa.csv.read_csv(
            pa.BufferReader(lines),
            pa.csv.ReadOptions(use_threads=False, column_names=columns, block_size=len(lines) + 1),
            pa.csv.ParseOptions(newlines_in_values=False),
            pa.csv.ConvertOptions(
                column_types=types, include_columns=list(types), null_values=missing, strings_can_be_null=False
            ),
        )
    except pa.ArrowInvalid as error:
        if str(error).startswith(_OTHER_WIDTH):
            raise _CellsError from error
        return None
