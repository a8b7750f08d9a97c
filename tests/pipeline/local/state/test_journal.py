"""The journal: what is read back after a crash is what was appended, up to a record that nobody was told of."""

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.local.state.files import StateError
from pipeline.local.state.journal import Journal, read_journal, segments_of
from pipeline.local.state.records import Drained, Pulled, Record, Reported, Ticked, columns_of
from telemetry.model.message_batch import MessageBatch
from telemetry.model.messages import Message
from transforms.shuffle.versioned import FormatError

TIMES = st.none() | st.integers(-(2**62), 2**62)
MESSAGES = st.lists(
    st.builds(
        Message,
        st.binary(max_size=20),
        st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=2),
        st.text(max_size=5),
        TIMES,
    ),
    max_size=4,
).map(lambda messages: columns_of(MessageBatch.of(messages)))
CLOCKS = st.integers(0, 2**62)
RECORDS = (
    st.builds(Pulled, CLOCKS, TIMES, st.integers(0, 2**62), TIMES, MESSAGES)
    | st.builds(Ticked, CLOCKS, TIMES)
    | st.builds(Reported, CLOCKS, TIMES)
    | st.builds(Drained, CLOCKS, TIMES)
)


def append(folder: Path, number: int, *records: Record) -> int:
    """Append records as a new process would; returns the number of the next."""
    journal = Journal(folder, number)
    for record in records:
        journal.append(record)
    return journal.cut()


def ticks(first: int, count: int) -> list[Record]:
    return [Ticked(number, None) for number in range(first, first + count)]


def numbers(folder: Path, first: int = 0) -> list[int]:
    """Return the numbers of the records that are read back; each is a tick with its number as clock."""
    found = list(read_journal(folder, first))
    assert [record.clock_us for _, record in found] == [number for number, _ in found]
    return [number for number, _ in found]


def last_segment(folder: Path) -> Path:
    return list(segments_of(folder).values())[-1]


