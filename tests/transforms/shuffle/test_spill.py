import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.errors import OutputError
from tests.support.batches import BY_MINUTE, MINUTE, batch_of
from transforms.shuffle.packing import pack, unpack
from transforms.shuffle.record_batch_bytes import decode_record_batch, encode_record_batch
from transforms.shuffle.spill import Spill, current, spilling
from transforms.windows.aggregate_records import aggregates
from transforms.windows.aggregate_table import aggregate_batch
from transforms.windows.table_bytes import decode_table, encode_table

LONG = bytes(range(256)) * 64
TABLE = aggregate_batch(batch_of([("a", n * MINUTE, 1.5, float("nan")) for n in range(500)]), BY_MINUTE)


@pytest.fixture
def spill(tmp_path: Path) -> Iterator[Spill]:
    spill = Spill(str(tmp_path))
    yield spill
    spill.close()


@given(contents=st.lists(st.binary(max_size=5_000), max_size=10), order=st.randoms(use_true_random=False))
def test_what_is_put_is_read_back_in_any_order(tmp_path_factory, contents, order):
    spill = Spill(str(tmp_path_factory.mktemp("spill")))
    places = [(spill.put(content), content) for content in contents]
    order.shuffle(places)
    assert [spill.get(place) for place, _ in places] == [content for _, content in places]
    spill.close()


def test_another_process_reads_it(tmp_path: Path, spill: Spill) -> None:
    spill.put(b"before")
    place = spill.put(LONG)
    code = (
        "import sys; from transforms.shuffle.spill import Spill, Spilled; "
        f"sys.stdout.buffer.write(Spill({str(tmp_path)!r}).get(Spilled(*{tuple(place)!r})))"
    )
    read = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert read.stdout == LONG


def test_only_long_content_is_in_a_file_and_only_while_spilling() -> None:
    assert current() is None
    assert len(pack(LONG)) > 100
    with spilling() as folder:
        packed = pack(LONG)
        (file,) = Path(folder).iterdir()
        assert len(packed) < 100 < file.stat().st_size < len(LONG)
        assert pack(b"short") == b"\0short"
        assert unpack(packed) == LONG
    assert not os.path.exists(folder)
    assert current() is None


def test_a_job_within_a_job_spills_into_its_own_folder() -> None:
    with spilling() as outer:
        first = pack(LONG)
        with spilling() as inner:
            second = pack(LONG[1:])
            assert unpack(second) == LONG[1:]
            assert len(os.listdir(inner)) == len(os.listdir(outer)) == 1
        assert unpack(first) == LONG


def test_tables_and_record_batches_are_spilled() -> None:
    batch = aggregates(TABLE, BY_MINUTE, "on_time", 0)
    with spilling():
        contents = encode_table(TABLE), encode_record_batch(batch)
        table, decoded = decode_table(contents[0]), decode_record_batch(contents[1])
    assert all(len(content) < 100 for content in contents)
    assert len(encode_table(TABLE)) > 500
    assert decoded.equals(batch, check_metadata=True)
    assert np.array_equal(table.floats, TABLE.floats, equal_nan=True)
    assert np.array_equal(table.ints, TABLE.ints)


def test_a_folder_that_takes_nothing_is_named(tmp_path: Path) -> None:
    gone = Spill(str(tmp_path / "gone"))
    with pytest.raises(OutputError) as failure:
        gone.put(LONG)
    assert str(failure.value).startswith(f"{tmp_path}/gone: cannot be written: No such file or directory; a job stores")
