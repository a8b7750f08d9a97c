"""Define the properties of a kind of record that outputs and readers depend on."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from telemetry.model.metric_info import NOT_DESCRIBED, MetricCatalog
from telemetry.model.record_batches import FileFormat, arrow_schema, record_times


@dataclass(frozen=True, slots=True)
class TableView:
    """View that keeps one row of each group of rows of a table.

    Attributes:
        name: its name within the dataset.
        description: for a person.
        groups: columns that are equal within a group.
        order: columns by which the row to keep comes first, as SQL.
        merged: whether the rows kept of several jobs are merged as `telemetry.model.merge_panes` does.
        condition: which of the kept rows the view has, as SQL; "" for all.
    """

    name: str
    description: str
    groups: tuple[str, ...]
    order: str
    merged: bool = False
    condition: str = ""


@dataclass(frozen=True, slots=True)
class OutputKind:
    """Everything that the outputs and the readers of one kind of record derive from.

    Attributes:
        name: of its folder.
        description: one sentence for a person.
        record: its fields.
        time_columns: the columns that date a record; the first that is not null counts. Files lie by its day and hour.
        identity: the columns that tell one record from another. They are the same on any run, so that a retry is
            recognised.
        cluster: the columns by which its table is clustered.
        table: name of its table, which must not be that of a view; "" if it is `name`. See `table_name`.
        version: column that numbers the records that replace each other: among those that are equal in the other
            columns of `identity` the highest is the truth. A file holds one version only. "" if none is replaced.
        metric_columns: whether one column for each metric of the job follows the fields of `record`.
        optional: whether a job stores it only when it is asked to (``--archive``).
        partitioned: whether its table is partitioned by the day of the first of `time_columns`.
        rejectable: whether a record that a table refuses becomes a dead letter. Else it fails the job, unless another
            output keeps it.
        shorten: returns a row that is too large for a table without its largest part, given the problem; it is
            used where another output keeps the whole record. None if no part can be left out.
        gather_us: how long a stream gathers records into one file or request at least, microseconds. Nobody waits for
            such a kind, and small files are expensive to read.
        file_format: of its files; None for that of the job.
        whole_files: whether an element of bounded input holds all records of its files.
        rare: whether its records are so few that each is a file of its own, at once.
        ledger_item: the item of the ledger that counts its records; "" if none does.
        ledger_detail: the column that is the detail of the ledger's entries; "" if they have none.
        label: its name in the report of the ledger check.
        views: of its table.
    """

    name: str
    description: str
    record: type[msgspec.Struct]
    time_columns: tuple[str, ...]
    identity: tuple[str, ...]
    cluster: tuple[str, ...]
    table: str = ""
    version: str = ""
    metric_columns: bool = False
    optional: bool = False
    partitioned: bool = True
    rejectable: bool = True
    shorten: Callable[[Mapping[str, Any], str], dict[str, Any]] | None = None
    gather_us: int = 0
    file_format: FileFormat | None = None
    whole_files: bool = False
    rare: bool = False
    ledger_item: str = ""
    ledger_detail: str = ""
    label: str = ""
    views: tuple[TableView, ...] = ()

    @property
    def table_name(self) -> str:
        """Name of its table within the dataset."""
        return self.table or self.name

    @property
    def key(self) -> tuple[str, ...]:
        """Columns in which all versions of a record are equal."""
        return tuple(name for name in self.identity if name != self.version)

    def times(self, batch: pa.RecordBatch) -> NDArray[np.int64]:
        """Return the time by which each record is partitioned, microseconds UTC; the smallest int64 if it has none."""
        first, *others = (record_times(batch, column) for column in self.time_columns)
        for other in others:
            first = np.where(first == np.iinfo(np.int64).min, other, first)
        return first

    def schema(self, metrics: Sequence[str] = (), catalog: MetricCatalog = NOT_DESCRIBED) -> pa.Schema:
        """Return the Arrow schema of its records.

        Args:
            metrics: those of the job; they are columns only if the kind has `metric_columns`.
            catalog: their units, for the descriptions of these columns.
        """
        if not self.metric_columns:
            return arrow_schema(self.record)
        return arrow_schema(self.record, tuple(metrics), tuple(map(catalog.unit, metrics)))

    def schema_of(self, columns: Sequence[str]) -> pa.Schema:
        """Return the schema of some columns, in their order.

        Args:
            columns: names; one that is no field of `record` is a metric, if the kind has `metric_columns`.

        Raises:
            KeyError: for a column that it does not have.
        """
        fields = set(self.schema().names)
        schema = self.schema([name for name in columns if name not in fields])
        return pa.schema([schema.field(name) for name in columns])
