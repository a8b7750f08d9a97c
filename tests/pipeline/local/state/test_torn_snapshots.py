"""A snapshot that a loss of power damaged is as if it had not been written."""

from pathlib import Path

import pytest

from pipeline.local.state.records import Ticked
from pipeline.local.state.snapshots import Snapshot, decode_snapshot, encode_snapshot, snapshots_of, write_snapshot
from pipeline.local.state.state_folder import StateFolder


@pytest.mark.parametrize("kept", [0, 1, 2, 5, 12])
def test_a_file_that_has_its_length_but_not_its_content_is_no_snapshot(kept: int) -> None:
    content = encode_snapshot(Snapshot(5, unconfirmed=("a", "b")))
    assert decode_snapshot(content[:kept] + bytes(len(content) - kept)) is None
    assert decode_snapshot(content[:kept]) is None


def test_a_torn_snapshot_is_not_one_of_the_two_that_are_kept(tmp_path: Path) -> None:
    folder = StateFolder(tmp_path, {})
    for number in range(3):
        folder.journal.append(Ticked(number, None))
    write_snapshot(tmp_path, Snapshot(1))
    write_snapshot(tmp_path, Snapshot(2))
    folder.close()
    (tmp_path / "snapshot-0000000000000002").write_bytes(b"")
    folder = StateFolder(tmp_path, {})
    assert folder.snapshot == Snapshot(1)
    assert len(list(folder.records())) == 2
    folder.save(Snapshot(3))
    assert list(snapshots_of(tmp_path)) == [1, 3]
    folder.close()
