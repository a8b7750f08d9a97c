"""The torture draws the same scenarios again, sees every difference, and a small run of it passes."""

import json
import os
import random
from collections import Counter
from pathlib import Path

import pytest

from benchmarks.data import json_lines, simulate
from benchmarks.torture.__main__ import main
from benchmarks.torture.expected_incidents import RULES, ExpectedTransition, expected_incidents
from benchmarks.torture.judge import Verdict, judge
from benchmarks.torture.power_loss import lose_power
from benchmarks.torture.scenario import DEVICES, KINDS, Scenario, draw_scenario
from benchmarks.torture.traffic import Traffic, make_traffic
from tests.support.jobs import run_job

ROWS = 24 * DEVICES


@pytest.fixture(scope="module")
def csv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return simulate(tmp_path_factory.mktemp("torture") / "telemetry.csv", ROWS, DEVICES)


@pytest.fixture
def results(csv: Path, tmp_path: Path) -> Path:
    run_job("--input", csv, "--output", tmp_path / "results", "--archive", "--rules", RULES)
    return tmp_path / "results"


def drawn(number: int) -> Scenario:
    return draw_scenario(7, number, KINDS, ["one", "other"], ROWS)


def verdict_of(results: Path, csv: Path, judged_us: int | None = None) -> Verdict:
    return judge(results, Traffic(lines=list(json_lines(csv))), None, archive=True, judged_us=judged_us)


def last_us(csv: Path) -> int:
    """Return the time of the newest reading."""
    times = [float(json.loads(line)["ts"]) for line in json_lines(csv)]
    return round(max(times) * 1e6)


def first(results: Path, kind: str) -> Path:
    return sorted(results.glob(f"{kind}/*/*/*"))[0]


def test_a_seed_draws_the_same_scenarios_and_another_one_others() -> None:
    scenarios = [drawn(number) for number in range(50)]
    assert scenarios == [drawn(number) for number in range(50)]
    assert {one.kind for one in scenarios} == set(KINDS)
    assert {one.ordering for one in scenarios} == {"run", "device", "none"}
    assert {one.server for one in scenarios} == {"one", "other"}
    assert scenarios != [draw_scenario(8, number, KINDS, ["one", "other"], ROWS) for number in range(50)]


def test_traffic_carries_every_line_once_unless_duplicates_are_removed(csv: Path) -> None:
    lines = list(json_lines(csv))
    for number in range(20):
        scenario = drawn(number)
        traffic = make_traffic(scenario, lines)
        unique = {one.attributes["message_key"]: one.data for one in traffic.messages}
        sent = Counter(line for data in unique.values() for line in data.split(b"\n"))
        assert sent == Counter(lines) + traffic.corrupt
        assert (len(unique) == len(traffic.messages)) or scenario.dedup
        assert bool(traffic.may_be_too_late) == (scenario.lateness == "too_late")


def test_results_of_a_quiet_job_are_clean(results: Path, csv: Path) -> None:
    verdict = verdict_of(results, csv, last_us(csv))
    assert verdict.problems == []
    assert verdict.is_clean
    assert verdict.reconciled


def test_a_missing_file_of_windows_is_seen(results: Path, csv: Path) -> None:
    path = first(results, "aggregates")
    windows = path.read_bytes().splitlines()
    counts: Counter[tuple[str, str]] = Counter()
    for window in map(json.loads, windows):
        counts[window["device"], window["window_start"]] = window["count"]
    path.unlink()
    verdict = verdict_of(results, csv)
    assert verdict.wrong_windows == len(windows)
    assert verdict.lost == counts.total()
    assert not verdict.reconciled


def test_a_window_with_another_mean_is_seen(results: Path, csv: Path) -> None:
    path = first(results, "aggregates")
    one, *others = path.read_bytes().splitlines()
    path.write_bytes(b"\n".join([json.dumps(json.loads(one) | {"mean": 1.5}).encode(), *others]))
    verdict = verdict_of(results, csv)
    assert (verdict.wrong_windows, verdict.lost, verdict.extra) == (1, 0, 0)


def test_an_anomaly_and_archived_readings_that_are_missing_are_seen(results: Path, csv: Path) -> None:
    path = first(results, "anomalies")
    anomalies = len(path.read_bytes().splitlines())
    path.unlink()
    assert verdict_of(results, csv).wrong_records == anomalies
    first(results, "readings").unlink()
    assert verdict_of(results, csv).wrong_records > anomalies


