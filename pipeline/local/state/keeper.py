"""Keep the state of a running stream: journal its input, take snapshots, and know which messages it holds already."""

import threading
import time
from collections.abc import Collection, Iterator, Sequence
from typing import Final, Protocol

from pipeline.local.state.records import Pulled, Record
from pipeline.local.state.snapshots import Snapshot, StepStates
from pipeline.local.state.state_folder import StateFolder
from telemetry.errors import TelemetryError
from telemetry.storage.written import sync_written

_BUSY_S: Final = 2.0  # of processing behind a snapshot, which is about as long as it takes to process it again
_SHARE: Final = 20.0  # a snapshot costs at most this fraction of the time
_RECORDS: Final = 2_000  # behind a snapshot: idle time is made of records that cost nothing to begin with
_BYTES: Final = 64 << 20
_RECENT: Final = 20_000  # acknowledged messages that are remembered, for copies that were already on their way
_RECOVERED_S: Final = 3_600.0  # long after the last lease of an earlier process


class RunnerAccess(Protocol):
    """Access to the state of the steps of a running pipeline; see `pipeline.beam_patches.keep_state`."""

    def clock_s(self) -> float:
        """Return the runner's clock, seconds since the epoch."""

    def take(self) -> StepStates:
        """Return a copy of the states of all steps."""

    def set_timers(self, name: str) -> None:
        """Make the timers of this name due now."""

    def clear(self) -> None:
        """Forget the states of all steps."""


class StateKeeper:
    """Journal and snapshots of one stream that runs.

    The thread that serves the source appends to the journal. The runner's thread takes the state, between two events,
    and another thread writes it.

    Attributes:
        failure: why a snapshot could not be written, or "".
    """

    def __init__(self, folder: StateFolder, runner: RunnerAccess) -> None:
        """Keep the state of the steps of a runner in a folder."""
        self._folder = folder
        self._runner = runner
        self._writing: threading.Thread | None = None
        self._lock = threading.Lock()
        self._unconfirmed: dict[str, None] = dict.fromkeys(folder.snapshot.unconfirmed)
        self._recovered = list(folder.snapshot.unconfirmed)  # perhaps acknowledged: nobody will confirm them
        self._recent: dict[str, None] = {}
        self._began_s = time.monotonic()
        self._given_up = False
        self._busy_s = 0.0
        self._first = folder.snapshot.number  # record behind the last snapshot
        self._cost_s = 0.0
        self.failure = ""

    @property
    def snapshot(self) -> Snapshot:
        """The state that the stream begins with."""
        return self._folder.snapshot

    def recovered(self) -> Iterator[Record]:
        """Yield the records of the journal behind that state, and note the messages in them.

        Raises:
            StateError: if one is missing.
        """
        for record in self._folder.records():
            if isinstance(record, Pulled):
                self.hold(record.columns.ids)
                self._recovered += record.columns.ids
            yield record

    def record(self, record: Record) -> None:
        """Append a record to the journal; it is on the disk when this returns.

        Raises:
            StateError: if it cannot be written.
        """
        self._folder.journal.append(record)

    def hold(self, message_ids: Collection[str]) -> None:
        """Note messages that are in the journal."""
        with self._lock:
            self._unconfirmed.update(dict.fromkeys(message_ids))

    def confirm(self, message_ids: Collection[str]) -> None:
        """Note messages that are acknowledged: they do not come again, except for copies that are on their way."""
        with self._lock:
            for message_id in message_ids:
                self._unconfirmed.pop(message_id, None)
            self._recent.update(dict.fromkeys(message_ids))
            for message_id in list(self._recent)[: max(len(self._recent) - _RECENT, 0)]:
                del self._recent[message_id]

    def new(self, message_ids: Sequence[str]) -> list[int]:
        """Return the indices of those messages that are not in the journal, each id once."""
        with self._lock:
            first = {name: index for index, name in reversed(list(enumerate(message_ids))) if name}
            return [
                index
                for index, name in enumerate(message_ids)
                if not name or (name not in self._unconfirmed and name not in self._recent and first[name] == index)
            ]

    def worked(self, seconds: float) -> None:
        """Note how long the runner took for a record."""
        self._busy_s += seconds

    def is_snapshot_due(self) -> bool:
        """Return whether another start would have to process more than it should."""
        journal = self._folder.journal
        busy = self._busy_s >= max(_BUSY_S, _SHARE * self._cost_s)
        return busy or journal.number - self._first >= _RECORDS or journal.size >= _BYTES

    def cut(self) -> int:
        """Begin a new segment of the journal; returns the number of its first record."""
        self._busy_s, self._first = 0.0, self._folder.journal.number
        return self._folder.journal.cut()

    def take_snapshot(
        self, number: int, clock_us: int, watermark_us: int | None, delay_us: int | None, newest_us: int | None
    ) -> None:
        """Copy the state, and write it in the background; called by the runner's thread between two events.

        Args:
            number: of the first record that the state does not include.
            clock_us: clock of the stream.
            watermark_us: watermark of the source.
            delay_us: see `Snapshot`.
            newest_us: event time of the newest reading.
        """
        if self._given_up or (self._writing is not None and self._writing.is_alive()):
            return
        began = time.perf_counter()
        snapshot = Snapshot(number, clock_us, watermark_us, delay_us, self._held(), self._runner.take(), newest_us)
        taken_s = time.perf_counter() - began
        self._writing = threading.Thread(
            target=self._write, args=(snapshot, taken_s), name="state-snapshot", daemon=True
        )
        self._writing.start()

    def finish(
        self, number: int, clock_us: int, watermark_us: int | None, delay_us: int | None, newest_us: int | None
    ) -> None:
        """Write the last snapshot, and clear the runner's state, so that the end of the stream reports nothing."""
        if not self._given_up:
            self.wait()
            steps = self._runner.take()
            self._write(Snapshot(number, clock_us, watermark_us, delay_us, self._held(), steps, newest_us), 0.0)
        self._runner.clear()

    def report(self, timer: str) -> None:
        """Make a timer due for all keys of the steps that have it; called by the runner's thread between two events."""
        self._runner.set_timers(timer)

    def give_up(self) -> None:
        """Take no snapshot from now on: a step has failed, and the state lacks what it should have done."""
        self._given_up = True

    def abandon(self) -> None:
        """Clear the runner's state without a snapshot; the next start begins where the journal does."""
        self.give_up()
        self._runner.clear()

    def wait(self) -> None:
        """Wait until the snapshot that is being written is there."""
        if self._writing is not None:
            self._writing.join()

    def clock_s(self) -> float:
        """Return the clock of the stream, seconds since the epoch."""
        return self._runner.clock_s()

    def _held(self) -> tuple[str, ...]:
        if self._recovered and time.monotonic() - self._began_s > _RECOVERED_S:
            self.confirm(self._recovered)
            self._recovered = []
        with self._lock:
            return tuple(self._unconfirmed)

    def _write(self, snapshot: Snapshot, taken_s: float) -> None:
        began = time.perf_counter()
        try:
            sync_written()  # the journal that could write these files again is removed afterwards
            self._folder.save(snapshot)
        except TelemetryError as error:
            self.failure = str(error)
        except Exception as error:  # noqa: BLE001 - in a thread it would be a traceback, and the stream would go on
            problem = " ".join(f"{type(error).__name__}: {error}".split())
            self.failure = f"--state {self._folder.path}: the snapshot failed: {problem}"
        self._cost_s = taken_s + time.perf_counter() - began
