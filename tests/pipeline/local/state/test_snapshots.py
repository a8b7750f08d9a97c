"""Snapshots: what is written is read back, or the one before is."""

import os
import zlib
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.local.state.snapshots import (
    KeyState,
    Snapshot,
    TimerState,
    decode_snapshot,
    encode_snapshot,
    latest_snapshot,
    snapshots_of,
    write_snapshot,
)
from transforms.shuffle.versioned import FormatError, frame

INTEGERS = st.integers(-(2**62), 2**62)
TIMERS = st.lists(st.builds(TimerState, st.text(), st.text(), st.text(), INTEGERS), max_size=3).map(tuple)
VALUES = st.dictionaries(st.text(), st.lists(st.binary(), max_size=3).map(tuple), max_size=3)
STEPS = st.dictionaries(
    st.text(), st.lists(st.builds(KeyState, st.binary(), TIMERS, VALUES), max_size=3).map(tuple), max_size=3
)
SNAPSHOTS = st.builds(
    Snapshot,
    st.integers(0, 2**62),
    INTEGERS,
    st.none() | INTEGERS,
    st.none() | INTEGERS,
    st.lists(st.text(), max_size=3).map(tuple),
    STEPS,
    st.none() | INTEGERS,
)


@given(SNAPSHOTS)
def test_what_is_encoded_is_decoded(snapshot: Snapshot) -> None:
    assert decode_snapshot(encode_snapshot(snapshot)) == snapshot


def test_a_snapshot_from_before_a_field_was_added_is_read() -> None:
    earlier = msgspec.msgpack.encode([5, 1, 2, 3, ["a"], {}])
    content = frame(1, zlib.crc32(earlier).to_bytes(4, "little") + earlier)
    assert decode_snapshot(content) == Snapshot(5, 1, 2, 3, ("a",), {}, None)


@given(SNAPSHOTS, st.data())
def test_a_snapshot_that_is_cut_anywhere_is_none(snapshot: Snapshot, data: st.DataObject) -> None:
    content = encode_snapshot(snapshot)
    assert decode_snapshot(content[: data.draw(st.integers(0, len(content) - 1))]) is None


@given(SNAPSHOTS, st.data())
def test_a_snapshot_with_a_flipped_byte_is_none(snapshot: Snapshot, data: st.DataObject) -> None:
    content = bytearray(encode_snapshot(snapshot))
    content[data.draw(st.integers(1, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    assert decode_snapshot(bytes(content)) is None


def test_a_snapshot_of_another_version_is_an_error() -> None:
    with pytest.raises(FormatError, match="snapshot of the state: format 7 found, this version understands format 1"):
        decode_snapshot(b"\x07" + bytes(20))


def test_the_newest_whole_snapshot_counts(tmp_path: Path) -> None:
    assert latest_snapshot(tmp_path) == Snapshot(0)
    for number in (7, 20, 100):
        write_snapshot(tmp_path, Snapshot(number, number))
    assert latest_snapshot(tmp_path) == Snapshot(100, 100)
    newest = snapshots_of(tmp_path)[100]
    newest.write_bytes(newest.read_bytes()[:-1])
    assert latest_snapshot(tmp_path) == Snapshot(20, 20)
    assert list(snapshots_of(tmp_path)) == [7, 20], "a torn one is not kept as one to fall back to"


@pytest.mark.parametrize("content", [b"", bytes(64)], ids=["zero length", "zeros"])
def test_a_file_that_a_loss_of_power_emptied_does_not_count(content: bytes, tmp_path: Path) -> None:
    write_snapshot(tmp_path, Snapshot(3))
    (tmp_path / "snapshot-0000000000000009").write_bytes(content)
    assert latest_snapshot(tmp_path) == Snapshot(3)


def test_a_snapshot_has_its_name_when_its_content_is_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[tuple[str, list[str]]] = []

    def fsync(descriptor: int) -> None:
        name = Path(os.readlink(f"/proc/self/fd/{descriptor}")).name
        synced.append((name, sorted(path.name for path in tmp_path.iterdir())))

    monkeypatch.setattr(os, "fsync", fsync)
    write_snapshot(tmp_path, Snapshot(3))
    name = "snapshot-0000000000000003"
    assert synced == [(f".{name}.partial", [f".{name}.partial"]), (tmp_path.name, [name])]
