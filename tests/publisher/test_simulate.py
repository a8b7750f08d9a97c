import argparse
import csv
import gzip
import io
import itertools
import json
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from publisher.simulate import add_arguments, difficulties, run
from publisher.simulate.episodes import SimulatedEpisode
from publisher.simulate.faults import KINDS
from publisher.simulate.randomness import Randomness
from publisher.simulate.stream import COLUMNS, Simulation, generate, prepare
from publisher.simulate.writer import make_labels, write_rows
from telemetry.errors import ConfigError
from telemetry.feed.default_feed import READING_UNITS

START = 1_594_512_000_000_000  # 2020-07-12T00:00:00Z
SIMULATION = Simulation(rows=9_000, devices=3, seed=7, start_us=START, interval_us=5_000_000)
HEADER = '"ts","device","co","humidity","light","lpg","motion","smoke","temp"'


def content(simulation, chunk_rows=65_536) -> bytes:
    target = io.BytesIO()
    write_rows(generate(simulation, prepare(simulation), chunk_rows), target)
    return target.getvalue()


def rows_of(simulation) -> pd.DataFrame:
    frame = pd.read_csv(io.BytesIO(content(simulation)))
    frame["round"] = (np.rint(frame["ts"] * 1e6).astype("int64") - START) // simulation.interval_us
    return frame


def faulty(kind, **changes) -> tuple[Simulation, tuple[SimulatedEpisode, ...], list[str]]:
    simulation = replace(SIMULATION, faults=(kind,), **changes)
    scene = prepare(simulation)
    return simulation, scene.plan.faults, scene.climate.names


def command(*arguments) -> int:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return run(parser.parse_args([str(argument) for argument in arguments]))


def test_the_first_lines_have_the_format_of_the_reference_data_set():
    lines = content(SIMULATION).decode().splitlines()
    assert lines[0] == HEADER
    first = next(csv.reader([lines[1]]))
    assert all(part.startswith('"') and part.endswith('"') for part in lines[1].split(","))
    assert dict(zip(COLUMNS, first, strict=True))["light"] in ("true", "false")
    assert tuple(next(csv.reader([lines[0]]))) == COLUMNS == ("ts", "device", *READING_UNITS)


@pytest.mark.parametrize("faults", [(), KINDS])
@pytest.mark.parametrize("hard", [(), difficulties.KINDS])
def test_equal_seeds_give_equal_bytes_and_others_do_not(faults, hard):
    simulation = replace(SIMULATION, faults=faults, difficulties=hard)
    assert content(simulation) == content(simulation)
    assert content(simulation) != content(replace(simulation, seed=8))


@pytest.mark.parametrize("chunk_rows", [1, 7, 1_000, 10_000_000])
def test_the_size_of_the_chunks_does_not_matter(chunk_rows):
    simulation = replace(SIMULATION, rows=2_000, faults=KINDS, difficulties=difficulties.KINDS)
    assert content(simulation, chunk_rows) == content(simulation)


def test_all_devices_of_a_chunk_may_be_silent():
    simulation = replace(SIMULATION, rows=100, devices=1, faults=("silence",))
    assert content(simulation, 1) == content(simulation)


@settings(max_examples=25)
@given(st.integers(1, 3_000), st.integers(1, 40), st.integers(0, 2**63 - 1))
def test_exactly_so_many_rows_in_order_by_all_devices(rows, devices, seed):
    frame = rows_of(replace(SIMULATION, rows=rows, devices=devices, seed=seed))
    assert len(frame) == rows
    assert frame["ts"].is_monotonic_increasing
    assert frame["device"].nunique() == min(rows, devices)
    assert not frame.isna().to_numpy().any()


def test_silence_does_not_make_the_rows_fewer():
    frame = rows_of(replace(SIMULATION, faults=("silence",)))
    assert len(frame) == 9_000
    assert frame["ts"].is_monotonic_increasing
    assert frame["round"].max() > 2_999


