"""The keeper of a state: which messages it holds, when a snapshot is due, and what it writes."""

from pathlib import Path

import pytest

from pipeline.local.state import keeper as keeper_module
from pipeline.local.state.keeper import StateKeeper
from pipeline.local.state.records import Pulled, Ticked, columns_of
from pipeline.local.state.snapshots import KeyState, Snapshot, StepStates, latest_snapshot, snapshots_of
from pipeline.local.state.state_folder import StateFolder
from telemetry.errors import OutputError
from telemetry.model.message_batch import MessageBatch
from telemetry.model.messages import Message

STATES: StepStates = {"Step": (KeyState(b"key", (), {"bag": (b"value",)}),)}


class FakeRunner:
    """A runner that is at rest."""

    def __init__(self) -> None:
        self.states = STATES
        self.timers: list[str] = []

    def clock_s(self) -> float:
        return 7.5

    def take(self) -> StepStates:
        return self.states

    def set_timers(self, name: str) -> None:
        self.timers.append(name)

    def clear(self) -> None:
        self.states = {}


@pytest.fixture
def folder(tmp_path: Path) -> StateFolder:
    return StateFolder(tmp_path, {})


def pulled(*names: str) -> Pulled:
    return Pulled(0, None, 0, None, columns_of(MessageBatch.of(Message(b"", message_id=name) for name in names)))


def test_a_message_is_new_until_it_is_held_and_again_long_after_it_is_confirmed(
    folder: StateFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.local.state.keeper._RECENT", 2)
    keeper = StateKeeper(folder, FakeRunner())
    assert keeper.new(["a", "b", "a", "", ""]) == [0, 1, 3, 4], "each once; one without an id cannot be known"
    keeper.hold(["a", "b", "c"])
    assert keeper.new(["b", "d", "a"]) == [1]
    keeper.confirm(["a", "b"])
    assert keeper.new(["a", "b"]) == [], "a copy may have been on its way"
    keeper.confirm(["c"])
    assert keeper.new(["a", "b", "c"]) == [0]


def test_messages_of_an_earlier_process_are_forgotten_after_its_last_lease(
    tmp_path: Path, folder: StateFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper = StateKeeper(folder, FakeRunner())
    keeper.record(pulled("a"))
    folder.close()
    again = StateFolder(tmp_path, {})
    keeper = StateKeeper(again, FakeRunner())
    list(keeper.recovered())
    keeper.finish(Snapshot(again.journal.cut(), 0, None, None))
    assert latest_snapshot(tmp_path).unconfirmed == ("a",)
    monkeypatch.setattr("pipeline.local.state.keeper._RECOVERED_S", -1.0)
    keeper.finish(Snapshot(again.journal.cut() + 1, 0, None, None))
    assert latest_snapshot(tmp_path).unconfirmed == ()
    again.close()


def test_messages_of_the_journal_and_of_the_snapshot_are_held(tmp_path: Path, folder: StateFolder) -> None:
    keeper = StateKeeper(folder, FakeRunner())
    keeper.record(pulled("a"))
    keeper.hold(["a"])
    keeper.take_snapshot(Snapshot(keeper.cut(), 1, 2, 3, newest_us=4, rules=b"r"))
    keeper.wait()
    keeper.record(pulled("b", "c"))
    keeper.record(Ticked(1, None))
    folder.close()
    again = StateFolder(tmp_path, {})
    keeper = StateKeeper(again, FakeRunner())
    assert keeper.snapshot == Snapshot(1, 1, 2, 3, ("a",), STATES, 4, b"r")
    assert list(keeper.recovered()) == [pulled("b", "c"), Ticked(1, None)]
    assert keeper.new(["a", "b", "c", "d"]) == [3]
    again.close()


def test_a_snapshot_is_due_after_work_records_or_bytes(folder: StateFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeper_module, "_RECORDS", 3)
    monkeypatch.setattr(keeper_module, "_BYTES", 1_000)
    keeper = StateKeeper(folder, FakeRunner())
    keeper.worked(1.0)
    assert not keeper.is_snapshot_due()
    keeper.worked(1.5)
    assert keeper.is_snapshot_due()
    keeper.cut()
    assert not keeper.is_snapshot_due()
    for number in range(3):
        assert not keeper.is_snapshot_due()
        keeper.record(Ticked(number, None))
    assert keeper.is_snapshot_due()
    keeper.cut()
    keeper.record(Pulled(0, None, 0, None, columns_of(MessageBatch.of([Message(bytes(900))]))))
    assert not keeper.is_snapshot_due()
    keeper.cut()
    keeper.record(Pulled(0, None, 0, None, columns_of(MessageBatch.of([Message(bytes(1_000))]))))
    assert keeper.is_snapshot_due()


def test_expensive_snapshots_are_rarer(folder: StateFolder) -> None:
    keeper = StateKeeper(folder, FakeRunner())
    keeper._cost_s = 1.0
    keeper.worked(19.9)
    assert not keeper.is_snapshot_due()
    keeper.worked(0.2)
    assert keeper.is_snapshot_due()


def test_the_last_snapshot_leaves_the_runner_nothing_to_report(tmp_path: Path, folder: StateFolder) -> None:
    runner = FakeRunner()
    keeper = StateKeeper(folder, runner)
    keeper.finish(Snapshot(0, 1, 2, None))
    assert latest_snapshot(tmp_path) == Snapshot(0, 1, 2, None, (), STATES)
    assert runner.states == {}


@pytest.mark.parametrize("how", ["give_up", "abandon"])
def test_after_a_failure_no_snapshot_is_written(how: str, tmp_path: Path, folder: StateFolder) -> None:
    keeper = StateKeeper(folder, FakeRunner())
    getattr(keeper, how)()
    keeper.take_snapshot(Snapshot(0, 1, 2, None))
    keeper.wait()
    keeper.finish(Snapshot(0, 1, 2, None))
    assert snapshots_of(tmp_path) == {}


@pytest.mark.parametrize("what", ["result", "state"])
def test_a_snapshot_that_cannot_be_written_is_told(
    what: str, tmp_path: Path, folder: StateFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OutputError("the disk is full") if what == "result" else OSError(28, "No space left on device")

    name = "pipeline.local.state.keeper.sync_written"
    monkeypatch.setattr(name if what == "result" else "pipeline.local.state.state_folder.write_snapshot", fail)
    keeper = StateKeeper(folder, FakeRunner())
    keeper.take_snapshot(Snapshot(0, 1, 2, None))
    keeper.wait()
    expected = f"--state {tmp_path}: cannot be written: No space left on device"
    assert keeper.failure == ("the disk is full" if what == "result" else expected)
    assert snapshots_of(tmp_path) == {}


@pytest.mark.parametrize("last", [False, True])
def test_an_unexpected_error_of_a_snapshot_is_a_failure_in_one_line(
    last: bool, tmp_path: Path, folder: StateFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise MemoryError("too large\nfor this machine")

    monkeypatch.setattr("pipeline.local.state.state_folder.write_snapshot", fail)
    keeper = StateKeeper(folder, FakeRunner())
    (keeper.finish if last else keeper.take_snapshot)(Snapshot(0, 1, 2, None))
    keeper.wait()
    assert keeper.failure == f"--state {tmp_path}: the snapshot failed: MemoryError: too large for this machine"


def test_the_clock_and_the_timers_are_those_of_the_runner(folder: StateFolder) -> None:
    runner = FakeRunner()
    keeper = StateKeeper(folder, runner)
    keeper.report("report")
    assert (keeper.clock_s(), runner.timers) == (7.5, ["report"])
