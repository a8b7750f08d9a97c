"""Checkpoints are replaced atomically, and other files are rejected."""

import fcntl
import os
import stat
from pathlib import Path

import pytest

from publisher.replay.checkpoint import Progress, load_progress, save_progress
from publisher.replay.checkpoint_lock import hold_checkpoint
from telemetry.errors import ConfigError

PROGRESS = Progress("run", "abc", 17, -5)


def test_what_was_saved_is_loaded(tmp_path: Path) -> None:
    path = str(tmp_path / "checkpoint")
    assert load_progress(path) is None
    save_progress(path, PROGRESS)
    assert load_progress(path) == PROGRESS
    save_progress(path, Progress("run", "abc", 18, -5))
    assert load_progress(path) == Progress("run", "abc", 18, -5)
    assert os.listdir(tmp_path) == ["checkpoint"]


def test_a_failed_write_keeps_the_old_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = str(tmp_path / "checkpoint")
    save_progress(path, PROGRESS)

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ConfigError, match=r"--checkpoint .*cannot be written: No space left on device"):
        save_progress(path, Progress("run", "abc", 99, 0))
    assert load_progress(path) == PROGRESS
    assert os.listdir(tmp_path) == ["checkpoint"]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "is not a checkpoint"),
        (b'{"run_id": "x"}', "is not a checkpoint"),
        (b"\xff\xfe", "is not a checkpoint"),
        (b'{"run_id":"x","recording":"y","next_sequence":1,"shift_us":0,"version":3}', "has version 3"),
        (b'{"run_id":"x","recording":"y","next_sequence":1,"shift_us":0,"version":1}', "has version 1.*begin anew"),
        (b'{"run_id":"x","recording":"y","next_sequence":1,"shift_us":0,"more":2}', "is not a checkpoint"),
        (b'{"run_id":"x","recording":"y","next_sequence":-1,"shift_us":0}', "is not a checkpoint"),
    ],
)
def test_a_file_that_is_not_a_checkpoint_is_rejected(content: bytes, problem: str, tmp_path: Path) -> None:
    path = tmp_path / "checkpoint"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=problem):
        load_progress(str(path))


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"--checkpoint .*cannot be written: No such file"):
        save_progress(str(tmp_path / "none" / "checkpoint"), PROGRESS)


def test_a_folder_instead_of_a_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"--checkpoint .*cannot be read: Is a directory"):
        load_progress(str(tmp_path))


def test_a_checkpoint_has_the_usual_permissions(tmp_path: Path) -> None:
    save_progress(str(tmp_path / "checkpoint"), PROGRESS)
    (tmp_path / "plain").touch()
    assert stat.S_IMODE((tmp_path / "checkpoint").stat().st_mode) == stat.S_IMODE((tmp_path / "plain").stat().st_mode)


def test_a_rename_is_made_durable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[bool] = []
    monkeypatch.setattr(os, "fsync", lambda handle: synced.append(stat.S_ISDIR(os.fstat(handle).st_mode)))
    save_progress(str(tmp_path / "checkpoint"), PROGRESS)
    assert synced == [False, True], "the file, then its folder"


def test_a_checkpoint_is_held_by_one_replay(tmp_path: Path) -> None:
    path = str(tmp_path / "checkpoint")
    (tmp_path / "other").symlink_to(path)
    with hold_checkpoint(path):
        for name in ("checkpoint", "other"):
            with (
                pytest.raises(ConfigError, match=r"--checkpoint .*: is in use by another replay"),
                hold_checkpoint(str(tmp_path / name)),
            ):
                pass
    assert os.listdir(tmp_path) == ["other"], "the lock is removed"
    with hold_checkpoint(path):
        pass


def test_a_lock_that_was_removed_meanwhile_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A replay that opens the lock just before its holder removes it would otherwise hold a file nobody sees."""
    real, lock = fcntl.flock, tmp_path / "checkpoint.lock"
    asked: list[int] = []

    def flock(handle: int, operation: int) -> None:
        asked.append(handle)
        if len(asked) == 1:
            lock.unlink()
        real(handle, operation)

    monkeypatch.setattr(fcntl, "flock", flock)
    with hold_checkpoint(str(tmp_path / "checkpoint")):
        assert len(asked) == 2
        assert lock.exists()
