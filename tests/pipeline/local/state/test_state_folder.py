"""The folder of a state: one job at a time, with its own settings, bounded, and gone when the stream has ended."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.local.state.files import LOCK, StateError
from pipeline.local.state.journal import segments_of
from pipeline.local.state.records import Ticked
from pipeline.local.state.snapshots import Snapshot, snapshots_of
from pipeline.local.state.state_folder import StateFolder
from telemetry.errors import ConfigError

SETTINGS = {"--window": "1m", "--dedup": ""}


def opened(path: Path, **changed: str) -> StateFolder:
    return StateFolder(path, {**SETTINGS, **{f"--{name}": value for name, value in changed.items()}})


def clocks(folder: StateFolder) -> list[int]:
    """Return the clocks of the records behind the snapshot."""
    return [record.clock_us for record in folder.records()]


def names(path: Path) -> set[str]:
    return {found.name.partition("-")[0] for found in path.iterdir()}


def filled(path: Path, *snapshots: int, records: int) -> None:
    """Write records whose clocks are their numbers, with snapshots before some of them."""
    folder = opened(path)
    for number in range(records):
        if number in snapshots:
            folder.save(Snapshot(folder.journal.cut(), number))
        folder.journal.append(Ticked(number, None))
    folder.close()


def test_a_state_goes_on_where_it_was(tmp_path: Path) -> None:
    path = tmp_path / "a" / "state"
    first = opened(path)
    assert (first.is_new, first.snapshot, clocks(first)) == (True, Snapshot(0), [])
    first.journal.append(Ticked(0, None))
    first.save(Snapshot(first.journal.cut(), 5))
    first.journal.append(Ticked(1, None))
    first.close()
    second = opened(path)
    assert (second.is_new, second.description) == (False, first.description)
    assert (second.snapshot, clocks(second)) == (Snapshot(1, 5), [1])
    second.journal.append(Ticked(2, None))
    second.close()
    third = opened(path)
    assert clocks(third) == [1, 2]
    third.close()


@pytest.mark.parametrize("damage", ["torn", "empty", "missing"])
def test_the_snapshot_before_counts_with_its_journal(damage: str, tmp_path: Path) -> None:
    filled(tmp_path, 3, 6, 8, records=10)
    newest = snapshots_of(tmp_path)[8]
    if damage == "missing":
        newest.unlink()
    else:
        newest.write_bytes(newest.read_bytes()[:-3] if damage == "torn" else b"")
    folder = opened(tmp_path)
    assert (folder.snapshot, clocks(folder)) == (Snapshot(6, 6), [6, 7, 8, 9])
    assert folder.journal.number == 10
    folder.save(Snapshot(folder.journal.cut(), 11))
    folder.close()
    assert list(snapshots_of(tmp_path)) == [6, 10], "there is always one to fall back to"


def test_without_both_snapshots_the_state_is_an_error(tmp_path: Path) -> None:
    filled(tmp_path, 3, 6, 8, records=10)
    for path in snapshots_of(tmp_path).values():
        path.write_bytes(b"")
    folder = opened(tmp_path)
    with pytest.raises(StateError, match="records 0 to 5 are missing"):
        clocks(folder)
    folder.close()


def test_the_folder_is_bounded(tmp_path: Path) -> None:
    filled(tmp_path, *range(0, 200, 5), records=203)
    assert list(snapshots_of(tmp_path)) == [190, 195]
    assert list(segments_of(tmp_path)) == [190, 195]
    folder = opened(tmp_path)
    assert clocks(folder) == list(range(195, 203))
    folder.close()


def test_a_file_that_was_being_written_at_a_crash_is_removed(tmp_path: Path) -> None:
    filled(tmp_path, 3, records=4)
    partial = tmp_path / ".snapshot-0000000000000004.partial"
    partial.write_bytes(b"half")
    opened(tmp_path).close()
    assert not partial.exists()


@pytest.mark.parametrize(
    ("flag", "old", "new"), [("--window", "1m", "5m"), ("--dedup", "nothing", "10m")], ids=["window", "dedup"]
)
def test_another_setting_is_refused(flag: str, old: str, new: str, tmp_path: Path) -> None:
    filled(tmp_path, records=1)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.name != LOCK}
    with pytest.raises(ConfigError) as error:
        opened(tmp_path, **{flag.removeprefix("--"): new})
    assert str(error.value) == (
        f"{flag} {new}: the state in {tmp_path} belongs to a job with {old}; end that job with its own flags and "
        "--drain, or name another folder with --state"
    )
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.name != LOCK} == before
    opened(tmp_path).close()


def test_a_state_from_before_there_was_a_flag_is_of_a_job_without_it(tmp_path: Path) -> None:
    filled(tmp_path, records=1)
    opened(tmp_path, **{"window-zone": ""}).close()
    with pytest.raises(ConfigError, match=r"--window-zone Europe/Rome: the state in .* belongs to a job with nothing"):
        opened(tmp_path, **{"window-zone": "Europe/Rome"})


@pytest.mark.parametrize("content", [b"", b"{", b'{"job_id":1}', b"\xff"])
def test_a_description_that_cannot_be_read_is_an_error(content: bytes, tmp_path: Path) -> None:
    filled(tmp_path, records=1)
    (tmp_path / "job.json").write_bytes(content)
    with pytest.raises(StateError, match="is not the description of a job"):
        opened(tmp_path)


def test_the_subscription_is_remembered(tmp_path: Path) -> None:
    folder = opened(tmp_path)
    folder.use_subscription("projects/p/subscriptions/s")
    folder.close()
    folder = opened(tmp_path)
    assert folder.description.subscription == "projects/p/subscriptions/s"
    folder.close()


def test_a_removed_state_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "state"
    filled(path, 2, records=4)
    folder = opened(path)
    clocks(folder)
    folder.journal.append(Ticked(4, None))
    folder.remove()
    folder.close()
    assert list(tmp_path.iterdir()) == []


def test_a_state_whose_removal_was_cut_short_is_a_new_one(tmp_path: Path) -> None:
    filled(tmp_path, 2, 3, records=4)
    old = opened(tmp_path)
    old.close()
    (tmp_path / "job.json").unlink()
    folder = opened(tmp_path)
    assert folder.is_new
    assert folder.description.job_id != old.description.job_id
    assert (folder.snapshot, clocks(folder)) == (Snapshot(0), [])
    folder.close()


HOLDER = """
import sys
from pathlib import Path
from pipeline.local.state.records import Ticked
from pipeline.local.state.state_folder import StateFolder
folder = StateFolder(Path(sys.argv[1]), {"--window": "1m", "--dedup": ""})
folder.journal.append(Ticked(0, None))
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    """Another process that holds the state in `tmp_path`."""
    command = [sys.executable, "-c", HOLDER, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_another_process_is_refused_until_the_first_ends(
    holder: "subprocess.Popen[str]", tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from pipeline.__main__ import main

    flags = ["--subscription", "projects/p/subscriptions/abc", "--print", "--state", str(tmp_path)]
    assert main(flags) == 2
    line = f"pipeline: error: --state {tmp_path}: another job is using it (process {holder.pid})\n"
    assert capsys.readouterr() == ("", line)
    holder.send_signal(signal.SIGKILL)
    assert holder.wait(60) == -signal.SIGKILL
    folder = opened(tmp_path)
    assert clocks(folder) == [0]
    folder.close()


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match=f"--state {tmp_path}/file/state: cannot be written: Not a directory"):
        opened(tmp_path / "file" / "state")


def test_its_files_are_for_their_user_alone(tmp_path: Path) -> None:
    filled(tmp_path / "state", 1, records=2)
    modes = {found.name.partition("-")[0]: found.stat().st_mode & 0o777 for found in (tmp_path / "state").iterdir()}
    assert {"journal", "snapshot", LOCK} <= modes.keys()
    assert set(modes.values()) == {0o600}
