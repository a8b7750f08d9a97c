"""One file or folder is brought to the disk, and its descriptor is closed whatever happens."""

import os
from pathlib import Path

import pytest

from telemetry.storage.sync import sync_path


@pytest.mark.parametrize("name", ["file", "folder"])
@pytest.mark.parametrize("fails", [False, True])
def test_a_path_is_synced_and_closed(name: str, fails: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    synced: list[int] = []

    def sync(descriptor: int) -> None:
        synced.append(os.fstat(descriptor).st_ino)
        if fails:
            raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", sync)
    before = len(os.listdir("/proc/self/fd"))
    if fails:
        with pytest.raises(OSError, match="Input/output error"):
            sync_path(tmp_path / name)
    else:
        sync_path(str(tmp_path / name))
    assert synced == [(tmp_path / name).stat().st_ino]
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_path_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        sync_path(tmp_path / "gone")