def test_incidents_are_computed_by_hand() -> None:
    temps = [20.0, 31.0, 30.0, 30.5, 32.0, 29.5, 33.0, 28.0, 28.5, 28.0, 28.0, 28.0] + [28.0] * 12
    lines = [json.dumps({"device": "d", "ts": 5 * place, "temp": temp}).encode() for place, temp in enumerate(temps)]
    assert expected_incidents(lines) == [
        ExpectedTransition("temp-high", "d", 15_000_000, 1, "opened", 20_000_000, 2, 32.0),
        ExpectedTransition("temp-high", "d", 15_000_000, 2, "closed", 50_000_000, 3, 33.0),
    ]
    longer = [json.dumps({"device": "d", "ts": 300 + 30 * place, "temp": 23.0}).encode() for place in range(6)]
    longer.append(b'{"device":"d","ts":480,"temp":21.0}')
    assert expected_incidents(longer) == [
        ExpectedTransition("temp-peak", "d", 360_000_000, 1, "opened", 480_000_000, 3, 23.0),
        ExpectedTransition("temp-peak", "d", 360_000_000, 2, "closed", 540_000_000, 3, 23.0),
    ]


def test_incidents_that_are_missing_or_too_many_are_seen_up_to_a_time(results: Path, csv: Path) -> None:
    path = first(results, "incidents")
    one, *others = path.read_bytes().splitlines()
    path.write_bytes(b"\n".join([json.dumps(json.loads(one) | {"readings": 99}).encode(), *others]))
    assert verdict_of(results, csv, last_us(csv)).wrong_records == 2
    path.unlink()
    assert verdict_of(results, csv, last_us(csv)).wrong_records == 1 + len(others)
    assert verdict_of(results, csv, 0).wrong_records == 0


def test_an_empty_file_is_seen(results: Path, csv: Path) -> None:
    first(results, "readings").write_bytes(b"")
    assert not verdict_of(results, csv).is_clean


def test_a_loss_of_power_spares_what_was_synced(tmp_path: Path) -> None:
    state, hour = tmp_path / "state", tmp_path / "output" / "anomalies" / "date=2020-07-12" / "hour=00"
    state.mkdir()
    hour.mkdir(parents=True)
    safe, late = hour / "safe.jsonl", hour / "late.jsonl"
    for second, path in enumerate((state / "journal-0", safe, state / "snapshot-5", state / "journal-5", late)):
        path.write_bytes(path.name.encode())
        os.utime(path, (second, second))
    damaged = set()
    for seed in range(40):
        late.write_bytes(b"late.jsonl")
        lose_power(random.Random(seed), state, tmp_path / "output")
        assert safe.read_bytes() == b"safe.jsonl"
        assert (state / "snapshot-5").read_bytes() == b"snapshot-5"  # the only one
        assert (state / "journal-0").read_bytes() == b"journal-0"
        assert (state / "journal-5").read_bytes().startswith(b"journal-5")
        damaged.add(late.read_bytes() if late.exists() else None)
    assert {None, b"", b"late.jsonl"} <= damaged
    assert any(content and len(content) == 10 and content.endswith(b"\0") for content in damaged)


def test_a_small_run_loses_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flags = ["--rounds", "1", "--seed", "4", "--only", "power", "--servers", "embedded", "--rows", str(ROWS)]
    assert main([*flags, "--results", str(tmp_path)]) == 0, capsys.readouterr().err
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(" | ")[0] for line in lines[2:]] == ["| power", "| all"]
    (figures,) = map(json.loads, (path.read_text() for path in tmp_path.glob("*.json")))
    (only,) = figures["rounds"]
    assert only["kills"] == only["scenario"]["faults"]
    assert only["starts"] > only["kills"]
    assert only["verdict"]["problems"] == []


@pytest.mark.parametrize(
    ("flags", "problem"),
    [
        (["--only", "kill,earthquake"], "'earthquake' is none of"),
        (["--rounds", "0"], "--rounds 0: must be at least 1"),
        (["--minutes", "0"], "--minutes 0.0: must be positive"),
        (["--rows", "10"], "--rows 10: must be at least"),
        (["--results", "no/folder"], "--results no/folder: is not a folder"),
        (["--csv", "no.csv"], "--csv no.csv: no such file"),
    ],
)
def test_a_flag_that_cannot_be_used(flags: list[str], problem: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(flags) == 2
    assert problem in capsys.readouterr().err
