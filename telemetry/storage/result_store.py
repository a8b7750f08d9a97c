"""Define a store of results, and read results from files as Arrow tables.

Charts, the ledger check and the reprocessing of dead letters read result files here. Both formats may lie side by side.
Files are read one by one: an Arrow data set would add columns for the folders.
`telemetry.bigquery.result_store` reads results from BigQuery.
"""

import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import pyarrow as pa
import pyarrow.json
import pyarrow.parquet

from telemetry.model.kinds import KINDS
from telemetry.model.record_batches import default_of, has_default
from telemetry.storage.files import StorageError, exists, join, list_files, read_files

_FORMATS: Final = (".jsonl", ".parquet")
_BLOCK_BYTES: Final = 1 << 20
"""Smallest block in which Arrow parses JSON; a line must fit into one, and a dead letter can be 14 MB long."""


class ReadPosition:
    """Position up to which records have been read; only the store that returned it can interpret it."""


class ResultStore(Protocol):
    """Store of the results of a job; ``str`` of it is its name for a person.

    `kind` is a name of `telemetry.model.kinds.KINDS`. Tables have the schema of `schema_of`; times are UTC timestamps.
    Records are in no particular order, and repeated if they are stored repeatedly. A kind of which nothing is stored
    has no records; that is no error.
    """

    def check_exists(self) -> None:
        """Check that the store exists, with results or without; raises a TelemetryError if it does not."""

    def check_has_results(self) -> None:
        """Check that there are results; raises a TelemetryError if there are none, or they cannot be read."""

    def tables(self, kind: str, columns: Sequence[str]) -> Iterator[pa.Table]:
        """Yield columns of all records of one kind in tables of bounded size; raises a TelemetryError."""

    def read(self, kind: str, columns: Sequence[str]) -> pa.Table:
        """Return columns of all records of one kind; raises a TelemetryError if they cannot be read."""

    def read_new(
        self, kind: str, columns: Sequence[str], position: ReadPosition | None
    ) -> tuple[pa.Table, ReadPosition]:
        """Return columns of the records that were added since `position` was returned, and the new position.

        Records may be repeated; the caller removes repetitions.

        Args:
            kind: of the records.
            columns: of the records.
            position: the position that this method returned for the same kind; None to read from the beginning.

        Raises:
            TelemetryError: if they cannot be read; the same position can be used again.
        """


@dataclass(frozen=True, slots=True)
class _FilesRead(ReadPosition):
    """Paths that have been read. A file appears whole and never changes, so it is not read again."""

    paths: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class FileStore:
    """Results below a folder, ``<folder>/<kind>/date=…/hour=…/*.{jsonl,parquet}``.

    Attributes:
        folder: what the job was given as ``--output``, on any Beam filesystem.
    """

    folder: str

    def check_exists(self) -> None:
        """Check that the folder exists.

        Raises:
            StorageError: if it is missing, or cannot be listed.
        """
        if not exists(self.folder):
            raise StorageError(self.folder, "no such directory")

    def check_has_results(self) -> None:
        """Check that there are results.

        Raises:
            StorageError: if the folder is missing, cannot be listed, or holds no result.
        """
        self.check_exists()
        if not any(self.files(kind) for kind in KINDS):
            raise StorageError(self.folder, f"no results in it: no {' or '.join(_FORMATS)} file of the job")

    def files(self, kind: str) -> list[str]:
        """Return the paths of one kind of record, sorted.

        Raises:
            StorageError: if they cannot be listed.
        """
        return list_files(join(self.folder, kind), _FORMATS)

    def read(self, kind: str, columns: Sequence[str]) -> pa.Table:
        """Return columns of all records of one kind, in no particular order; times are timestamps, UTC.

        Raises:
            StorageError: if a file cannot be read, or is none of the job's.
        """
        return concat_tables(kind, columns, self.tables(kind, columns))

    def tables(self, kind: str, columns: Sequence[str]) -> Iterator[pa.Table]:
        """Yield columns of all records of one kind, one table for each file.

        Raises:
            StorageError: if a file cannot be read, or is none of the job's.
        """
        for _, table in read_tables(kind, self.files(kind), columns):
            yield table

    def read_new(
        self, kind: str, columns: Sequence[str], position: ReadPosition | None
    ) -> tuple[pa.Table, ReadPosition]:
        """Return columns of the records in files that are not in `position`, and a position with all present files.

        Raises:
            StorageError: if a file cannot be read, or is none of the job's.
        """
        known = position.paths if isinstance(position, _FilesRead) else frozenset[str]()
        paths = self.files(kind)
        added = (table for _, table in read_tables(kind, [path for path in paths if path not in known], columns))
        return concat_tables(kind, columns, added), _FilesRead(frozenset(paths))

    def __str__(self) -> str:
        """Return the folder."""
        return self.folder