def test_every_device_measures_once_a_round_with_jitter():
    frame = rows_of(SIMULATION)
    assert (frame.groupby("round")["device"].nunique() == 3).all()
    steps = frame[frame["device"] == frame["device"][0]]["ts"].diff().dropna()
    assert 3.9 < steps.min() < 4.5
    assert 5.5 < steps.max() < 6.1
    assert steps.nunique() > 1_000


@pytest.mark.parametrize("seed", range(5))
def test_without_faults_the_temperature_stays_below_30_over_weeks(seed):
    frame = rows_of(replace(SIMULATION, rows=40_000, devices=20, seed=seed, interval_us=600_000_000))
    assert frame["temp"].max() < 30.0
    assert frame["temp"].min() > 10.0


def test_the_measurements_are_realistic():
    frame = rows_of(replace(SIMULATION, rows=60_000, interval_us=60_000_000))
    assert np.allclose(frame["temp"] * 10, np.rint(frame["temp"] * 10))
    assert frame["humidity"].between(1, 99.9).all()
    for _, device in frame.groupby("device"):
        assert device["temp"].corr(device["humidity"]) < -0.5
        assert device["co"].corr(device["lpg"]) > 0.99
        assert device["co"].corr(device["smoke"]) > 0.99
        hour = (device["ts"] % 86_400) // 3_600
        assert device["light"][hour.between(9, 16)].all()
        assert not device["light"][hour.between(0, 3)].any()
        daily = device.groupby(hour)["temp"].mean()
        assert daily.idxmax() in range(11, 20)
        moving = device["motion"]
        assert 0 < moving.mean() < 0.1
        assert moving[moving.shift(fill_value=False)].mean() > 4 * moving.mean()  # in bursts


def test_devices_are_named_like_mac_addresses_and_all_different():
    climate = prepare(replace(SIMULATION, rows=1, devices=5_000)).climate
    assert len(set(climate.names)) == 5_000
    assert all(len(bytes.fromhex(name.replace(":", ""))) == 6 and name.count(":") == 5 for name in climate.names)


@pytest.mark.parametrize("kind", KINDS)
def test_a_fault_changes_the_rows_inside_its_interval_only(kind):
    simulation, faults, names = faulty(kind)
    assert faults
    keys = ["device", "round"]
    healthy = rows_of(replace(SIMULATION, rows=12_000)).set_index(keys)
    changed = rows_of(simulation).set_index(keys)
    inside = pd.MultiIndex.from_tuples(
        [(names[fault.device], number) for fault in faults for number in range(fault.first, fault.end)], names=keys
    )
    expected = healthy.loc[healthy.index.get_level_values("round") <= changed.index.get_level_values("round").max()]
    outside = expected.index.difference(inside)
    last = changed.index.get_level_values("round").max()
    outside = outside[outside.get_level_values("round") < last]
    pd.testing.assert_frame_equal(changed.loc[outside].sort_index(), expected.loc[outside].sort_index())
    if kind == "silence":
        assert not changed.index.isin(inside).any()
    else:
        kept, original = changed.loc[inside], expected.loc[inside]
        assert (kept["temp"] != original["temp"]).mean() > 0.5
        others = kept.columns.difference(["temp"])
        pd.testing.assert_frame_equal(kept[others], original[others])


def series_of(kind) -> Iterator[tuple[Any, Any]]:
    simulation, faults, names = faulty(kind)
    frame = rows_of(simulation)
    for fault in faults:
        device = frame[frame["device"] == names[fault.device]]
        within = device[(device["round"] >= fault.first) & (device["round"] < fault.end)]
        before = device[device["round"] == fault.first - 1]["temp"]
        yield within["temp"].to_numpy(), before


def test_spikes_are_short_and_well_above_30():
    for temp, _ in series_of("spike"):
        assert 3 <= len(temp) <= 5
        assert temp.min() > 32.0


def test_a_drift_rises_slowly_from_below_to_above_30():
    for temp, before in series_of("drift"):
        assert abs(temp[0] - before.iloc[0]) < 2.0
        assert temp[-1] > 32.0
        assert np.diff(temp).min() > -1.5
        assert len(temp) >= 12


