"""Difficulties of the simulation: each is what its name says, and labels match the rows."""

import io
import itertools
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from publisher.simulate import clocks, difficulties
from publisher.simulate.faults import KINDS
from publisher.simulate.stream import Simulation, generate, prepare
from publisher.simulate.writer import EpisodeLabel, make_labels, write_rows
from telemetry.text.timestamps import parse_time

START = 1_594_512_000_000_000  # 2020-07-12T00:00:00Z
SIMULATION = Simulation(rows=60_000, devices=5, seed=3, start_us=START, interval_us=5_000_000)
METRICS = ["co", "humidity", "light", "lpg", "motion", "smoke", "temp"]
SEEDS = st.integers(0, 2**63 - 1)


def rows_of(simulation: Simulation) -> pd.DataFrame:
    """Rows in the order of the file, with their time in microseconds."""
    target = io.BytesIO()
    write_rows(generate(simulation, prepare(simulation)), target)
    frame = pd.read_csv(io.BytesIO(target.getvalue()))
    return frame.assign(us=np.rint(frame["ts"] * 1e6).astype("int64"))


def labels_of(simulation: Simulation, kind: str = "", nature: str = "") -> list[EpisodeLabel]:
    labels = make_labels(prepare(simulation))
    return [one for one in labels if kind in ("", one.kind) and nature in ("", one.nature)]


def within(frame: pd.DataFrame, labels: list[EpisodeLabel]) -> pd.Series:
    """Mask of the rows in a label of their device."""
    mask = pd.Series(False, index=frame.index)
    for one in labels:
        mask |= (frame["device"] == one.device) & frame["us"].between(
            parse_time(one.start), parse_time(one.end) - 1
        )  # fmt: skip
    return mask


