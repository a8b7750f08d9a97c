"""Results as a job has stored them, read back as Arrow tables: what a store of them can do, and files as one.

The one reader of result files, for charts, for the books and for whoever sends dead letters again. Both formats
may lie side by side. Every file is looked at alone: a data set would add the columns of its folders.
`telemetry.bigquery.result_store` is the same of a BigQuery dataset.
"""

import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import pyarrow as pa
import pyarrow.json
import pyarrow.parquet

from telemetry.model.kinds import KINDS
from telemetry.storage.files import StorageError, exists, join, list_files, read_files

_FORMATS: Final = (".jsonl", ".parquet")
_BLOCK_BYTES: Final = 1 << 20
"""Arrow parses JSON in blocks of so many bytes; a line has to fit into one, and a dead letter can be 14 MB long."""


class Mark:
    """How far records have been read; only the store that returned it knows what that means."""


class ResultStore(Protocol):
    """Where the results of a job are; ``str`` of it is its name for a person.

    `kind` is a name of `telemetry.model.kinds.KINDS`. Columns come as `schema_of` has them, times are
    timestamps in UTC, and records come in no particular order, one of them several times if it is stored so. A kind
    of which nothing is stored has no records; that is no error.
    """

    def find(self) -> None:
        """Check that the place is there, with results or without; raises a TelemetryError if it is not."""

    def check(self) -> None:
        """Check that there are results; raises a TelemetryError if there are none, or they cannot be read."""

    def tables(self, kind: str, columns: Sequence[str]) -> Iterator[pa.Table]:
        """Yield columns of all records of one kind, a bounded part at a time; raises a TelemetryError."""

    def read(self, kind: str, columns: Sequence[str]) -> pa.Table:
        """Return columns of all records of one kind; raises a TelemetryError if they cannot be read."""

    def newer(self, kind: str, columns: Sequence[str], mark: Mark | None) -> tuple[pa.Table, Mark]:
        """Return columns of the records that were not there when `mark` was returned, and the mark of now.

        A record may come again: whoever reads removes repetitions.

        Args:
            kind: of which records.
            columns: of them.
            mark: what this method returned for the same kind; None means from the beginning.

        Raises:
            TelemetryError: if they cannot be read; the same mark can be asked for again.
        """


@dataclass(frozen=True, slots=True)
class _FilesRead(Mark):
    """These paths were there. A file appears whole and never changes, so it need not be read again."""

    paths: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class FileStore:
    """Results below a folder, ``<folder>/<kind>/date=…/hour=…/*.{jsonl,parquet}``.

    Attributes:
        folder: what the job was given as ``--output``, on any Beam filesystem.
    """

    folder: str

    def find(self) -> None:
        """Check that the folder is there.

        Raises:
            StorageError: if it is missing, or cannot be asked for.
        """
        if not exists(self.folder):
            raise StorageError(self.folder, "no such directory")

    def check(self) -> None:
        """Check that there is anything.

        Raises:
            StorageError: if the folder is missing, cannot be listed, or holds no result.
        """
        self.find()
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
        return concat(kind, columns, self.tables(kind, columns))

    def tables(self, kind: str, columns: Sequence[str]) -> Iterator[pa.Table]:
        """Yield columns of all records of one kind, one table a file.

        Raises:
            StorageError: if a file cannot be read, or is none of the job's.
        """
        for _, table in read_tables(kind, self.files(kind), columns):
            yield table

    def newer(self, kind: str, columns: Sequence[str], mark: Mark | None) -> tuple[pa.Table, Mark]:
        """Return columns of the records in files that `mark` does not know, and a mark of all files of now.

        Raises:
            StorageError: if a file cannot be read, or is none of the job's.
        """
        known = mark.paths if isinstance(mark, _FilesRead) else frozenset[str]()
        paths = self.files(kind)
        added = (table for _, table in read_tables(kind, [path for path in paths if path not in known], columns))
        return concat(kind, columns, added), _FilesRead(frozenset(paths))

    def __str__(self) -> str:
        """Return the folder."""
        return self.folder


def concat(kind: str, columns: Sequence[str], tables: Iterable[pa.Table]) -> pa.Table:
    """Return tables of `schema_of` as one, which is empty if there are none."""
    return pa.concat_tables([schema_of(kind, columns).empty_table(), *tables])


def schema_of(kind: str, columns: Sequence[str]) -> pa.Schema:
    """Return the schema of columns of a kind of record, all nullable; what no reading's field is called is a metric."""
    return pa.schema([field.with_nullable(True) for field in KINDS[kind].schema_of(columns)])


def read_tables(kind: str, paths: Sequence[str], columns: Sequence[str]) -> Iterator[tuple[str, pa.Table]]:
    """Yield (path, columns of the records in it) for each file.

    Raises:
        StorageError: at the first that cannot be read, lacks a column, or has rows without a required field.
    """
    schema = schema_of(kind, columns)
    required = [field.name for field in KINDS[kind].schema_of(columns) if not field.nullable]
    for path, content in read_files(paths):
        try:
            table = _read_parquet(content, schema) if path.endswith(".parquet") else _read_json_lines(content, schema)
        except (OSError, KeyError, pa.ArrowException) as error:
            problem = str(error).splitlines()[0]
            raise StorageError(path, f"not a file of {kind} of the job: {problem}") from error
        missing = [name for name in required if table.column(name).null_count]
        if missing:
            raise StorageError(path, f"not a file of {kind} of the job: rows without {missing[0]!r}")
        yield path, table


def _read_parquet(content: bytes, schema: pa.Schema) -> pa.Table:
    with pa.parquet.ParquetFile(pa.BufferReader(content)) as source:
        present = source.schema_arrow.names
        for name in schema.names:
            if name not in present:
                raise pa.ArrowKeyError(f"no column {name!r}, it has {', '.join(present)}")
        return source.read(columns=schema.names).select(schema.names).cast(schema)


def _read_json_lines(content: bytes, schema: pa.Schema) -> pa.Table:
    if not content:
        return schema.empty_table()
    options = pa.json.ParseOptions(explicit_schema=schema, unexpected_field_behavior="ignore")
    block = pa.json.ReadOptions(block_size=max(_BLOCK_BYTES, 1 + _longest_line(content)))
    table: Any = pa.json.read_json(io.BytesIO(content), block, options)
    return table.select(schema.names)


def _longest_line(content: bytes) -> int:
    """Return the bytes of the longest line; 0 if it is short enough in any case."""
    return max(map(len, content.split(b"\n"))) if len(content) > _BLOCK_BYTES else 0
