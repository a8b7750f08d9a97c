"""Take the header off messages of CSV that have one each."""

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from telemetry.feed.feed import CsvFields
from telemetry.feed.files.columns import ColumnError, name_columns
from telemetry.feed.files.encodings import UTF8_MARK
from telemetry.feed.files.header import read_header


class HeadedCsv(NamedTuple):
    """CSV without its header.

    Attributes:
        content: its rows; the lines before them are blank, so that rows keep their numbers.
        columns: names of the columns; () if it has no header.
        header: the header and what is around it, up to the first row.
    """

    content: bytes
    columns: tuple[str, ...] = ()
    header: bytes = b""


def take_header(payload: bytes, fields: CsvFields) -> HeadedCsv:
    """Return a payload that begins with a header without it."""
    try:
        header = read_header(payload, len(UTF8_MARK) if payload.startswith(UTF8_MARK) else 0, fields, fields.delimiter)
    except ColumnError:
        return HeadedCsv(payload)
    head, rows = payload[: header.rows_begin], payload[header.rows_begin :]
    return HeadedCsv(b"\n" * head.count(b"\n") + rows, name_columns(header.cells), head)


def same_headers(payloads: Sequence[bytes], fields: CsvFields) -> list[list[int]]:
    """Return the indices of payloads that have a header each, those of the same columns together."""
    groups: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for index, payload in enumerate(payloads):
        groups[take_header(payload, fields).columns].append(index)
    return list(groups.values())
