"""Open the folder that keeps the state of a local stream, for one job at a time."""

import itertools
import os
import shutil
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import msgspec

from pipeline.local.state.files import (
    StateError,
    lock_folder,
    make_folder,
    remove_partial,
    state_error,
    write_durably,
)
from pipeline.local.state.journal import Journal, read_journal, segments_of
from pipeline.local.state.records import Record
from pipeline.local.state.snapshots import Snapshot, latest_snapshot, snapshots_of, write_snapshot
from telemetry.errors import ConfigError
from telemetry.storage.sync import sync_path

_DESCRIPTION: Final = "job.json"
_FORMAT: Final = 1
_WARM: Final = "warm"


class StreamDescription(msgspec.Struct, frozen=True):
    """The job that a state belongs to.

    Attributes:
        job_id: id of the job, the same after each restart.
        settings: flags that the state depends on, with their values.
        subscription: full name of the subscription that it reads.
        is_warm: whether the folder `warm` holds what the rules remember at the beginning of the stream.
        format: number of the format of this description.
    """

    job_id: str
    settings: Mapping[str, str]
    subscription: str = ""
    is_warm: bool = False
    format: int = _FORMAT


class StateFolder:
    """Journal and snapshots of one job.

    The folder keeps the latest two snapshots, and the journal behind the older of them. It is thus bounded by the state
    and by the records between two snapshots, however long the stream is.

    Attributes:
        path: the folder.
        description: of the job.
        is_new: whether there was no state before.
        snapshot: the state to begin with.
        journal: where further records are appended.
    """

    def __init__(self, path: Path, settings: Mapping[str, str]) -> None:
        """Lock the folder, create it if it is missing, and read the state that it keeps.

        Args:
            path: the folder.
            settings: flags that the state depends on, with their values.

        Raises:
            ConfigError: if another job uses it, or the state belongs to a job with other settings.
            StateError: if it cannot be read or written.
            FormatError: if it was written by another version of the job.
        """
        self.path = path
        try:
            make_folder(path)
            self._lock = lock_folder(path)
        except OSError as error:
            raise ConfigError("--state", str(path), f"cannot be written: {error.strerror or error}") from error
        try:
            remove_partial(path)
            self.description = self._describe(settings)
            self.snapshot = latest_snapshot(path)
            for number, torn in snapshots_of(path).items():
                if number > self.snapshot.number:
                    torn.unlink()  # else it would count as one of the two that are kept
            self.journal = Journal(path, self.snapshot.number)
        except OSError as error:
            self.close()
            raise state_error(path, error) from error
        except BaseException:
            self.close()
            raise

    def records(self) -> Iterator[Record]:
        """Yield the records behind the snapshot; the journal continues behind the last of them.

        Raises:
            StateError: if one is missing.
            FormatError: if one was written by another version of the job.
        """
        for number, record in read_journal(self.path, self.snapshot.number):
            yield record
            self.journal.number = number + 1

    def save(self, snapshot: Snapshot) -> None:
        """Write a snapshot, and remove what only older ones than the one before it need.

        Raises:
            StateError: if it cannot be written.
        """
        try:
            write_snapshot(self.path, snapshot)
            kept = list(snapshots_of(self.path))[-2:]
            first = kept[0] if len(kept) > 1 else 0
            for number, path in snapshots_of(self.path).items():
                if number < first:
                    path.unlink()
            for (_, path), (following, _) in itertools.pairwise(segments_of(self.path).items()):
                if following <= first:
                    path.unlink()
        except OSError as error:
            raise state_error(self.path, error) from error

    def use_subscription(self, name: str) -> None:
        """Remember the subscription, so that the next start reads it again.

        Raises:
            StateError: if it cannot be written.
        """
        self.description = msgspec.structs.replace(self.description, subscription=name)
        self._write_description()

    @property
    def is_empty(self) -> bool:
        """Whether the stream has not begun: a job that was killed before may have left its description."""
        return not (self.description.is_warm or self.snapshot.number or segments_of(self.path))

    @property
    def warm(self) -> Path:
        """Folder of what the rules remember at the beginning of the stream.

        It stays as long as the state: a stream that was killed before its first snapshot begins with it again.
        """
        return self.path / _WARM

    def use_warm(self) -> None:
        """Remember that the folder `warm` is complete, so that each start reads it.

        Raises:
            StateError: if it cannot be written.
        """
        self.description = msgspec.structs.replace(self.description, is_warm=True)
        self._write_description()

    def remove(self) -> None:
        """Remove the state: the stream has ended for good.

        Raises:
            StateError: if it cannot be removed.
        """
        try:
            self.journal.close()
            (self.path / _DESCRIPTION).unlink()  # first: without it the rest is no state
            sync_path(self.path)
            for path in (*segments_of(self.path).values(), *snapshots_of(self.path).values()):
                path.unlink()
        except OSError as error:
            raise state_error(self.path, error) from error
        shutil.rmtree(self.path, ignore_errors=True)  # while the lock is held: another job may wait for the folder
        self.close()

    def close(self) -> None:
        """Release the folder."""
        if hasattr(self, "journal"):
            self.journal.close()
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def _describe(self, settings: Mapping[str, str]) -> StreamDescription:
        path = self.path / _DESCRIPTION
        if not path.exists():
            self.is_new = True
            for stale in (*segments_of(self.path).values(), *snapshots_of(self.path).values()):
                stale.unlink()  # of a job that ended for good and was killed while it removed them
            shutil.rmtree(self.warm, ignore_errors=True)
            self.description = StreamDescription(uuid.uuid4().hex[:16], settings)
            self._write_description()
            return self.description
        self.is_new = False
        try:
            found = msgspec.json.decode(path.read_bytes(), type=StreamDescription)
        except msgspec.MsgspecError as error:
            raise StateError(f"--state {self.path}: {_DESCRIPTION} is not the description of a job: {error}") from error
        if found.format != _FORMAT:
            raise StateError(f"--state {self.path}: was written by another version of the job (format {found.format})")
        for flag, value in settings.items():
            known = found.settings.get(flag, "")  # "" of a job from before there was the flag
            if known != value:
                problem = (
                    f"the state in {self.path} belongs to a job with {known or 'nothing'}; end that job "
                    "with its own flags and --drain, or name another folder with --state"
                )
                raise ConfigError(flag, value, problem)
        return found

    def _write_description(self) -> None:
        try:
            write_durably(self.path / _DESCRIPTION, msgspec.json.format(msgspec.json.encode(self.description)) + b"\n")
        except OSError as error:
            raise state_error(self.path, error) from error