def test_a_stuck_sensor_repeats_one_value():
    for temp, _ in series_of("stuck"):
        assert len(temp) >= 7
        assert len(set(temp)) == 1


def test_a_shift_changes_the_level_at_once():
    for temp, before in series_of("shift"):
        assert abs(temp.mean() - before.iloc[0]) > 4.5


def test_faults_of_a_device_do_not_touch_and_lie_within_the_rows():
    scene = prepare(replace(SIMULATION, rows=200_000, faults=KINDS))
    plan = scene.plan
    assert {fault.kind for fault in plan.faults} == set(KINDS)
    for device in range(3):
        faults = [fault for fault in plan.faults if fault.device == device]
        for one, other in itertools.pairwise(faults):
            assert one.end < other.first
        assert faults[0].first > 0
        assert faults[-1].end <= 200_000 // 3
    assert [label.kind for label in make_labels(scene)] == [fault.kind for fault in plan.faults]


def test_labels_tell_device_metric_kind_and_time(tmp_path, capsys):
    for name in ("l.jsonl", "l.csv"):
        assert (
            command(
                "--rows", 600, "--faults", "spike,silence", "--output", tmp_path / "r.csv", "--labels", tmp_path / name
            )
            == 0
        )
    lines = [json.loads(line) for line in (tmp_path / "l.jsonl").read_text().splitlines()]
    with (tmp_path / "l.csv").open(newline="") as file:
        assert list(csv.DictReader(file)) == lines
    assert [list(line) for line in lines] == [["device", "metric", "kind", "nature", "start", "end"]] * 2
    assert {line["nature"] for line in lines} == {"fault"}
    assert {(line["kind"], line["metric"]) for line in lines} == {("spike", "temp"), ("silence", "*")}
    frame = pd.read_csv(tmp_path / "r.csv")
    hot = frame[frame["temp"] > 30]
    (spike,) = [line for line in lines if line["kind"] == "spike"]
    times = pd.to_datetime(np.rint(hot["ts"] * 1e6), unit="us", utc=True)
    assert set(hot["device"]) == {spike["device"]}
    assert pd.Timestamp(spike["start"]) <= times.min()
    assert times.max() < pd.Timestamp(spike["end"])


def test_the_summary_is_one_line_of_json(tmp_path, capsys):
    file = tmp_path / "r.csv"
    command("--rows", 500, "--devices", 2, "--faults", "drift", "--output", file, "--start", "2021-01-01T00:00:00Z")
    out, err = capsys.readouterr()
    summary = json.loads(out)
    times = pd.read_csv(file)["ts"]
    seconds = summary.pop("seconds")
    assert seconds >= 0
    assert out.count("\n") == 1
    assert err == ""
    moments = [pd.Timestamp(summary.pop(name)).timestamp() for name in ("first_time", "last_time")]
    assert moments == pytest.approx([times.iloc[0], times.iloc[-1]], abs=1e-6)
    assert summary == {
        "rows": 500,
        "devices": 2,
        "faults": {"drift": 1},
        "benign": {"front": 0, "missing": 0, "clock": 0},
    }
    assert 1_609_459_200 <= times.iloc[0] < 1_609_459_205


def test_standard_output_gets_the_rows_and_the_summary_goes_beside_them(tmp_path, capfdbinary):
    command("--rows", 50, "--output", "-")
    out, err = capfdbinary.readouterr()
    command("--rows", 50, "--output", tmp_path / "r.csv")
    assert out == (tmp_path / "r.csv").read_bytes()
    assert json.loads(err)["rows"] == 50


def test_a_gz_file_holds_the_same_rows_and_repeats_to_the_byte(tmp_path, capsys):
    files = [tmp_path / name for name in ("r.csv", "r.csv.gz", "s.csv.gz")]
    for file in files:
        command("--rows", 3_000, "--output", file)
    assert gzip.decompress(files[1].read_bytes()) == files[0].read_bytes()
    assert files[1].read_bytes() == files[2].read_bytes()
    assert files[1].read_bytes()[3:8] == bytes(5)  # neither a name nor a time of writing in the header
    assert len(files[0].read_text().splitlines()) == 3_001


