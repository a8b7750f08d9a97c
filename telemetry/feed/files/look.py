"""Look at the beginning of a file, and see how it is read."""

import io
from dataclasses import replace
from typing import Final

from telemetry.errors import ConfigError
from telemetry.feed.feed import CSV, Feed
from telemetry.feed.files.blocks import BinaryStream
from telemetry.feed.files.columns import ColumnError
from telemetry.feed.files.csv_shape import csv_shape
from telemetry.feed.files.encodings import as_utf8, encoding_of
from telemetry.feed.files.file_format import SUFFIXES, format_by_name
from telemetry.feed.files.other_shape import is_text, other_shape
from telemetry.feed.files.shape import FileShape
from telemetry.feed.times.zones import zone_table
from telemetry.storage.unpacking import SUFFIXES as PACKED
from telemetry.text.timestamps import EARLIEST_US

LOOK_BYTES: Final = 1 << 20
"""How much of a file is looked at."""


def look_at(stream: BinaryStream, name: str, feed: Feed, *, flag: str = "--input", path: str = "") -> FileShape:
    """Return how a file is read.

    Args:
        stream: the file, unpacked, at its beginning; the first megabyte is read.
        name: of the file, without the ending of a packed one; ``-`` for standard input.
        feed: how its content becomes readings.
        flag: that named the file, for errors.
        path: of the file, for errors; without it the name.

    Raises:
        ConfigError: for a file of unknown format, or CSV without the columns of time and device.
        OSError: if it cannot be read; EOFError or ``zlib.error`` if it is packed and damaged at its beginning.
    """
    beginning = stream.read(LOOK_BYTES)
    return look_at_beginning(beginning, name, feed, flag=flag, path=path)


def look_at_beginning(
    beginning: bytes, name: str, feed: Feed, *, flag: str = "--input", path: str = "", is_all: bool | None = None
) -> FileShape:
    """Return how a file is read, as `look_at`, from its first `LOOK_BYTES`.

    Args:
        beginning: of the file.
        name: as for `look_at`; so are `feed`, `flag` and `path`.
        feed: how its content becomes readings.
        flag: that named the file.
        path: of the file.
        is_all: whether that is the whole file; without it, it is if it is less than `LOOK_BYTES`.
    """
    encoding = encoding_of(beginning, feed.encoding)
    text = as_utf8(io.BytesIO(beginning), encoding).read()
    format = feed.format or format_by_name(name, text)
    if not format:
        known = f"not one of {', '.join(SUFFIXES)}, plain or packed ({', '.join(PACKED)})"
        raise ConfigError(flag, path or name, f"{known}; a feed's `format` says what else it is")
    is_all = len(beginning) < LOOK_BYTES if is_all is None else is_all
    try:
        shape = csv_shape(text, is_all, name, feed) if format == CSV else other_shape(text, is_all, format, feed)
    except ColumnError as error:
        raise ConfigError(flag, path or name, str(error)) from error
    return replace(
        shape,
        encoding=encoding if is_text(format) else "",
        in_order=_needs_order(feed),
        names_file=feed.device.file,
        counts_rows=feed.time.by_row,
    )


def _needs_order(feed: Feed) -> bool:
    """Return whether times are of a zone with hours that come twice, which only the order of rows tells apart."""
    return bool(feed.time.zone) and len(zone_table(feed.time.zone, EARLIEST_US).doubles[0]) > 0
