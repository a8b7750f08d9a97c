"""Check that files appear whole, whoever writes them at the same time, and that durable ones are on the disk."""

import os
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from telemetry.storage import disk
from telemetry.storage.paths import StorageError

WRITER = """
import sys
from telemetry.storage.disk import write
path, letter, times = sys.argv[1:]
sys.stdin.readline()
for _ in range(int(times)):
    write(path, letter.encode() * 100_000)
"""


def test_processes_that_write_the_same_file_do_not_meet(tmp_path):
    path = tmp_path / "date=2020-07-12" / "hour=00" / "part.jsonl"
    command = [sys.executable, "-c", WRITER, str(path)]
    writers = [
        subprocess.Popen([*command, letter, "300"], stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for letter in "abc"
    ]
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("go\n")
        writer.stdin.flush()
    contents = set()
    while any(writer.poll() is None for writer in writers):
        if path.exists():
            contents.add(path.read_bytes())
    assert [(writer.communicate()[1], writer.returncode) for writer in writers] == [("", 0)] * 3
    assert contents | {path.read_bytes()} <= {letter * 100_000 for letter in (b"a", b"b", b"c")}
    assert os.listdir(path.parent) == ["part.jsonl"]


def test_threads_that_write_the_same_file_do_not_meet(tmp_path):
    path = str(tmp_path / "new" / "part")
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda number: disk.write(path, bytes([number]) * 10_000), range(200)))
    assert len(set(disk.read(path))) == 1
    assert os.listdir(tmp_path / "new") == ["part"]


def test_what_a_killed_writer_left_is_no_result(tmp_path):
    disk.write(str(tmp_path / "part"), b"whole")
    (tmp_path / disk.partial_name("part")).write_bytes(b"hal")
    assert list(disk.walk(str(tmp_path))) == [str(tmp_path / "part")]


def test_temporary_names_are_hidden_and_never_the_same():
    names = {disk.partial_name("x" * 250) for _ in range(100)}
    assert len(names) == 100
    assert all(name.startswith(".") and str(os.getpid()) in name and len(name) < 200 for name in names)


@pytest.mark.parametrize("durable", [False, True])
def test_a_file_that_cannot_be_written_leaves_nothing_behind(tmp_path, durable):
    (tmp_path / "part").mkdir()
    (tmp_path / "part" / "in").touch()
    with pytest.raises(StorageError, match="part"):
        disk.write(str(tmp_path / "part"), b"x", durable=durable)
    assert os.listdir(tmp_path) == ["part"]


def test_what_is_durable_is_synchronised_in_order(tmp_path, monkeypatch):
    happened = []
    plain_sync, plain_replace = os.fsync, os.replace

    def sync(descriptor):
        target = Path(os.readlink(f"/proc/self/fd/{descriptor}")) if Path("/proc/self/fd").exists() else Path()
        happened.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file")
        folders.append(target)
        plain_sync(descriptor)

    def replace(source, target):
        happened.append("rename")
        plain_replace(source, target)

    folders: list[Path] = []
    monkeypatch.setattr(os, "fsync", sync)
    monkeypatch.setattr(os, "replace", replace)
    path = tmp_path / "a" / "b" / "part"
    disk.write(str(path), b"x")
    assert happened == ["rename"]
    happened.clear()
    disk.write(str(path), b"y", durable=True)
    assert happened == ["file", "rename", "folder"]
    happened.clear()
    disk.write(str(tmp_path / "c" / "d" / "part"), b"z", durable=True)
    assert happened == ["file", "rename", "folder", "folder", "folder"]  # d has the file, c has d, and c is new
    assert (tmp_path / "c" / "d" / "part").read_bytes() == b"z"
    if Path("/proc/self/fd").exists():
        assert folders[-3:] == [tmp_path / "c" / "d", tmp_path / "c", tmp_path]


def test_a_durable_file_in_the_current_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    disk.write("part", b"x", durable=True)
    disk.write("new/part", b"x", durable=True)
    assert sorted(disk.walk(".")) == ["./new/part", "./part"]
