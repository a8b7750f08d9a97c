"""Fingerprints and run ids of recordings, which checkpoints and message keys contain."""

from pathlib import Path

import pytest

from publisher.replay.recording import Recording
from publisher.replay.selection import Selection


@pytest.mark.parametrize(
    ("selection", "fingerprint", "run_id"),
    [
        (Selection(), "709d0118b4721f31", "telemetry-e8ad554cae89"),
        (Selection(1, None, 5), "94072cedd000f033", "telemetry-03f89a540c7e"),
    ],
)
def test_ids_are_the_same_in_every_version(tmp_path: Path, selection: Selection, fingerprint: str, run_id: str) -> None:
    """A changed fingerprint would invalidate checkpoints and give the same messages other keys."""
    file = tmp_path / "telemetry.csv"
    file.write_bytes(b"ts,device,temp\n1,a,20\n")
    recording = Recording((str(file),), {"x": "y"}, selection, 2, "rebase", 500, True, "device")
    assert recording.fingerprint() == fingerprint
    assert recording.name_run(7) == run_id