@pytest.mark.parametrize(
    "option",
    [
        ["--rows", 99],
        ["--devices", 4],
        ["--seed", 5],
        ["--interval", "1m"],
        ["--start", 0],
        ["--faults", "spike"],
        ["--difficulties", "none"],
    ],
    ids=lambda option: option[0],
)
def test_each_option_changes_the_rows(tmp_path, capsys, option):
    command("--rows", 100, "--output", tmp_path / "a.csv")
    command("--rows", 100, "--output", tmp_path / "b.csv", *option)
    assert (tmp_path / "a.csv").read_bytes() != (tmp_path / "b.csv").read_bytes()


@pytest.mark.parametrize(
    ("option", "problem"),
    [
        (["--rows", 0], "--rows 0: must be a number from 1 to"),
        (["--devices", 0], "--devices 0: must be a number from 1 to"),
        (["--seed", -1], "--seed -1: must be a number from 0 to"),
        (["--interval", "fast"], "--interval fast: not a duration"),
        (["--interval", "0s"], "--interval 0s: must be at least 1ms"),
        (["--start", "now"], "--start now: "),
        (["--start", "2020-07-12"], "names no offset from UTC"),
        (["--start", "1e300"], "--start 1e300: not between 1970 and 2100"),
        (["--start", "-1"], "--start -1: not between 1970 and 2100"),
        (["--rows", 10**9, "--interval", "1d"], "not lie between 1970 and 2100"),
        (
            ["--faults", "spike,fire"],
            "'fire' is none of spike, drift, stuck, silence, shift, small-shift, noise, all, none",
        ),
        (["--faults", ""], "'' is none of"),
        (["--difficulties", "front,rain"], "'rain' is none of sensors, front, missing, clock, all, none"),
        (["--faults", "spike,drift", "--rows", 60], "too few rows for 2 kinds of faults"),
        (["--labels", "labels.txt"], "--labels labels.txt: its name ends neither in .csv nor in .jsonl"),
        (["--labels", "nowhere/l.csv"], "--labels nowhere/l.csv: cannot be written: No such file"),
        (["--output", "nowhere/r.csv"], "--output nowhere/r.csv: cannot be written: No such file"),
        (["--output", "."], "--output .: cannot be written: Is a directory"),
    ],
    ids=lambda value: " ".join(map(str, value)) if isinstance(value, list) else "",
)
def test_each_mistake_is_reported_in_one_line(tmp_path, monkeypatch, option, problem):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError) as error:
        command("--rows", 100, "--output", "r.csv", *option)
    assert problem in str(error.value)
    assert "\n" not in str(error.value)


def test_memory_does_not_grow_with_the_rows():
    def peak(rows) -> int:
        simulation = replace(SIMULATION, rows=rows, faults=KINDS, difficulties=difficulties.KINDS)
        scene = prepare(simulation)
        tracemalloc.start()
        for _ in generate(simulation, scene, 2_000):
            pass
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    peak(4_000)  # what is imported or cached on first use is not counted
    assert peak(200_000) < 1.2 * peak(20_000)


def test_random_numbers_are_found_by_index_and_differ_by_stream_and_seed():
    random, index = Randomness(3), np.arange(100_000)
    numbers = random.uniform(1, index)
    assert np.array_equal(random.uniform(1, index[500:600]), numbers[500:600])
    assert 0 <= numbers.min() < 0.001 < 0.999 < numbers.max() < 1
    assert abs(numbers.mean() - 0.5) < 0.005
    for other in (random.uniform(2, index), Randomness(4).uniform(1, index)):
        assert abs(np.corrcoef(numbers, other)[0, 1]) < 0.02
    noise = random.noise(1, index)
    assert abs(noise.mean()) < 0.02
    assert noise.std() == pytest.approx(1.0, abs=0.02)
    assert np.abs(noise).max() <= 3.4642
