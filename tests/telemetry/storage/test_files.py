"""Files by path: complete when they appear, the same when they are written again, errors that name them."""

import errno
import io
import os
import re
from pathlib import Path
from typing import Any

import pytest

from telemetry.storage import disk
from telemetry.storage.files import StorageError, exists, join, list_files, read_file, read_files, scheme_of, write_file


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.mark.parametrize(
    ("path", "scheme", "below"),
    [
        ("gs://bucket/a", "gs", "gs://bucket/a/b/c"),
        ("s3://bucket/", "s3", "s3://bucket/b/c"),
        ("folder", "", "folder/b/c"),
        ("/folder/", "", "/folder/b/c"),
        ("a:b", "", "a:b/b/c"),
    ],
)
def test_paths(path, scheme, below):
    assert scheme_of(path) == scheme
    assert join(path, "b", "c") == below


def test_a_file_has_a_temporary_name_until_it_is_complete(tmp_path, monkeypatch):
    seen = []
    replace = os.replace

    def look_and_replace(source: str, target: str) -> None:
        seen.append(tree(tmp_path))
        replace(source, target)

    monkeypatch.setattr(os, "replace", look_and_replace)
    write_file(str(tmp_path / "a" / "b" / "name.jsonl"), b"content")
    ((partial, content),) = seen[0].items()
    assert re.fullmatch(r"a/b/\.name\.jsonl\.\d+-[0-9a-f]{16}\.partial", partial)
    assert content == b"content"
    assert tree(tmp_path) == {"a/b/name.jsonl": b"content"}


def test_writing_a_file_again_leaves_one(tmp_path):
    for _ in range(2):
        write_file(str(tmp_path / "name.jsonl"), b"content")
    assert tree(tmp_path) == {"name.jsonl": b"content"}


def test_what_a_killed_worker_left_is_in_nobody_s_way(tmp_path):
    (tmp_path / ".name.jsonl.1-0.partial").write_bytes(b"cont")
    write_file(str(tmp_path / "name.jsonl"), b"content")
    assert tree(tmp_path) == {"name.jsonl": b"content", ".name.jsonl.1-0.partial": b"cont"}
    assert list_files(str(tmp_path), (".jsonl",)) == [str(tmp_path / "name.jsonl")]


class FullDisk(io.FileIO):
    """A file that takes a few bytes and then no more, as a full disk does."""

    def write(self, content: Any) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_is_an_error_that_names_the_file_and_leaves_none(tmp_path, monkeypatch):
    monkeypatch.setattr(disk, "open", FullDisk, raising=False)
    with pytest.raises(StorageError, match=r"^/.*/name\.jsonl: No space left on device$"):
        write_file(str(tmp_path / "name.jsonl"), b"content")
    assert tree(tmp_path) == {}


def test_a_folder_that_cannot_be_made_is_an_error_that_names_it(tmp_path):
    (tmp_path / "taken").write_bytes(b"")
    with pytest.raises(StorageError, match=r"taken.*: (Not a directory|File exists)"):
        write_file(str(tmp_path / "taken" / "deeper" / "name.jsonl"), b"content")


def test_files_are_listed_in_order_and_unfinished_ones_passed_over(tmp_path):
    for name in ("b/2.jsonl", "b/1.parquet", "a.jsonl", ".x.jsonl.partial", "_tmp/3.jsonl", "b/.4.jsonl", "b/5.txt"):
        write_file(str(tmp_path / name), b"")
    found = list_files(str(tmp_path), (".jsonl", ".parquet"))
    assert found == [str(tmp_path / name) for name in ("a.jsonl", "b/1.parquet", "b/2.jsonl")]
    assert list_files(str(tmp_path / "none"), (".jsonl",)) == []
    assert exists(str(tmp_path / "b"))
    assert not exists(str(tmp_path / "none"))


def test_files_are_read_whole_and_in_order(tmp_path):
    for number in range(5):
        write_file(str(tmp_path / str(number)), b"%d" % number)
    paths = [str(tmp_path / str(number)) for number in (3, 1, 4)]
    assert list(read_files(paths)) == list(zip(paths, [b"3", b"1", b"4"], strict=True))


def test_a_file_that_is_missing_is_named(tmp_path):
    with pytest.raises(StorageError, match=r"none: No such file or directory$"):
        read_file(str(tmp_path / "none"))


@pytest.mark.loads_beam
@pytest.mark.parametrize("call", [lambda path: write_file(path, b"", 0), read_file, exists])
def test_a_scheme_that_nobody_knows(call):
    with pytest.raises(StorageError, match=r"^foo://bucket/name: Beam has no filesystem for foo:// here$"):
        call("foo://bucket/name")
