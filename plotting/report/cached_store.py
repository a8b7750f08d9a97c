"""Cache stored results, so that the numbers and the pictures of a page read them once."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from plotting.data.source import flag_of
from telemetry.storage.result_store import ReadPosition, ResultStore


@dataclass
class CachedStore:
    """Result store that keeps the tables it has read in memory.

    Attributes:
        store: the store that is read.
        columns: columns kept, by kind of record; other kinds and columns are read from the store on each request.
    """

    store: ResultStore
    columns: Mapping[str, Sequence[str]]
    _tables: dict[str, pa.Table] = field(default_factory=dict, init=False)
    _checked: bool = field(default=False, init=False)

    def check_exists(self) -> None:
        """Check that the folder or dataset exists; raises the store's errors."""
        self.store.check_exists()

    def check_has_results(self) -> None:
        """Check once that there are results; raises the store's errors."""
        if not self._checked:
            self.store.check_has_results()
            self._checked = True

    def tables(self, kind: str, columns: Sequence[str]) -> Iterator[pa.Table]:
        """Yield columns of all records of one kind, as one table if the columns are kept; raises the store's errors."""
        if not self._keeps(kind, columns):
            yield from self.store.tables(kind, columns)
            return
        if kind not in self._tables:
            self._tables[kind] = self.store.read(kind, self.columns[kind])
        yield self._tables[kind].select(list(columns))

    def read(self, kind: str, columns: Sequence[str]) -> pa.Table:
        """Return columns of all records of one kind; raises the store's errors."""
        if not self._keeps(kind, columns):
            return self.store.read(kind, columns)
        (table,) = self.tables(kind, columns)
        return table

    def read_new(
        self, kind: str, columns: Sequence[str], position: ReadPosition | None
    ) -> tuple[pa.Table, ReadPosition]:
        """Return new records from the store, uncached; raises the store's errors."""
        return self.store.read_new(kind, columns, position)

    @property
    def flag(self) -> str:
        """Return the flag that names the store on a command line; see `plotting.data.source.refusal`."""
        return flag_of(self.store)

    def __str__(self) -> str:
        """Return the store's name."""
        return str(self.store)

    def _keeps(self, kind: str, columns: Sequence[str]) -> bool:
        return set(columns) <= set(self.columns.get(kind, ()))
