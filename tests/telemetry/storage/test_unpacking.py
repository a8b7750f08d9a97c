"""Packed files are known by their content, read through and rewound; damage shows when they are read."""

import bz2
import gzip
import io
import lzma
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import pyarrow as pa
import pytest

from telemetry.storage.paths import StorageError
from telemetry.storage.unpacking import DamagedError, inner_name, is_packed, unpacked

LINES: Final = b"ts,device,temp\n" + b"".join(b"%d,a,%d\n" % (1_594_512_000 + row, row % 40) for row in range(20_000))


def zipped(*files: tuple[str, bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files:
            archive.writestr(name, content)
    return target.getvalue()


def zstd(content: bytes) -> bytes:
    packed: bytes = pa.compress(content, "zstd", asbytes=True)
    return packed


PACKERS: Final[dict[str, Callable[[bytes], bytes]]] = {
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zstd": zstd,
    "zip": lambda content: zipped(("folder/", b""), ("folder/rows.csv", content), ("__MACOSX/rows.csv", b"?")),
}


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Callable[[bytes], io.BufferedReader]]:
    with ExitStack() as files:

        def write(content: bytes) -> io.BufferedReader:
            path = tmp_path / "file"
            path.write_bytes(content)
            return files.enter_context(path.open("rb"))

        yield write


@pytest.mark.parametrize("packer", PACKERS)
def test_a_packed_file_is_read_and_rewound(packer: str, opened: Callable[[bytes], io.BufferedReader]) -> None:
    raw = opened(PACKERS[packer](LINES))
    assert is_packed(raw)
    with unpacked(raw, "f") as content:
        assert content.readline() == b"ts,device,temp\n"
        assert content.read() == LINES[15:]
        assert content.seek(0) == 0
        assert content.read(2) == b"ts"


@pytest.mark.parametrize("packer", ["gzip", "bzip2", "xz", "zstd"])
def test_several_in_a_row_are_one(packer: str, opened: Callable[[bytes], io.BufferedReader]) -> None:
    pack = PACKERS[packer]
    assert unpacked(opened(pack(LINES[:9]) + pack(LINES[9:])), "f").read() == LINES


@pytest.mark.parametrize("content", [b"", b"t", b"ts,device\n", b"PK,ts\n1,2\n", b"BZ,ts", b"\xef\xbb\xbfts\n"])
def test_what_is_not_packed_is_read_as_it_is(content: bytes, opened: Callable[[bytes], io.BufferedReader]) -> None:
    raw = opened(content)
    assert not is_packed(raw)
    assert unpacked(raw, "f").read() == content


@pytest.mark.parametrize("packer", ["bzip2", "xz", "zstd"])
def test_damage_shows_when_it_is_read(packer: str, opened: Callable[[bytes], io.BufferedReader]) -> None:
    packed = PACKERS[packer](LINES)
    for damaged in (packed[: len(packed) // 2], packed[:40] + b"\0\xff" * 50 + packed[140:]):
        with pytest.raises(DamagedError):
            unpacked(opened(damaged), "f").read()


def test_names_of_what_is_in_it(opened: Callable[[bytes], io.BufferedReader]) -> None:
    assert inner_name(opened(PACKERS["zip"](LINES)), "f.zip") == "folder/rows.csv"
    assert inner_name(opened(b"plain"), "rows.csv.gz") == "rows.csv"  # whatever its name says
    assert inner_name(opened(zstd(LINES)), "rows.jsonl.ZST") == "rows.jsonl"
    assert inner_name(opened(gzip.compress(LINES)), "rows.csv") == "rows.csv"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (zipped(("a.csv", b"1"), ("b.csv", b"2")), "is a zip of 2 files (a.csv, b.csv); unzip it"),
        (zipped(*((f"{n}.csv", b"") for n in range(9))), "is a zip of 9 files (0.csv, 1.csv, 2.csv, …); unzip it"),
        (zipped(), "is a zip of 0 files; unzip it"),
        (zipped(("a.csv", LINES))[:200], "is a damaged zip: File is not a zip file"),
    ],
    ids=["two", "nine", "none", "damaged"],  # a zip has the time in it
)
def test_a_zip_that_is_not_one_file_is_refused(
    content: bytes, problem: str, opened: Callable[[bytes], io.BufferedReader]
) -> None:
    for read in (unpacked, inner_name):
        with pytest.raises(StorageError) as raised:
            read(opened(content), "f.zip")
        assert raised.value.problem == problem
