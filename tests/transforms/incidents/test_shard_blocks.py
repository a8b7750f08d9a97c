"""Blocks of a shard: what is encoded is decoded, in the order of the input, from memory and from a file."""

import tempfile
from pathlib import Path

import pytest

from tests.support.incident_oracle import Sample
from tests.support.incidents import METRICS, at, rows_of
from transforms.incidents import time_slices
from transforms.incidents.shard_blocks import HeldBlocks, decode_block, encode_run
from transforms.incidents.watched_rows import no_rows
from transforms.series.track import NONE_US
from transforms.shuffle.versioned import FormatError

RUNS = {(0, 0): range(5), (0, 1): range(3, 6), (1, 0): range(2)}


def contents() -> list[bytes]:
    """Return the blocks of three runs, the last one first."""
    runs = {run: rows_of([Sample("a", at(second), {"temp": 1.0}) for second in RUNS[run]]) for run in RUNS}
    return [block for run, rows in runs.items() for block in encode_run(rows, run)][::-1]


@pytest.mark.parametrize(("held_bytes", "files"), [(1 << 20, 0), (0, 1), (150, 1)])
def test_blocks_are_kept_in_the_order_of_the_input(
    held_bytes: int, files: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(time_slices.cut_run, "__defaults__", (2,))
    with HeldBlocks(held_bytes) as held:
        held.add(contents())
        found = [[held.load(block.rows).event_us.tolist() for block in run] for run in held.runs()]
        assert len(list(tmp_path.glob("telemetry-blocks-*/*"))) == files
    assert found == [
        [[at(0), at(1)], [at(2), at(3)], [at(4)]],
        [[at(3), at(4)], [at(5)]],
        [[at(0), at(1)]],
    ]
    assert list(tmp_path.iterdir()) == []


def test_a_run_without_rows_is_a_block_that_is_not_kept() -> None:
    (content,) = encode_run(no_rows(METRICS), (3, 1))
    block = decode_block(content)
    assert (block.run, block.number, block.first_us) == ((3, 1), 0, NONE_US)
    with HeldBlocks() as held:
        held.add([content])
        assert held.runs() == []


def test_a_block_of_another_version_is_an_error() -> None:
    with pytest.raises(FormatError, match="block of watched readings"):
        decode_block(b"\x63" + contents()[0][1:])
