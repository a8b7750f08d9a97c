"""Runs are merged by time, whatever the sizes of blocks and slices, with few blocks in memory."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.incident_oracle import Sample
from tests.support.incidents import METRICS, at, rows_of
from transforms.incidents.time_slices import cut_run, merge_runs
from transforms.incidents.watched_rows import WatchedRows

sizes = st.integers(1, 12)
samples = st.lists(
    st.builds(
        Sample,
        st.sampled_from(["a", "b", "c"]),
        st.integers(0, 20).map(at),
        st.fixed_dictionaries({"temp": st.integers(0, 10**6).map(float)}),
    ),
    min_size=1,
    max_size=40,
)


def plain(rows: WatchedRows) -> list[tuple[str, int, float]]:
    names = [rows.devices[code] for code in rows.device.tolist()]
    return list(zip(names, rows.event_us.tolist(), rows.values[0].tolist(), strict=True))


def by_time(found: Sequence[tuple[str, int, float]]) -> list[tuple[str, int, float]]:
    return sorted(found, key=lambda row: row[1])  # stable


@given(st.lists(samples, max_size=4), sizes, sizes)
def test_slices_hold_all_rows_by_time_and_ties_by_run_and_place(
    runs: list[list[Sample]], block_rows: int, slice_rows: int
) -> None:
    blocks = [list(cut_run(rows_of(run), block_rows)) for run in runs]
    found, before = [], at(-1)
    for part in merge_runs(blocks, lambda rows: rows, METRICS, at(100), slice_rows):
        assert before <= part.rows.event_us.min()
        assert part.rows.event_us.max() < part.watermark_us
        assert part.rows.metrics == METRICS
        before = part.watermark_us
        found += by_time(plain(part.rows))
    assert found == by_time([one for run in runs for one in plain(rows_of(run))])
    assert not runs or before == at(100)


def test_a_block_has_its_own_devices_and_its_earliest_time() -> None:
    rows = rows_of([Sample(device, at(second), {"temp": 1.0}) for device, second in (("a", 9), ("b", 3), ("c", 1))])
    first, second = cut_run(rows, 2)
    assert (first.first_us, first.rows.devices, second.first_us, second.rows.devices) == (
        at(1), ("b", "c"), at(9), ("a",),
    )  # fmt: skip


@pytest.mark.parametrize(("apart", "most"), [(True, 1), (False, 10)])
def test_only_blocks_whose_times_overlap_are_in_memory(apart: bool, most: int) -> None:
    """Ten runs of a thousand seconds each, one behind the other, or all of the same time."""
    starts = [1_000 * number if apart else 0 for number in range(10)]
    runs = [[Sample("a", at(start + second), {"temp": 1.0}) for second in range(1_000)] for start in starts]
    blocks = [list(cut_run(rows_of(run), 100)) for run in runs]
    loaded: list[WatchedRows] = []

    def load(rows: WatchedRows) -> WatchedRows:
        loaded.append(rows)
        return rows

    given_back, held = 0, []
    for part in merge_runs(blocks, load, METRICS, at(10_000), 50):
        held.append(100 * len(loaded) - given_back)
        given_back += len(part.rows)
    assert given_back == 10_000
    assert max(held) == most * 100
