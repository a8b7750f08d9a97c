"""Read lines of CSV one by one, by definition: each cell through `cell_to_json`, as in a replay, then `RowDecoder`."""

import csv
import io
from typing import Final

import numpy as np

from telemetry.model.dead_letters import Reason, RejectionError
from telemetry.model.messages import MAX_LINE_BYTES
from telemetry.text.csv_cells import cell_to_json, text_to_json
from telemetry.text.csv_limit import cells_up_to
from telemetry.text.csv_rows import fit_row, without_zeros
from transforms.decode.decoded_columns import DecodedRow
from transforms.decode.json_lines import RowDecoder
from transforms.decode.metric_values import shorten

_NEWLINE = 10
_SPACES: Final = np.isin(np.arange(256), np.frombuffer(b" \t\r\n\x0b\f", np.uint8))  # by byte: whether strip removes it


def count_lines(lines: bytes) -> int | None:
    """Return the number of lines if none begins with white space and none is too long, else None."""
    content = np.frombuffer(lines, np.uint8)
    breaks = np.flatnonzero(content == _NEWLINE)
    if not len(content) or content[-1] == _NEWLINE or _SPACES[content[0]] or _SPACES[content[breaks + 1]].any():
        return None
    if np.diff(breaks, prepend=-1, append=len(content)).max() > MAX_LINE_BYTES + 1:
        return None
    return len(breaks) + 1


def read_csv_line(line: bytes, columns: tuple[str, ...], decoder: RowDecoder) -> DecodedRow:
    """Return the reading of one line of CSV.

    Unless the decoder is strict, bytes of zero and spaces around cells are left out, and cells fitted to the header.

    Raises:
        RejectionError: too_large, not_utf8, bad_row, or what the cells are rejected for.
    """
    if len(line) > MAX_LINE_BYTES:
        raise RejectionError(Reason.TOO_LARGE, f"line of {len(line)} bytes, at most {MAX_LINE_BYTES} are read")
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise RejectionError(Reason.NOT_UTF8, f"invalid UTF-8 at byte {error.start}") from error
    try:
        rows = _split_cells((text if decoder.strict else without_zeros(text)).rstrip("\r"))
    except csv.Error as error:
        raise RejectionError(Reason.BAD_ROW, str(error)) from error
    found = rows[0] if len(rows) == 1 else []
    cells = fit_row(found, len(columns))
    if cells is None or (decoder.strict and len(found) != len(columns)):
        raise RejectionError(Reason.BAD_ROW, f"{len(found)} cells under a header of {len(columns)}")
    known = {"ts", "device", *decoder.metrics}
    fields = ",".join(
        f"{text_to_json(name)}:{_token(name, cell, decoder.strict)}"
        for name, cell in zip(columns, cells, strict=True)
        if name in known
    )
    row = decoder.read_document(f"{{{fields}}}".encode())._replace(is_fitted=len(found) != len(columns))
    if not row.unread:
        return row
    texts = dict(zip(columns, cells, strict=True))  # as they came: JSON writes some of them in another way
    return row._replace(
        unread=tuple(one._replace(text=shorten(texts[decoder.metrics[one.metric]])) for one in row.unread)
    )


def _token(name: str, cell: str, strict: bool) -> str:
    if name != "device":
        return cell_to_json(cell)
    return text_to_json(cell if strict else cell.strip())


def _split_cells(text: str) -> list[list[str]]:
    """Return the rows of a text; a line is bounded, so its cells need no bound of their own.

    Raises:
        csv.Error: if the text is no CSV.
    """
    with cells_up_to(MAX_LINE_BYTES):
        return list(csv.reader(io.StringIO(text, newline=""), strict=True))
