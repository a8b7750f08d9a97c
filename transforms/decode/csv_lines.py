"""Read lines of CSV as columns: in bulk with Arrow, and line by line through JSON where Arrow refuses.

By definition a row has the same result as its replay: each cell through `cell_to_json`, then `RowDecoder`. Arrow is a
faster way to the same columns; for anything but plain numbers the definition is used.
"""

import codecs
import csv
import io
from collections.abc import Sequence
from typing import Final, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.csv
from numpy.typing import NDArray

from telemetry.model.dead_letters import Reason, RejectionError
from telemetry.model.messages import MAX_LINE_BYTES
from telemetry.model.metrics import BOOLEAN_METRICS
from telemetry.text.csv_cells import cell_to_json, text_to_json
from telemetry.text.csv_limit import cells_up_to
from transforms.decode.json_lines import DecodedColumns, DecodedRow, RowDecoder

_NAMES: Final = pa.dictionary(pa.int32(), pa.string())  # few names, each in many lines
_QUOTE, _COMMA, _NEWLINE = b'",\n'
ByteArray: TypeAlias = NDArray[np.uint8]
_SPACES: Final = np.isin(np.arange(256), np.frombuffer(b" \t\r\n\x0b\f", np.uint8))  # by byte: whether strip removes it
_EDGES: Final = np.isin(np.arange(256), np.frombuffer(b",\r\n", np.uint8))  # by byte: whether a cell ends there


def count_lines(lines: bytes) -> int | None:
    """Return the number of lines if none begins with white space and none is too long, else None."""
    content = np.frombuffer(lines, np.uint8)
    breaks = np.flatnonzero(content == _NEWLINE)
    if not len(content) or content[-1] == _NEWLINE or _SPACES[content[0]] or _SPACES[content[breaks + 1]].any():
        return None
    if np.diff(breaks, prepend=-1, append=len(content)).max() > MAX_LINE_BYTES + 1:
        return None
    return len(breaks) + 1


def read_csv_lines(
    lines: bytes, expected: int, columns: tuple[str, ...], metrics: Sequence[str]
) -> DecodedColumns | None:
    """Return the columns of `expected` lines of CSV, or None if anything about them is unusual."""
    present = [metric for metric in metrics if metric in columns]
    if BOOLEAN_METRICS.intersection(present) or "ts" not in columns or "device" not in columns or not _is_plain(lines):
        return None
    types = {"ts": pa.float64(), "device": _NAMES} | dict.fromkeys(present, pa.float64())
    try:
        table = pa.csv.read_csv(
            pa.BufferReader(lines),
            pa.csv.ReadOptions(use_threads=False, column_names=columns, block_size=len(lines) + 1),
            pa.csv.ParseOptions(newlines_in_values=False),
            pa.csv.ConvertOptions(
                column_types=types, include_columns=list(types), null_values=[""], strings_can_be_null=True
            ),
        )
    except pa.ArrowInvalid:
        return None
    if len(table) != expected or table.column("ts").null_count or table.column("device").null_count:
        return None
    values = np.full((len(metrics), expected), np.nan)
    for metric, target in zip(metrics, values, strict=True):
        if metric in present:
            column = table.column(metric)
            target[:] = column.to_numpy()
            if np.isfinite(target).sum() != expected - column.null_count:
                return None  # a literal nan or inf, or a number that overflows
    ts = table.column("ts").to_numpy()
    if not np.isfinite(ts).all():
        return None
    device = table.column("device").combine_chunks()
    return DecodedColumns(ts, tuple(device.dictionary.to_pylist()), device.indices.to_numpy(), values)


def _is_plain(lines: bytes) -> bool:
    """Return whether Arrow finds the same cells in the lines as the csv module does.

    The two agree on UTF-8 text (Arrow drops a BOM and skips cells that are not asked for), lines that end
    in LF or CRLF, and quotes that enclose a whole cell and hold none.
    """
    if not lines.isascii():
        try:
            lines.decode("utf-8")
        except UnicodeDecodeError:
            return False
    if lines.startswith(codecs.BOM_UTF8):
        return False
    if b"\r" in lines and lines.count(b"\r") != lines.count(b"\r\n") + lines.endswith(b"\r"):
        return False
    if b'"' not in lines:
        return True
    content = np.frombuffer(lines, np.uint8)
    return _are_all_cells_quoted(content) or _enclose_whole_cells(content)


def _enclose_whole_cells(content: ByteArray) -> bool:
    """Return whether each opening quote follows the edge of a cell, and each closing quote precedes one."""
    quotes = np.flatnonzero(content == _QUOTE)
    before = quotes[0::2] - 1  # of the quotes that open
    after = quotes[1::2] + 1  # of those that close
    if len(before) != len(after):
        return False
    inside = content[np.concatenate([before[before >= 0], after[after < len(content)]])]
    return bool(_EDGES[inside].all())


def _are_all_cells_quoted(content: ByteArray) -> bool:
    """Return whether quotes are at both ends of the lines and otherwise in pairs around one edge, as in ``"1","a"``.

    Then they enclose whole cells, which is found without a list of their positions: the first one opens, of each pair
    one closes and one opens, and the last one closes.
    """
    quote = content == _QUOTE
    edge = content == _COMMA
    edge |= content == _NEWLINE
    pair = quote[:-2] & edge[1:-1]
    pair &= quote[2:]  # by the position of the first quote
    if not (quote[0] and quote[-1] and len(pair)) or pair[0] or pair[-1]:
        return False
    shared = np.count_nonzero(pair[:-2] & pair[2:])  # one quote cannot belong to two pairs
    return bool(not shared and np.count_nonzero(quote) == 2 * np.count_nonzero(pair) + 2)


def read_csv_line(line: bytes, columns: tuple[str, ...], decoder: RowDecoder) -> DecodedRow:
    """Return the reading of one line of CSV.

    Raises:
        RejectionError: too_large, not_utf8, bad_row, or what the cells are rejected for.
    """
    if len(line) > MAX_LINE_BYTES:
        raise RejectionError(Reason.TOO_LARGE, f"line of {len(line)} bytes, at most {MAX_LINE_BYTES} are read")
    try:
        text = line.decode("utf-8").rstrip("\r")
    except UnicodeDecodeError as error:
        raise RejectionError(Reason.NOT_UTF8, f"invalid UTF-8 at byte {error.start}") from error
    try:
        rows = _split_cells(text)
    except csv.Error as error:
        raise RejectionError(Reason.BAD_ROW, str(error)) from error
    cells = rows[0] if len(rows) == 1 else []
    if len(cells) != len(columns):
        raise RejectionError(Reason.BAD_ROW, f"{len(cells)} cells under a header of {len(columns)}")
    known = {"ts", "device", *decoder.metrics}
    fields = ",".join(
        f"{text_to_json(name)}:{text_to_json(cell) if name == 'device' else cell_to_json(cell)}"
        for name, cell in zip(columns, cells, strict=True)
        if name in known
    )
    return decoder.read_document(f"{{{fields}}}".encode())


def _split_cells(text: str) -> list[list[str]]:
    """Return the rows of a text; a line is bounded, so its cells need no bound of their own.

    Raises:
        csv.Error: if the text is no CSV.
    """
    with cells_up_to(MAX_LINE_BYTES):
        return list(csv.reader(io.StringIO(text, newline=""), strict=True))
