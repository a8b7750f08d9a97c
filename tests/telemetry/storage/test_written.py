"""Files that are made durable together: each of them and its folders, once, when somebody asks."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from telemetry.storage.files import StorageError, write_file
from telemetry.storage.written import note_written, noting_written, sync_written


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Paths that were made durable, in order; no descriptor is left open."""
    paths: list[str] = []
    before = len(os.listdir("/proc/self/fd"))
    monkeypatch.setattr(os, "fsync", lambda descriptor: paths.append(os.readlink(f"/proc/self/fd/{descriptor}")))
    yield paths
    assert len(os.listdir("/proc/self/fd")) == before


def test_files_and_their_folders_are_synced_once(tmp_path: Path, synced: list[str]) -> None:
    with noting_written():
        for name in ("b", "a"):
            write_file(f"{tmp_path}/out/kind/day/{name}", b"content")
        sync_written()
        files, folders = synced[:2], synced[2:]
        assert files == [f"{tmp_path}/out/kind/day/{name}" for name in "ab"]
        assert folders[0] == f"{tmp_path}/out/kind/day", "the names, after the contents"
        assert {f"{tmp_path}/out/kind", f"{tmp_path}/out"} <= set(folders[1:])
        synced.clear()
        sync_written()
        assert synced == [], "they are forgotten"


def test_nothing_is_noted_outside_of_a_block(tmp_path: Path, synced: list[str]) -> None:
    note_written(f"{tmp_path}/a")
    with noting_written():
        sync_written()
    sync_written()
    assert synced == []


def test_the_innermost_block_counts(tmp_path: Path, synced: list[str]) -> None:
    (tmp_path / "a").touch()
    with noting_written():
        with noting_written():
            note_written(f"{tmp_path}/a")
        sync_written()
    assert synced == []


def test_a_file_that_was_moved_is_passed_over(tmp_path: Path, synced: list[str]) -> None:
    with noting_written():
        note_written(f"{tmp_path}/gone")
        sync_written()
    assert str(tmp_path) in synced


def test_a_disk_that_fails_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: int) -> None:
        raise OSError(5, "Input/output error")

    (tmp_path / "a").touch()
    monkeypatch.setattr(os, "fsync", fail)
    with noting_written():
        note_written(f"{tmp_path}/a")
        with pytest.raises(StorageError, match=f"{tmp_path}/a: Input/output error"):
            sync_written()
