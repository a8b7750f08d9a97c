"""Results that are read once, although the numbers of a page and each of its pictures ask for them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from plotting.data.source import flag_of
from telemetry.storage.result_store import ReadPosition, ResultStore


@dataclass
class Remembering:
    """A store that keeps what it has read, all of it in memory.

    Attributes:
        store: where it reads.
        columns: of each kind that is kept, the columns; other kinds and columns are read whenever they are asked for.
    """

    store: ResultStore
    columns: Mapping[str, Sequence[str]]
    _tables: dict[str, pa.Table] = field(default_factory=dict, init=False)
    _checked: bool = field(default=False, init=False)

    def check_exists(self) -> None:
        """Check that the place is there; raises what the store raises."""
        self.store.check_exists()

    def check_has_results(self) -> None:
        """Check that there are results, once; raises what the store raises."""
        if not self._checked:
            self.store.check_has_results()
            self._checked = True

    def tables(self, kind: str, columns: Sequence[str]) -> Iterator[pa.Table]:
        """Yield columns of all records of one kind, as one table if it is kept; raises what the store raises."""
        if not self._keeps(kind, columns):
            yield from self.store.tables(kind, columns)
            return
        if kind not in self._tables:
            self._tables[kind] = self.store.read(kind, self.columns[kind])
        yield self._tables[kind].select(list(columns))

    def read(self, kind: str, columns: Sequence[str]) -> pa.Table:
        """Return columns of all records of one kind; raises what the store raises."""
        if not self._keeps(kind, columns):
            return self.store.read(kind, columns)
        (table,) = self.tables(kind, columns)
        return table

    def read_new(
        self, kind: str, columns: Sequence[str], position: ReadPosition | None
    ) -> tuple[pa.Table, ReadPosition]:
        """Ask the store: what is new is not remembered; raises what it raises."""
        return self.store.read_new(kind, columns, position)

    @property
    def flag(self) -> str:
        """What names the store on a command line; see `plotting.data.source.refusal`."""
        return flag_of(self.store)

    def __str__(self) -> str:
        """Return the store's name."""
        return str(self.store)

    def _keeps(self, kind: str, columns: Sequence[str]) -> bool:
        return set(columns) <= set(self.columns.get(kind, ()))