@settings(max_examples=50)
@given(st.lists(st.lists(RECORDS, max_size=3), max_size=4), st.integers(0, 12))
def test_what_was_appended_is_read_back_across_processes(processes: list[list[Record]], first: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder, number = Path(name), 0
        for records in processes:
            number = append(folder, number, *records)
        everything = [record for records in processes for record in records]
        assert list(read_journal(folder, first)) == list(enumerate(everything))[first:]


def test_a_pull_is_the_same_messages_afterwards() -> None:
    messages = [
        Message(b'{"ts":1}', {"a": "b"}, "m0", 5),
        Message(b"", {}, "m1", 6),
        Message(b"\x00\n\xff", {"\u00e4": "\u2603"}, "m2", -1),
    ]
    batch = MessageBatch.of(messages)
    again = Pulled(0, 2, 1, 9, columns_of(batch)).messages()
    assert list(again) == list(batch.at(9))


@settings(max_examples=60)
@given(st.data())
def test_any_cut_of_the_last_segment_gives_a_prefix(data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        append(folder, 2, *ticks(2, 3))
        path = last_segment(folder)
        record_bytes = path.stat().st_size // 3
        size = data.draw(st.integers(0, 3 * record_bytes))
        os.truncate(path, size)
        following = 2 + size // record_bytes
        assert numbers(folder, 2) == list(range(2, following))
        assert append(folder, following, *ticks(following, 2)) == following + 2
        assert numbers(folder, 2) == list(range(2, following + 2)), "a new process continues behind it"


def test_an_empty_segment_is_no_record(tmp_path: Path) -> None:
    append(tmp_path, 0, *ticks(0, 2))
    (tmp_path / "journal-0000000000000002").touch()
    assert numbers(tmp_path) == [0, 1]
    assert append(tmp_path, 2, *ticks(2, 1)) == 3
    assert numbers(tmp_path) == [0, 1, 2]


def test_a_missing_last_segment_leaves_those_before(tmp_path: Path) -> None:
    append(tmp_path, 0, *ticks(0, 2))
    append(tmp_path, 2, *ticks(2, 2))
    last_segment(tmp_path).unlink()
    assert numbers(tmp_path) == [0, 1]


def flip(path: Path, position: int) -> None:
    content = bytearray(path.read_bytes())
    content[position] ^= 0xFF
    path.write_bytes(content)


def test_a_last_record_with_any_byte_flipped_does_not_count(tmp_path: Path) -> None:
    append(tmp_path, 0, *ticks(0, 3))
    path = last_segment(tmp_path)
    whole = path.read_bytes()
    for position in range(len(whole) // 3 * 2, len(whole)):
        flip(path, position)
        assert numbers(tmp_path) == [0, 1], position
        path.write_bytes(whole)


@pytest.mark.parametrize("zeros", [1, 8, 4_096])
def test_zeros_behind_the_last_record_do_not_count(zeros: int, tmp_path: Path) -> None:
    """A file may be longer than what was written to it after a loss of power."""
    append(tmp_path, 0, *ticks(0, 2))
    with open(last_segment(tmp_path), "ab") as file:
        file.write(bytes(zeros))
    assert numbers(tmp_path) == [0, 1]


def test_a_damaged_record_before_others_is_an_error(tmp_path: Path) -> None:
    append(tmp_path, 0, *ticks(0, 3))
    path = last_segment(tmp_path)
    flip(path, path.stat().st_size // 3 * 2 - 1)
    with pytest.raises(StateError, match=f"--state {tmp_path}: a record in {path.name} is damaged"):
        numbers(tmp_path)


@pytest.mark.parametrize("first", [0, 1, 3])
def test_a_missing_record_is_an_error(first: int, tmp_path: Path) -> None:
    append(tmp_path, 0, *ticks(0, 2))
    append(tmp_path, 2, *ticks(2, 2))
    append(tmp_path, 4, *ticks(4, 2))
    segments_of(tmp_path)[2].unlink()
    with pytest.raises(StateError, match=f"--state {tmp_path}: records {max(first, 2)} to 3 are missing"):
        numbers(tmp_path, first)
    assert numbers(tmp_path, 4) == [4, 5], "what a snapshot holds may be missing"


def test_a_record_of_another_version_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("pipeline.local.state.records._FORMAT", 9)
        append(tmp_path, 0, *ticks(0, 1))
    with pytest.raises(FormatError, match="journal record: format 9 found, this version understands format 1"):
        numbers(tmp_path)


def test_a_record_is_on_the_disk_when_it_is_appended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[str, int]] = []

    def size(descriptor: int) -> int:
        status = os.fstat(descriptor)
        return status.st_size if os.path.isfile(f"/dev/fd/{descriptor}") else -1

    monkeypatch.setattr(os, "fsync", lambda descriptor: calls.append(("fsync", size(descriptor))))
    monkeypatch.setattr(os, "fdatasync", lambda descriptor: calls.append(("fdatasync", size(descriptor))))
    journal = Journal(tmp_path, 0)
    journal.append(Ticked(0, None))
    once = journal.size
    journal.append(Ticked(1, None))
    journal.close()
    assert calls == [("fsync", -1), ("fdatasync", once), ("fdatasync", 2 * once)], "the folder, then each record"


def test_a_journal_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "missing", 0)
    with pytest.raises(StateError, match=f"--state {tmp_path}/missing: cannot be written: No such file or directory"):
        journal.append(Ticked(0, None))
    assert journal.number == 0


def test_a_record_is_written_whole_though_the_disk_takes_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, content: write(descriptor, bytes(content[:3])))
    append(tmp_path, 0, *ticks(0, 2))
    assert numbers(tmp_path) == [0, 1]


def test_cutting_begins_another_segment(tmp_path: Path) -> None:
    journal = Journal(tmp_path, 0)
    journal.append(Ticked(0, None))
    assert (journal.cut(), journal.size) == (1, 0)
    assert journal.cut() == 1, "an empty segment is no file"
    journal.append(Ticked(1, None))
    journal.close()
    assert list(segments_of(tmp_path)) == [0, 1]
    assert numbers(tmp_path) == [0, 1]
