"""Files as messages: every line in exactly one, wherever the ranges and the chunks are cut."""

import base64
import bz2
import gzip
import io
import lzma
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.__main__ import main
from pipeline.sources import files
from pipeline.sources.files import FileRange, is_input, plan_portions, plan_ranges, read_portion, read_range
from telemetry.errors import ConfigError
from telemetry.feed.feed import CsvFields, DeviceFields, Feed, TimeFields
from telemetry.model.message_batch import MessageBatch
from telemetry.model.messages import Message
from telemetry.storage.files import StorageError
from tests.support.jobs import EARLY
from transforms.decode.codec import decode
from transforms.decode.decode_spec import DecodeSpec

PIECES = [b"a", b"1", b" ", b",", b'"', b"\r", b"\0", b"\x80", b"\xc3\xa9", b"\xef\xbb\xbf", b"}", b"]"]
"""Of lines that no file begins with which is packed, in another encoding, or of documents over several lines."""
LINE = st.lists(st.sampled_from(PIECES), max_size=12).map(b"".join)


def read(ranges: list[FileRange]) -> list[Message]:
    return [message for part in ranges for message in read_range(part)]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(
    lines=st.lists(LINE, max_size=20),
    ends=st.booleans(),
    mark=st.booleans(),
    size=st.integers(4, 60),  # a byte order mark is not cut
    chunk=st.integers(1, 30),
    kind=st.sampled_from(["jsonl", "csv"]),
)
def test_every_line_is_in_exactly_one_message(
    lines: list[bytes], ends: bool, mark: bool, size: int, chunk: int, kind: str, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    body = b"\n".join(lines) + (b"\n" if ends and lines else b"")
    header = b"ts,device\n" if kind == "csv" else b""
    content = (b"\xef\xbb\xbf" if mark else b"") + header + body
    path = tmp_path / f"lines.{kind}"
    path.write_bytes(content)
    with monkeypatch.context() as patch:
        ranges = plan_ranges([str(path)], size)
        patch.setattr(files, "_CHUNK", chunk)
        messages = read(ranges)
    if mark or not body.startswith(b"\xef\xbb\xbf"):
        assert b"".join(message.payload for message in messages) == body
    for message in messages[:-1]:
        assert message.payload.endswith(b"\n"), "a message holds whole lines"
    for message in messages:
        offset = int(message.message_id.rpartition("@")[2])
        assert content[offset:].startswith(message.payload), "an id says where the message stands"
        assert message.columns == (("ts", "device") if kind == "csv" else None)


@pytest.mark.parametrize(
    ("glob", "found"),
    [
        ("tele*.csv", ["telemetry-1.csv", "telemetry-2.csv"]),
        ("./tele*.csv", ["./telemetry-1.csv", "./telemetry-2.csv"]),
        ("*.csv", ["other.csv", "telemetry-1.csv", "telemetry-2.csv"]),
        ("telemetry-[12].csv", ["telemetry-1.csv", "telemetry-2.csv"]),
        ("telemetry-?.csv", ["telemetry-1.csv", "telemetry-2.csv"]),
        ("fold*/*.csv", ["folder/inner.csv"]),
        ("folder/*.csv", ["folder/inner.csv"]),
        ("telemetry-1.csv", ["telemetry-1.csv"]),
    ],
)
def test_a_relative_glob_is_searched_in_the_current_folder(
    glob: str, found: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "folder").mkdir()
    for name in ("telemetry-1.csv", "telemetry-2.csv", "other.csv", "folder/inner.csv", "notes.txt"):
        (tmp_path / name).write_text("ts,device\n1,a\n")
    monkeypatch.chdir(tmp_path)
    assert [part.path for part in plan_ranges([glob])] == found
    assert {message.message_id for message in read(plan_ranges([glob]))} == {f"{path}@10" for path in found}


def test_compressed_files_are_read_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "rows.csv.gz"
    body = b"".join(b"%d,a\n" % n for n in range(1000))
    path.write_bytes(gzip.compress(b"ts,device\n" + body))
    (part,) = plan_ranges([str(path)])
    monkeypatch.setattr(files, "_CHUNK", 1000)
    messages = list(read_range(part))
    assert len(messages) > 5
    assert b"".join(message.payload for message in messages) == body


def zipped(content: bytes) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("export/telemetry.csv", content)
    return target.getvalue()


@pytest.mark.parametrize(
    ("name", "pack"),
    [
        ("rows.csv.gz", bytes),  # a store hands it out unpacked
        ("rows.csv", gzip.compress),
        ("rows.csv.zip", zipped),
        ("export.zip", zipped),
        ("rows.csv.bz2", bz2.compress),
        ("rows.csv.xz", lzma.compress),
        ("rows.csv.zst", lambda content: pa.compress(content, "zstd", asbytes=True)),
    ],
)
def test_the_content_says_how_a_file_is_packed(name: str, pack: Callable[[bytes], bytes], tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(pack(b"ts,device\n1,a\n2,b\n"))
    (part,) = plan_ranges([str(path)])
    assert [message.payload for message in read_range(part)] == [b"1,a\n2,b\n"]


def test_a_zip_of_several_files_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "all.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.csv", "ts,device\n")
        archive.writestr("b.csv", "ts,device\n")
    with pytest.raises(ConfigError, match=r"all.zip: is a zip of 2 files \(a.csv, b.csv\); unzip it"):
        plan_ranges([str(path)])


@pytest.mark.parametrize("cut", [0.5, 0.9, 0.999])
def test_a_damaged_file_gives_its_lines_and_a_dead_letter(cut: float, tmp_path: Path) -> None:
    whole = b"".join(b'{"ts":%d,"device":"a"}\n' % n for n in range(100_000))
    packed = gzip.compress(whole, compresslevel=1)
    path = tmp_path / "rows.jsonl.gz"
    path.write_bytes(packed[: int(len(packed) * cut)])
    decoded = decode(MessageBatch.of(read(plan_ranges([str(path)]))), DecodeSpec(("temp",)))
    assert decoded.readings is not None
    rows = len(decoded.readings)
    assert decoded.readings.event_us.tolist() == [n * 1_000_000 for n in range(rows)]
    assert 0 < rows < 100_000
    assert "bad_encoding" in {letter.reason for letter in decoded.rejected}


def test_globs_are_read_in_order(tmp_path: Path) -> None:
    for name in ("b.jsonl", "a.jsonl", "c.csv"):
        (tmp_path / name).write_text("ts,device\n" if name == "c.csv" else f'{{"of":"{name}"}}\n')
    ranges = plan_ranges([str(tmp_path / "*.csv"), str(tmp_path / "*.jsonl")])
    assert [Path(part.path).name for part in ranges] == ["c.csv", "a.jsonl", "b.jsonl"]
    assert ranges[0].columns == ("ts", "device")


def test_large_files_are_cut_into_ranges(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b"x" * 105)
    assert [(part.start, part.end) for part in plan_ranges([str(path)], 50)] == [(0, 50), (50, 100), (100, 105)]


@pytest.mark.parametrize("range_bytes", [700_000, 1_000_000, 1_500_000, 2_000_000])
def test_lines_of_the_next_range_are_no_long_line(range_bytes: int, tmp_path: Path) -> None:
    """A chunk may reach into the next range by more than the longest line."""
    path = tmp_path / "t.csv"
    lines = [f"{number},device-{number % 7},20.5\n" for number in range(150_000)]
    path.write_text("ts,device,temp\n" + "".join(lines))
    payloads = [message.payload for message in read(plan_ranges([str(path)], range_bytes))]
    assert b"".join(payloads) == "".join(lines).encode()


def test_a_full_disk_ends_the_job_with_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(path: str, _: bytes) -> None:
        raise StorageError(path, "No space left on device")

    (tmp_path / "rows.csv").write_text("ts,device,temp\n1,a,31\n")
    monkeypatch.setattr("transforms.outputs.write_files.write_file", full)
    out = tmp_path / "out"
    assert main([*EARLY, "--input", str(tmp_path / "rows.csv"), "--output", str(out)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"pipeline: error: --output {out}: cannot be written: {out}/")
    assert line.endswith(".jsonl: No space left on device")


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize("kind", ["jsonl", "csv"])
@pytest.mark.parametrize("range_bytes", [150, 300, 10_000])
@pytest.mark.parametrize("ends", [True, False])
def test_a_line_that_is_too_long_is_passed_over(
    kind: str, suffix: str, range_bytes: int, ends: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its beginning is a dead letter with its position, the lines around it are read, and none of it is kept."""
    monkeypatch.setattr(files, "_CHUNK", 64)
    monkeypatch.setattr("transforms.decode.csv_lines.MAX_LINE_BYTES", 100)
    monkeypatch.setattr("transforms.decode.json_lines.MAX_LINE_BYTES", 100)
    monkeypatch.setattr("transforms.decode.csv_messages.MAX_LINE_BYTES", 100)
    monkeypatch.setattr("transforms.decode.single_lines.MAX_LINE_BYTES", 100)
    header, row = (b"ts,device\n", b"%d,a\n") if kind == "csv" else (b"", b'{"ts":%d,"device":"a"}\n')
    before, after = header + b"".join(row % n for n in range(9)), b"".join(row % n for n in range(9, 20))
    content = before + b"x" * 1_000 + (b"\n" + after if ends else b"")
    path = tmp_path / f"rows.{kind}{suffix}"
    path.write_bytes(gzip.compress(content) if suffix else content)
    ranges = plan_ranges([str(path)], range_bytes)
    messages = read([part._replace(shape=replace(part.shape, most_bytes=100)) for part in ranges])
    assert max(len(message.payload) for message in messages) <= 300
    parts = [decode(MessageBatch.of([message]), DecodeSpec(("temp",))) for message in messages]
    times = [us for part in parts if part.readings is not None for us in part.readings.event_us.tolist()]
    assert times == [n * 1_000_000 for n in range(20 if ends else 9)]
    (letter,) = [letter for part in parts for letter in part.rejected]
    assert (letter.reason, letter.message_id) == ("too_large", f"{path}@{len(before)}")
    assert base64.b64decode(letter.payload) == b"x" * 101
    assert letter.error.startswith(("line of 1000 bytes, at most 100", "line of at least "))


def test_a_header_has_a_longest_length(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes(b"ts,device," + b"x" * 100_000 + b"\n1,a,1\n")
    with pytest.raises(ConfigError, match="its header is longer than 65,536 bytes"):
        plan_ranges([str(path)])


def test_portions_hold_what_is_small_together_and_what_is_large_in_pieces(tmp_path, monkeypatch):
    for name, size in (("a", 40), ("b", 40), ("c", 250), ("d", 10), ("e", 60)):
        (tmp_path / f"{name}.jsonl").write_text("x" * size)
    (tmp_path / "f.jsonl.gz").write_bytes(gzip.compress(b"{}"))
    (tmp_path / "g.jsonl").write_text("x")
    monkeypatch.setattr(files, "_RANGE", 100)
    planned = plan_portions([str(tmp_path / "*")])
    found = [[(Path(part.path).name[0], part.start, part.end) for part in portion.ranges] for portion in planned]
    assert [portion.number for portion in planned] == [*range(7)]
    assert found == [
        [("a", 0, 40), ("b", 0, 40)],
        [("c", 0, 100)],
        [("c", 100, 200)],
        [("c", 200, 250), ("d", 0, 10)],
        [("e", 0, 60)],
        [("f", 0, None)],
        [("g", 0, 1)],
    ]


def test_messages_tell_their_portion(tmp_path):
    for name in "ab":
        (tmp_path / f"{name}.jsonl").write_text("{}\n")
    (portion,) = plan_portions([str(tmp_path / "*")])
    messages = list(read_portion(portion._replace(number=4)))
    assert [(Path(message.message_id).name, message.portion) for message in messages] == [
        ("a.jsonl@0", 4),
        ("b.jsonl@0", 4),
    ]


def written(path: Path, content: bytes) -> str:
    path.write_bytes(content)
    return str(path)


@pytest.mark.parametrize(
    ("name", "content", "feed", "expected"),
    [
        ("a.json", b'[\n  {"ts": 1},\n  {"ts": 2}\n]\n', Feed(), b'{"ts": 1},\n  {"ts": 2}\n '),
        ("a.json", b'{\n"ts": 1\n}\n{\n"ts": 2\n}', Feed(), b'{\n"ts": 1\n}{\n"ts": 2\n}'),
        ("a.csv", b'ts,device,n\n1,a,"x\ny"\n2,a,z\n', Feed(), b'1,a,"x\ny"\n2,a,z\n'),
        ("a.csv", "ts,device\n1,é\n".encode("utf-16"), Feed(), "1,é\n".encode()),
        ("a.csv", b"ts,device\n1,\xe9\n", Feed(encoding="latin-1"), "1,é\n".encode()),
        ("a.csv", b"ts,device\n1,a\n2,a\n", Feed(time=TimeFields(zone="Europe/Rome")), b"1,a\n2,a\n"),
        ("a.avro", b"Obj\x01\n\n", Feed(format="avro"), b"Obj\x01\n\n"),
    ],
)
@pytest.mark.parametrize("chunk", [5, 1_000])
def test_files_that_are_not_divisible_are_read_from_their_beginning(
    name: str, content: bytes, feed: Feed, expected: bytes, chunk: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path / name, content)
    monkeypatch.setattr(files, "_CHUNK", chunk)
    (part,) = plan_ranges([path], 8, feed)
    assert (part.start, part.end) == (0, len(content))
    payloads = [message.payload for message in read([part])]
    blanks = b" \n" if name.endswith(".json") else b""  # those between documents belong to no message
    assert b"".join(payloads).translate(None, blanks) == expected.translate(None, blanks)


def test_small_files_that_are_not_divisible_share_a_portion(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A large one is a portion alone, so that one worker reads its rows in their order."""
    for name, size in (("a", 40), ("b", 40), ("c", 250), ("d", 10)):
        (tmp_path / f"{name}.json").write_bytes(b"[" + b" " * (size - 2) + b"]")
    monkeypatch.setattr(files, "_RANGE", 100)
    planned = plan_portions([str(tmp_path / "*")])
    found = [[(Path(part.path).name[0], part.end) for part in portion.ranges] for portion in planned]
    assert found == [[("a", 40), ("b", 40)], [("c", 250)], [("d", 10)]]


@pytest.mark.parametrize("name", ["a.csv", "A.TSV", "a.txt", "a.dat", "a.json", "a.csv.gz", "a.zip", "in/*.jsonl"])
def test_names_of_files_are_known(name: str) -> None:
    assert is_input(name)
    assert not is_input(f"{name}.d")


def test_a_feed_says_how_all_files_are_read(tmp_path: Path) -> None:
    for name in "ab":
        written(tmp_path / f"{name}.log", b"device;at\n;Time\nx;1\n")
    csv = CsvFields(delimiter=";", skip=1)
    feed = Feed(format="csv", csv=csv, time=TimeFields(column="at"), device=DeviceFields(file=True))
    (portion,) = plan_portions([str(tmp_path / "*.log")], feed)
    assert [(message.payload, message.attributes, message.columns) for message in read_portion(portion)] == [
        (b"x;1\n", {"file": f"{name}.log"}, ("device", "at")) for name in "ab"
    ]
