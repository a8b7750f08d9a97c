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


def test_the_folder_that_holds_a_new_output_folder_is_synced(tmp_path: Path, synced: list[str]) -> None:
    with noting_written():
        write_file(f"{tmp_path}/new/out/kind/day/hour/a", b"content")
        sync_written()
        below = ["new/out/kind/day/hour/a", "new/out/kind/day/hour", "new", "new/out", "new/out/kind"]
        assert sorted(synced) == sorted(
            [str(tmp_path), *(f"{tmp_path}/{name}" for name in below), f"{tmp_path}/new/out/kind/day"]
        )
        synced.clear()
        write_file(f"{tmp_path}/new/out/kind/day/hour/b", b"content")
        sync_written()
        assert str(tmp_path) not in synced, "it has no new name"


def test_a_new_folder_is_synced_even_if_its_first_file_could_not_be_written(
    tmp_path: Path, synced: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with noting_written():
        with monkeypatch.context() as patch, pytest.raises(StorageError):
            patch.setattr(os, "replace", full)
            write_file(f"{tmp_path}/out/a/b/c/name", b"content")
        write_file(f"{tmp_path}/out/a/b/c/name", b"content")
        sync_written()
    assert str(tmp_path) in synced


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


def test_paths_behind_a_failure_are_not_forgotten(
    tmp_path: Path, synced: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in "abc":
        (tmp_path / name).touch()
    plain_sync = os.fsync

    def fail_at_b(descriptor: int) -> None:
        if os.readlink(f"/proc/self/fd/{descriptor}") == f"{tmp_path}/b":
            raise OSError(5, "Input/output error")
        plain_sync(descriptor)

    with noting_written():
        for name in "abc":
            note_written(f"{tmp_path}/{name}")
        with monkeypatch.context() as patch, pytest.raises(StorageError, match=f"{tmp_path}/b: Input/output error"):
            patch.setattr(os, "fsync", fail_at_b)
            sync_written()
        assert synced == [f"{tmp_path}/a"]
        synced.clear()
        sync_written()
    assert {f"{tmp_path}/b", f"{tmp_path}/c", str(tmp_path)} <= set(synced)
    assert f"{tmp_path}/a" not in synced, "it was on the disk before"
