"""Total the results in a folder of files and their ledger."""

from dataclasses import dataclass
from typing import Final

from telemetry.storage.files import exists, join
from telemetry.storage.job_markers import read_markers
from telemetry.storage.result_store import FileStore
from transforms.ledger.stored_entries import LEDGER_COLUMNS, distinct_entries, edited_entries, total_entries
from transforms.ledger.stored_records import record_sums, total_windows
from transforms.ledger.totals import StoredTotals, counted_kinds
from transforms.ledger.verified_files import VerifiedFiles

_STATE: Final = ".state"


@dataclass(frozen=True, slots=True)
class FolderTotals:
    """Totals of a folder of files.

    Attributes:
        folder: what the job was given as ``--output``, on any Beam filesystem.
    """

    folder: str

    def totals(self) -> StoredTotals:
        """Read all files and return the totals.

        Raises:
            StorageError: if one cannot be fetched, or the folder holds no results.
        """
        FileStore(self.folder).check_has_results()
        files = VerifiedFiles(self.folder)
        found = StoredTotals(self.folder)
        entries = distinct_entries(files.tables("ledger", LEDGER_COLUMNS))
        found.damage += edited_entries(entries)
        total_entries(found, entries)
        total_windows(found, files)
        for kind in counted_kinds():
            for keys, sums in record_sums(files, kind):
                found.found[keys] = sums
        found.counts_rejected = True
        found.count_found()
        found.damage[:0] = files.problems()
        sources = {job: marker.source for job, marker in read_markers(self.folder).items()}
        seen = {key.job for key in (*found.expected, *found.found)}
        found.jobs = {job: sources.get(job, "") for job in sorted(seen)}
        state = join(self.folder, _STATE)
        found.open_windows = state if exists(state) else ""
        return found
