"""Read columns of rows of CSV with Arrow."""

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import pyarrow as pa
import pyarrow.csv

from telemetry.feed.feed import CsvFields
from telemetry.feed.readings.csv_lines import CsvRows, split_cells
from telemetry.feed.readings.feed_rows import RejectedRow
from telemetry.model.dead_letters import Reason

TEXT: Final = pa.string()
NAMES: Final = pa.dictionary(pa.int32(), pa.string())
"""Type of a column of few names, each in many rows."""


class CsvColumns(NamedTuple):
    """Columns of N rows of CSV.

    Attributes:
        rows: the N rows, and all that are rejected.
        table: the columns that were asked for.
    """

    rows: CsvRows
    table: pa.Table


def read_columns(
    rows: CsvRows, width: int, wanted: Mapping[int, pa.DataType], nulls: Sequence[str], fields: CsvFields
) -> CsvColumns | None:
    """Return columns of rows; None if a cell of a column of numbers is none.

    Rows with fewer cells than the header are filled up with empty ones; surplus cells must be empty.

    Args:
        rows: of the payload.
        width: number of columns.
        wanted: types of the columns by their places; each is called by its place in the table.
        nulls: texts that are no numbers but stand for none.
        fields: the dialect.
    """
    while True:
        try:
            table, misfits = _read(rows.rows, width, wanted, nulls, fields)
        except pa.ArrowInvalid:
            if all(kind != pa.float64() for kind in wanted.values()):
                return CsvColumns(_reject_all(rows), _empty(wanted))
            return None
        if not misfits and len(table) == len(rows.rows):
            return CsvColumns(rows, table)
        if not misfits or max(misfits) >= len(rows.rows):
            misfits = set(range(len(rows.rows)))  # a cell that Arrow divides in another way
        before, rows = rows, _fit(rows, misfits, width, fields)
        if before.rows == rows.rows:
            return CsvColumns(_reject_all(rows), _empty(wanted))


def _read(
    rows: Sequence[bytes], width: int, wanted: Mapping[int, pa.DataType], nulls: Sequence[str], fields: CsvFields
) -> tuple[pa.Table, set[int]]:
    """Return the columns of rows, without those of another width, and the indices of those."""
    misfits: set[int] = set()

    def skip(row: pyarrow.csv.InvalidRow) -> str:
        misfits.add(row.number - 1)
        return "skip"

    content = b"\n".join(rows)
    if not rows:
        return _empty(wanted), misfits
    table = pyarrow.csv.read_csv(
        pa.BufferReader(content),
        pyarrow.csv.ReadOptions(
            use_threads=False, column_names=[str(place) for place in range(width)], block_size=len(content) + 1
        ),
        pyarrow.csv.ParseOptions(
            delimiter=fields.delimiter,
            quote_char=fields.quote,
            newlines_in_values=False,
            invalid_row_handler=skip,
            ignore_empty_lines=False,
        ),
        pyarrow.csv.ConvertOptions(
            column_types={str(place): kind for place, kind in wanted.items()},
            include_columns=[str(place) for place in wanted],
            null_values=list(nulls),
            strings_can_be_null=False,
            decimal_point=fields.decimal,
        ),
    )
    return table, misfits


def _fit(rows: CsvRows, misfits: set[int], width: int, fields: CsvFields) -> CsvRows:
    """Return rows of which the misfits have the right number of cells, or are rejected."""
    fitted, bad = list(rows.rows), {}
    for index in sorted(misfits):
        try:
            cells = split_cells(rows.rows[index].decode(), fields)
            problem = f"{len(cells)} cells under a header of {width}"
        except csv.Error as error:
            cells, problem = [], str(error)
        if not cells or any(cell.strip() for cell in cells[width:]):
            bad[index] = RejectedRow(0, int(rows.number[index]), rows.raw[index], Reason.BAD_ROW, problem)
        else:
            fitted[index] = _write(cells[:width] + [""] * (width - len(cells)), fields)
    return CsvRows(fitted, rows.raw, rows.number, rows.rejected).reject(bad)


def _write(cells: Sequence[str], fields: CsvFields) -> bytes:
    text = io.StringIO()
    # cells that hold the line terminator are put in quotes
    csv.writer(text, delimiter=fields.delimiter, quotechar=fields.quote, lineterminator="\r\n").writerow(cells)
    return text.getvalue().removesuffix("\r\n").encode()


def _reject_all(rows: CsvRows) -> CsvRows:
    pairs = zip(rows.number.tolist(), rows.raw, strict=True)
    bad = (RejectedRow(0, number, row, Reason.BAD_ROW, "no row of this dialect") for number, row in pairs)
    return rows.reject(dict(enumerate(bad)))


def _empty(wanted: Mapping[int, pa.DataType]) -> pa.Table:
    return pa.table({str(place): pa.array([], kind) for place, kind in wanted.items()})
