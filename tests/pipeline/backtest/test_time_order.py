"""Readings in any order come back by event time, whatever the sizes of runs, blocks and slices."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.backtest.time_order import TimeOrder
from tests.support.incident_oracle import Sample
from tests.support.incidents import METRICS, SECOND, at, rows_of
from transforms.incidents.watched_rows import WatchedRows
from transforms.series.track import NONE_US

samples = st.lists(
    st.builds(
        Sample,
        st.sampled_from(["a", "b", "c"]),
        st.integers(0, 30).map(at),
        st.fixed_dictionaries({"temp": st.integers(0, 10**6).map(float)}),
    ),
    max_size=60,
)
sizes = st.integers(1, 40)


def plain(rows: WatchedRows) -> list[tuple[str, int, float]]:
    names = [rows.devices[code] for code in rows.device.tolist()]
    return list(zip(names, rows.event_us.tolist(), rows.values[0].tolist(), strict=True))


def in_order(some: list[Sample]) -> list[tuple[str, int, float]]:
    ordered = sorted(some, key=lambda one: one.time)  # stable
    return [(one.device, one.time, one.values["temp"]) for one in ordered]


@given(st.lists(samples, max_size=4), sizes, sizes, sizes)
def test_all_readings_come_back_in_the_order_of_time_and_of_adding(parts, run_rows, block_rows, slice_rows):
    with TimeOrder(METRICS, run_rows=run_rows, block_rows=block_rows) as order:
        for part in parts:
            order.add(rows_of(part))
        slices = list(order.slices(slice_rows))
        everything = [one for part in parts for one in part]
        assert order.readings == len(everything)
        assert order.devices == {one.device for one in everything}
    found, before = [], NONE_US
    for part in slices:
        times = part.rows.event_us
        assert before <= times.min()
        assert times.max() < part.watermark_us
        before = part.watermark_us
        found += sorted(plain(part.rows), key=lambda row: row[1])
    assert found == in_order(everything)
    if everything:
        assert (order.first_us, order.last_us) == (found[0][1], found[-1][1])
        assert slices[-1].watermark_us == order.last_us + 1


def test_a_slice_holds_about_as_many_readings_as_wanted():
    rows = rows_of([Sample("a", at(second), {"temp": 1.0}) for second in range(1000)])
    with TimeOrder(METRICS, run_rows=300, block_rows=10) as order:
        order.add(rows)
        held = [len(part.rows) for part in order.slices(100)]
    assert sum(held) == 1000
    assert max(held) <= 110


def test_what_waits_on_the_disk_is_removed(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with TimeOrder(METRICS, run_rows=2) as order:
        order.add(rows_of([Sample("a", at(0), {}), Sample("b", at(1), {})]))
        assert len(list(tmp_path.glob("telemetry-backtest-*/*"))) == 1
    assert list(tmp_path.iterdir()) == []


def test_no_reading_is_no_slice():
    with TimeOrder(METRICS) as order:
        order.add(rows_of([]))
        assert (order.readings, order.first_us, list(order.slices())) == (0, NONE_US, [])


def test_times_before_the_epoch_are_times():
    with TimeOrder(METRICS) as order:
        order.add(rows_of([Sample("a", -5 * SECOND, {"temp": 1.0})]))
        assert (order.first_us, order.last_us) == (-5 * SECOND, -5 * SECOND)
        (part,) = order.slices()
    assert part.rows.event_us == pytest.approx(np.array([-5 * SECOND]))
