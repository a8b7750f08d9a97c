"""Fingerprints and run ids of recordings, which checkpoints and message keys contain."""

from pathlib import Path

import pytest

from publisher.replay.recording import Order, Recording
from publisher.replay.selection import Selection


@pytest.mark.parametrize(
    ("selection", "fingerprint", "run_id"),
    [
        (Selection(), "4f04b07d7ee8c473", "telemetry-c07bee2c533a"),
        (Selection(1, None, 5), "1f08bede14da2dcd", "telemetry-d603523a451f"),
    ],
)
def test_ids_are_the_same_in_every_version(tmp_path: Path, selection: Selection, fingerprint: str, run_id: str) -> None:
    """A changed fingerprint would invalidate checkpoints and give the same messages other keys."""
    file = tmp_path / "telemetry.csv"
    file.write_bytes(b"ts,device,temp\n1,a,20\n")
    recording = Recording((str(file),), {"x": "y"}, selection, 2, "rebase", 500, True, "device")
    assert recording.fingerprint() == fingerprint
    assert recording.name_run(7) == run_id


def recording(*inputs: Path, order: Order = "time") -> Recording:
    return Recording(tuple(map(str, inputs)), {}, Selection(), 1, "original", 500, False, "run", order)


def test_a_change_of_one_byte_in_the_middle_of_a_large_file_is_another_recording(tmp_path: Path) -> None:
    file = tmp_path / "telemetry.csv"
    content = bytearray(b"ts,device,temp\n" + b"1594512000,a,20\n" * 500_000)
    file.write_bytes(content)
    before = recording(file).fingerprint()
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    assert recording(file).fingerprint() != before


def test_another_order_is_another_recording(tmp_path: Path) -> None:
    file = tmp_path / "telemetry.csv"
    file.write_bytes(b"ts,device,temp\n")
    assert recording(file).fingerprint() != recording(file, order="as-is").fingerprint()