def keyed(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.set_index(["device", "us"])[METRICS].sort_index()


@settings(max_examples=8)
@given(SEEDS, st.integers(1, 6))
def test_labels_of_faults_match_the_rows(seed, devices):
    hard = replace(SIMULATION, rows=6_000 * devices, devices=devices, seed=seed, difficulties=difficulties.KINDS)
    faulty = replace(hard, faults=KINDS)
    healthy, changed = keyed(rows_of(hard)), rows_of(faulty)
    labels = labels_of(faulty, nature="fault")
    assert {one.kind for one in labels} == set(KINDS)
    silences = [one for one in labels if one.kind == "silence"]
    assert not within(changed, silences).any()
    # The rows that silences save come at the end, where the simulation without faults has ended.
    end_us = healthy.index.get_level_values("us").max() - 60_000_000
    changed = changed[changed["us"] < end_us]
    inside = within(changed, labels).to_numpy()
    index = pd.MultiIndex.from_frame(changed[["device", "us"]])
    now, expected = changed[METRICS], healthy.loc[index].reset_index(drop=True).set_axis(changed.index)
    differs = ((now != expected) & ~(now.isna() & expected.isna())).any(axis="columns").to_numpy()
    assert not differs[~inside].any()
    assert differs[inside].mean() > 0.5
    gone = healthy.index.difference(index).to_frame(index=False)
    assert within(gone, silences)[gone["us"] < end_us].all()


@settings(max_examples=8)
@given(SEEDS)
def test_fronts_are_fast_shared_and_within_their_labels(seed):
    calm = replace(SIMULATION, rows=60_000, devices=5, seed=seed)
    stormy = replace(calm, difficulties=("front",))
    labels = labels_of(stormy)
    assert {(one.kind, one.nature, one.metric) for one in labels} <= {("front", "benign", "*")}
    before, after = rows_of(calm), rows_of(stormy)
    inside = within(after, labels)
    pd.testing.assert_frame_equal(before[~inside], after[~inside])
    others = [name for name in before if name not in ("temp", "humidity")]
    pd.testing.assert_frame_equal(before[others], after[others])
    assert after["temp"][inside].between(14.0, 29.5).all()
    for one in labels:
        rows = within(after, [one])
        change = (after["temp"] - before["temp"])[rows].to_numpy()
        size = change[np.abs(change).argmax()]
        assert 1.0 <= abs(size) <= 6.0
        assert np.sign(change[np.abs(change) > 0.1]).tolist() == [np.sign(size)] * (np.abs(change) > 0.1).sum()
        assert 0.05 * len(change) < np.abs(change).argmax() < 0.2 * len(change)  # it comes fast, and goes slowly
        assert abs(change[0]) < 0.2 > abs(change[-1])
        damp = (after["humidity"] - before["humidity"])[rows].to_numpy()
        assert np.allclose(damp, -2.5 * change, atol=0.3)


def test_a_front_reaches_several_devices_at_about_the_same_time():
    labels = labels_of(replace(SIMULATION, rows=600_000, devices=20, difficulties=("front",)))
    starts = np.sort([parse_time(one.start) for one in labels])
    fronts = np.split(starts, np.flatnonzero(np.diff(starts) > 600e6) + 1)
    assert len(fronts) == 3
    assert all(len(front) >= 3 for front in fronts)
    assert all(0 < np.ptp(front) <= 150e6 for front in fronts)


def test_values_and_readings_are_missing_more_of_them_where_the_radio_is_bad():
    lossy = replace(SIMULATION, rows=400_000, devices=8, difficulties=("missing",))
    frame = rows_of(lossy)
    labels = labels_of(lossy)
    assert len(labels) == 208 * 8 // 40
    assert {(one.kind, one.nature) for one in labels} == {("missing", "benign")}
    lacking = frame[METRICS].isna().sum(axis="columns")
    assert lacking.max() == 1
    assert lacking.mean() == pytest.approx(0.01, rel=0.1)
    counts = frame[METRICS].isna().sum()
    assert (counts[["light", "motion"]] == 0).all()
    assert (counts.drop(["light", "motion"]) > 0.15 * counts.sum()).all()
    sent = len(frame)
    bad_us = sum(parse_time(one.end) - parse_time(one.start) for one in labels)
    expected_bad = bad_us / 5e6
    bad = within(frame, labels).sum()
    assert 1 - bad / expected_bad == pytest.approx(0.3, abs=0.03)
    rounds = (frame["us"].max() - START) // 5_000_000 + 1
    assert 1 - (sent - bad) / (rounds * 8 - expected_bad) == pytest.approx(0.005, abs=0.001)


def test_sensors_have_the_steps_of_their_vendors():
    frame = rows_of(replace(SIMULATION, devices=8, difficulties=("sensors",)))
    steps = {"b8:27:eb": (0.1, 0.1), "dc:a6:32": (0.5, 1.0), "1c:bf:ce": (0.1, 0.1), "00:0f:00": (0.2, 0.5)}
    for vendor, (temp, humidity) in steps.items():
        mine = frame[frame["device"].str.startswith(vendor)]
        for values, step in ((mine["temp"], temp), (mine["humidity"], humidity)):
            assert np.diff(np.unique(values)).min() == pytest.approx(step)
            assert np.allclose(values / step, np.rint(values / step))
    assert {one.nature for one in labels_of(replace(SIMULATION, difficulties=("sensors",)))} == set()


def test_the_noise_of_sensors_depends_on_their_vendor():
    frame = rows_of(replace(SIMULATION, rows=24_000, devices=8, difficulties=("sensors",)))
    noise = {"b8:27:eb": 0.12, "1c:bf:ce": 0.3, "00:0f:00": 0.18}
    for vendor, expected in noise.items():
        for _, mine in frame[frame["device"].str.startswith(vendor)].groupby("device"):
            assert mine["temp"].diff().std() / np.sqrt(2) == pytest.approx(expected, abs=0.025)


def test_faults_are_quantised_as_well():
    frame = rows_of(replace(SIMULATION, devices=8, faults=KINDS, difficulties=("sensors",)))
    coarse = frame[frame["device"].str.startswith("dc:a6:32")]["temp"]
    assert coarse.max() > 32
    assert np.array_equal(coarse * 2, np.rint(coarse * 2))


@settings(max_examples=8)
@given(SEEDS)
def test_clocks_run_away_slowly_and_are_set_right_at_their_labels(seed):
    true = replace(SIMULATION, rows=100_000, devices=5, seed=seed)
    wrong = replace(true, difficulties=("clock",))
    before, after = rows_of(true), rows_of(wrong)
    pd.testing.assert_frame_equal(before.drop(columns=["ts", "us"]), after.drop(columns=["ts", "us"]))
    labels = labels_of(wrong)
    assert {(one.kind, one.nature) for one in labels} <= {("clock", "benign")}
    for device, rows in before.groupby("device"):
        offset = (after["us"] - before["us"])[rows.index].to_numpy()
        elapsed = (rows["us"] - START).to_numpy()
        mine = [one for one in labels if one.device == device]
        jumps = np.flatnonzero(np.abs(np.diff(offset)) > 500_000)
        assert len(jumps) == len(mine)
        if not offset.any():
            continue
        assert abs(offset[0]) < 5_000
        assert np.abs(offset).max() < 30_000_000  # 300 ppm of 24 h are 26 s
        slope = np.diff(offset) / np.diff(elapsed)
        steady = np.delete(slope, jumps)
        assert 50e-6 * 0.9 < abs(np.median(steady)) < 300e-6 * 1.1
        assert np.ptp(steady) < 1e-5
        shown = after["us"][rows.index].to_numpy()
        for jump, one in zip(jumps, mine, strict=True):
            assert abs(offset[jump + 1]) < 200_000
            begin, end = parse_time(one.start), parse_time(one.end)
            assert begin <= max(shown[jump], shown[jump + 1]) < end + 5_000_000
            if shown[jump + 1] > shown[jump] + 6_000_000:  # set forward: the label covers the times that are skipped
                assert shown[jump] <= begin + 1
                assert shown[jump + 1] < end


def test_half_of_the_clocks_are_wrong_and_lines_stay_in_the_order_of_arrival():
    frame = rows_of(replace(SIMULATION, devices=40, rows=400_000, difficulties=("clock",)))
    true = rows_of(replace(SIMULATION, devices=40, rows=400_000))
    share = (frame["us"] != true["us"]).groupby(frame["device"]).any().mean()
    assert 0.3 < share < 0.7
    assert not frame["us"].is_monotonic_increasing
    assert true["us"].is_monotonic_increasing


@settings(max_examples=10)
@given(SEEDS, st.integers(2, 5), st.integers(96, 60_000))
def test_episodes_of_a_device_do_not_touch(seed, devices, rounds):
    scene = prepare(replace(SIMULATION, rows=rounds * devices, devices=devices, seed=seed,
                            faults=KINDS, difficulties=difficulties.KINDS))  # fmt: skip
    episodes = (*scene.plan.faults, *scene.plan.benign)
    for device in range(devices):
        mine = sorted((one.first, one.end) for one in episodes if one.device == device)
        assert all(end < first for (_, end), (first, _) in itertools.pairwise(mine))
        assert all(0 < first < end <= rounds for first, end in mine)


def test_a_small_shift_is_one_to_two_standard_deviations_of_the_device():
    shifted = replace(SIMULATION, rows=400_000, faults=("small-shift",))
    scene = prepare(shifted)
    assert len(scene.plan.faults) > 100
    ratios = [abs(one.size) / scene.climate.deviation(one.device) for one in scene.plan.faults]
    assert 1.0 <= min(ratios) < 1.1
    assert 1.9 < max(ratios) <= 2.0
    assert {one.size > 0 for one in scene.plan.faults} == {True, False}


def test_the_deviation_of_a_device_is_that_of_its_values():
    simulation = replace(SIMULATION, rows=100_000, devices=5, interval_us=120_000_000)
    climate = prepare(simulation).climate
    frame = rows_of(simulation)
    measured = frame.groupby("device")["temp"].std()
    for number, name in enumerate(climate.names):
        assert climate.deviation(number) == pytest.approx(measured[name], rel=0.1)


def test_noise_is_many_times_the_usual_one():
    noisy = replace(SIMULATION, rows=150_000, faults=("noise",))
    healthy, frame = rows_of(replace(noisy, faults=())), rows_of(noisy)
    for one in labels_of(noisy):
        rows = within(frame, [one])
        added = (frame["temp"] - healthy["temp"])[rows]
        assert 0.5 < added.std() < 2.4
        assert abs(added.mean()) < 0.6
        assert len(added) >= 72


def test_kinds_of_benign_events_and_faults_have_different_names():
    assert not set(KINDS) & set(difficulties.KINDS)
    assert clocks.KIND in difficulties.KINDS