def concat_tables(kind: str, columns: Sequence[str], tables: Iterable[pa.Table]) -> pa.Table:
    """Return tables with the schema of `schema_of` as one table, which is empty if there are none."""
    return pa.concat_tables([schema_of(kind, columns).empty_table(), *tables])


def schema_of(kind: str, columns: Sequence[str]) -> pa.Schema:
    """Return the schema of some columns of a kind, all nullable; see `OutputKind.schema_of`."""
    return pa.schema([field.with_nullable(True) for field in KINDS[kind].schema_of(columns)])


def read_tables(kind: str, paths: Sequence[str], columns: Sequence[str]) -> Iterator[tuple[str, pa.Table]]:
    """Yield (path, columns of the records in it) for each file.

    Raises:
        StorageError: at the first that cannot be read, lacks a column, or has rows without a required field.
    """
    for path, content in read_files(paths):
        yield path, parse_table(kind, path, content, columns)


def parse_table(kind: str, path: str, content: bytes, columns: Sequence[str]) -> pa.Table:
    """Return columns of the records in the content of a file.

    Raises:
        StorageError: if it cannot be read, lacks a column, or has rows without a required field.
    """
    schema = schema_of(kind, columns)
    fields = KINDS[kind].schema_of(columns)
    try:
        table = _read_parquet(content, schema) if path.endswith(".parquet") else _read_json_lines(content, schema)
    except (OSError, KeyError, pa.ArrowException) as error:
        problem = str(error).splitlines()[0]
        raise StorageError(path, f"not a file of {kind} of the job: {problem}") from error
    required = [field.name for field in fields if not field.nullable and not has_default(field)]
    missing = [name for name in required if table.column(name).null_count]
    if missing:
        raise StorageError(path, f"not a file of {kind} of the job: rows without {missing[0]!r}")
    return fill_defaults(table, fields)


def columns_in(kind: str, path: str, content: bytes) -> list[str]:
    """Return the columns that a file holds: those of the kind and, in Parquet, of its metrics.

    Raises:
        StorageError: if it cannot be read.
    """
    own: list[str] = KINDS[kind].schema().names
    if not KINDS[kind].metric_columns or not path.endswith(".parquet"):
        return own
    try:
        with pa.parquet.ParquetFile(pa.BufferReader(content)) as source:
            return list(dict.fromkeys(map(str, [*own, *source.schema_arrow.names])))
    except (OSError, pa.ArrowException) as error:
        raise StorageError(path, f"not a file of {kind} of the job: {str(error).splitlines()[0]}") from error


def fill_defaults(table: pa.Table, fields: pa.Schema) -> pa.Table:
    """Return a table with the default of each column in records that lack it.

    Args:
        table: with the columns of `fields`.
        fields: as `OutputKind.schema_of` returns them.
    """
    for index, field in enumerate(fields):
        if has_default(field) and not field.nullable and table.column(index).null_count:
            filled = table.column(index).fill_null(default_of(field))
            table = table.set_column(index, table.schema.field(index), filled)
    return table


def _read_parquet(content: bytes, schema: pa.Schema) -> pa.Table:
    with pa.parquet.ParquetFile(pa.BufferReader(content)) as source:
        present = set(source.schema_arrow.names)
        for field in schema:
            if field.name not in present and not has_default(field):
                raise pa.ArrowKeyError(f"no column {field.name!r}, it has {', '.join(source.schema_arrow.names)}")
        found = source.read(columns=[name for name in schema.names if name in present])
        for field in schema:
            if field.name not in present:
                found = found.append_column(field, pa.nulls(len(found), field.type))
        return found.select(schema.names).cast(schema)


def _read_json_lines(content: bytes, schema: pa.Schema) -> pa.Table:
    if not content:
        return schema.empty_table()
    options = pa.json.ParseOptions(explicit_schema=schema, unexpected_field_behavior="ignore")
    block = pa.json.ReadOptions(block_size=max(_BLOCK_BYTES, 1 + _longest_line(content)))
    table: Any = pa.json.read_json(io.BytesIO(content), block, options)
    return table.select(schema.names)


def _longest_line(content: bytes) -> int:
    """Return the bytes of the longest line; 0 if no line can exceed a block."""
    return max(map(len, content.split(b"\n"))) if len(content) > _BLOCK_BYTES else 0
