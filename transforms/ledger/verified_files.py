"""Read files of results for the ledger check: a damaged file is a finding, not an error."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pyarrow as pa

from telemetry.model.kinds import KINDS
from telemetry.storage.files import StorageError, read_files
from telemetry.storage.result_names import HOUR_US, UNKNOWN_US, content_hash, hour_folder, named_hash, partition_of
from telemetry.storage.result_store import FileStore, columns_in, parse_table

_MOST: Final = 20  # damaged files that are named


@dataclass
class VerifiedFiles:
    """Files of results whose content is compared with their names and folders.

    Attributes:
        folder: what the job was given as ``--output``.
        damaged: descriptions of the files that are not as the job wrote them.
        unnamed: how many more there are.
    """

    folder: str
    damaged: list[str] = field(default_factory=list)
    unnamed: int = 0

    def tables(self, kind: str, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
        """Yield columns of all records of one kind, one table for each file that can be read.

        Args:
            kind: of the records.
            columns: those to read, in addition to the time columns; None for all that the file has.

        Raises:
            StorageError: if a file cannot be fetched.
        """
        dates = KINDS[kind].time_columns
        for path, content in read_files(FileStore(self.folder).files(kind)):
            if not named_hash(path):
                self._add(path, "its name has no hash: no job wrote it under this name")
            elif named_hash(path) != content_hash(content):
                self._add(path, "its content is not that of its name: edited, or cut off")
            try:
                wanted = columns_in(kind, path, content) if columns is None else dict.fromkeys((*columns, *dates))
                table = parse_table(kind, path, content, list(wanted))
            except StorageError as error:
                self._add(path, error.problem)
                continue
            self._check_partition(kind, path, table)
            yield table

    def problems(self) -> list[str]:
        """Return descriptions of the damaged files."""
        return [*self.damaged, *([f"and {self.unnamed:,} more files"] if self.unnamed else [])]

    def _check_partition(self, kind: str, path: str, table: pa.Table) -> None:
        batch = table.select(list(KINDS[kind].time_columns)).combine_chunks().to_batches()
        times = np.concatenate([KINDS[kind].times(part) for part in batch]) if batch else np.empty(0, np.int64)
        hours = np.unique(np.where(times == UNKNOWN_US, UNKNOWN_US, times - times % HOUR_US)).tolist()
        for hour_us in hours:
            if hour_folder(hour_us) != partition_of(path):
                self._add(path, f"it holds records of {hour_folder(hour_us)}")
                return

    def _add(self, path: str, problem: str) -> None:
        if len(self.damaged) < _MOST:
            self.damaged.append(f"{path}: {problem}")
        else:
            self.unnamed += 1
