"""Jobs with --dedup-readings: files, streams, restarts; and the ledger, which counts what was removed."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from pipeline.__main__ import main
from pipeline.sources import files
from telemetry.cli.main import main as telemetry
from telemetry.model.messages import Message
from tests.support import oracle
from tests.support.jobs import Events, imbalances, run_events, run_job
from tests.support.parts import content, counts, write_parts
from tests.support.pubsub_fixtures import PubSub, clients, embedded_broker
from transforms.dedup import repeats_of_files
from transforms.dedup.repeated_rows import find_repeats

__all__ = ["embedded_broker"]  # a fixture, found by name

START = 1_594_512_000
"""Seconds: the beginning of an hour."""
STORED_AND_FORWARDED = """\
ts,device,temp
1594512094,a,20
1594512094,a,20
1594512094,a,20
1594512104,a,32
1594512104,a,32
"""
LONG = """\
ts,device,temp,humidity
1594512094,a,20,
1594512094,a,,50
1594512094,a,21,
1594512094,b,,50
1594512094,a,20,50
"""


def windows(out: Path) -> list[tuple[str, str, int, float]]:
    """The last pane of each window: device, metric, count and mean."""
    rows = oracle.truth(oracle.read_output(out, "aggregates")).to_dict("records")
    return [(row["device"], row["metric"], row["count"], row["mean"]) for row in rows]


def archived(out: Path) -> list[tuple[int, str, float]]:
    rows = oracle.read_output(out, "readings").to_dict("records")
    return sorted((row["event_time"] // 1_000_000 - START, row["device"], row["temp"]) for row in rows)


def test_readings_that_a_device_sends_twice_count_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.csv").write_text(STORED_AND_FORWARDED)
    out = tmp_path / "out"
    summary = run_job("--input", tmp_path / "a.csv", "--output", out, "--archive", "--dedup-readings", "1h")
    assert windows(out) == [("a", "temp", 2, 26.0)]
    assert archived(out) == [(94, "a", 20.0), (104, "a", 32.0)]
    assert len(oracle.read_output(out, "anomalies")) == 1
    told = ("rows_decoded", "rows_duplicate", "duplicates", "rows_archived", "rows_aggregated", "messages")
    assert [summary[name] for name in told] == [2, 3, 0, 2, 2, 1]
    assert "rows removed as duplicates 3" in [" ".join(line.split()) for line in capsys.readouterr().err.splitlines()]
    assert telemetry(["reconcile", "--output", str(out)]) == 0
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert "total – 2 0 3 0 2" in lines
    run_job("--input", tmp_path / "a.csv", "--output", tmp_path / "plain")
    assert windows(tmp_path / "plain") == [("a", "temp", 5, 24.8)]


def test_readings_of_a_long_table_are_no_repeats_and_the_first_value_stays(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(LONG)
    summary = run_job("--input", tmp_path / "a.csv", "--output", tmp_path / "out", "--dedup-readings", "1h")
    assert windows(tmp_path / "out") == [("a", "humidity", 2, 50.0), ("a", "temp", 2, 20.0), ("b", "humidity", 1, 50.0)]
    assert (summary["rows_decoded"], summary["rows_duplicate"]) == (4, 1)


@pytest.mark.parametrize(("order", "temp"), [("ab", 20.0), ("ba", 32.0)])
def test_of_two_values_that_of_the_first_input_stays(order: str, temp: float, tmp_path: Path) -> None:
    for name, value in (("a", 20), ("b", 32)):
        (tmp_path / f"{name}.csv").write_text(f"ts,device,temp\n{START},d,{value}\n")
    inputs = [part for name in order for part in ("--input", tmp_path / f"{name}.csv")]
    run_job(*inputs, "--output", tmp_path / "out", "--dedup-readings", "1h")
    assert windows(tmp_path / "out") == [("d", "temp", 1, temp)]


def fleet(rows: int) -> pd.DataFrame:
    """Readings of which a third come again, some of them with other values, and metrics that are missing at times."""
    frame = pd.DataFrame({"ts": [START + 7.0 * (n - n % 3 // 2 * (n % 50)) for n in range(rows)]})
    frame["device"] = [f"d{n % 2}" for n in range(rows)]
    for place, metric in enumerate(oracle.METRICS):
        frame[metric] = [float("nan") if n % 11 == place else 20 + (n * 7 + place) % 113 / 8 for n in range(rows)]
    return frame


def without_repeats(frame: pd.DataFrame) -> pd.DataFrame:
    keys = [frame.ts, frame.device, *(frame[metric].notna() for metric in oracle.METRICS)]
    return frame[~pd.concat(keys, axis=1).duplicated()]


@pytest.mark.parametrize("flags", [(), ("--window", "10m", "--slide", "5m", "--shards", "3")])
def test_any_number_of_processes_writes_the_same(
    flags: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "_RANGE", 50_000)  # so that repeats lie in other portions, too
    frame = fleet(3_000)
    given = write_parts(tmp_path, frame, 3)
    flags = (*flags, "--archive", "--dedup-readings", "1h")
    alone = run_job("--input", given, "--output", tmp_path / "alone", *flags)
    shared = run_job("--input", given, "--output", tmp_path / "shared", "--direct_num_workers", "2", *flags)
    assert counts(shared) == counts(alone)
    assert content(tmp_path / "shared") == content(tmp_path / "alone")
    expected = without_repeats(pd.concat([frame.iloc[part::3] for part in range(3)], ignore_index=True))
    assert 1_000 < len(expected) < 2_700
    assert (alone["rows_decoded"], alone["rows_duplicate"]) == (len(expected), 3_000 - len(expected))
    found = oracle.truth(oracle.read_output(tmp_path / "alone", "aggregates"))
    size, slide = (600, 300) if flags[0] == "--window" else (60, None)
    oracle.assert_same_aggregates(found, oracle.aggregate(expected, size, slide))
    assert imbalances(tmp_path / "alone") == []


def test_another_runner_finds_them_as_well(tmp_path: Path) -> None:
    frame = fleet(300)
    given = write_parts(tmp_path, frame, 3)
    portable = ("--runner=PortableRunner", "--job_endpoint=embed", "--environment_type=LOOPBACK")
    for name, flags in (("local", ()), ("portable", portable)):
        run_job("--input", given, "--output", tmp_path / name, "--dedup-readings", "1h", *flags)
    assert content(tmp_path / "portable") == content(tmp_path / "local")
    expected = without_repeats(pd.concat([frame.iloc[part::3] for part in range(3)], ignore_index=True))
    found = oracle.truth(oracle.read_output(tmp_path / "portable", "aggregates"))
    oracle.assert_same_aggregates(found, oracle.aggregate(expected))


def test_input_that_changes_between_the_two_looks_ends_the_job_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:

    def find_with_a_change(blocks: Any) -> Iterator[Any]:
        found = list(find_repeats(blocks))
        (tmp_path / "a.csv").write_text("ts,device,temp\n" + "1594512094,b,20\n" * 5)
        return iter(found)

    monkeypatch.setattr(repeats_of_files, "find_repeats", find_with_a_change)
    (tmp_path / "a.csv").write_text(STORED_AND_FORWARDED)
    flags = ["--input", str(tmp_path / "a.csv"), "--output", str(tmp_path / "out"), "--dedup-readings", "1h"]
    assert main(flags) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line == "pipeline: error: --input: has changed while --dedup-readings read it for the second time"


def reading(second: float, device: str = "a", temp: float = 20.0) -> bytes:
    return json.dumps({"ts": START + second, "device": device, "temp": temp}).encode()


def test_a_stream_counts_and_accounts_for_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Beside duplicates, dead letters, and readings that are too late: a repeat of those is removed, not late."""
    events, us = Events(), 1_000_000

    def message(number: int, rows: list[bytes], run: str, watermark_s: float | None = None) -> None:
        fields = {"run_id": run, "message_key": f"{run}-{number}", "rows": str(len(rows))}
        told_us = None if watermark_s is None else round((START + watermark_s) * us)
        events.message(Message(b"\n".join(rows), fields, f"{run}{number}", START * us + number, told_us), START * us)

    message(0, [reading(0), reading(1), reading(0), reading(0, temp=31.0), b"no reading"], "one")
    message(0, [reading(0), reading(1), reading(0), reading(0, temp=31.0), b"no reading"], "one")
    message(0, [reading(1), reading(0, "b"), reading(2, temp=31.0)], "two")
    passed_s = 2_000
    events.watermark((START + passed_s) * us)
    message(1, [reading(2, temp=31.0), reading(3), reading(3)], "two", passed_s)
    message(1, [reading(4_000), reading(4_000)], "one", passed_s)
    out = tmp_path / "out"
    run_events(events, "--output", out, "--dedup", "10m", "--dedup-readings", "1h", "--archive")
    kept = [(0, "a", 20.0), (0, "b", 20.0), (1, "a", 20.0), (2, "a", 31.0), (3, "a", 20.0), (4_000, "a", 20.0)]
    assert archived(out) == kept
    assert [(row["ts"], row["reason"]) for row in _letters(out)] == [(None, "not_json"), (START + 3, "too_late")]
    for run, rows in (("one", 12), ("two", 6)):
        (tmp_path / f"{run}.json").write_text(json.dumps({"run_id": run, "rows_published": rows}))
    flags = ["--published", str(tmp_path / "one.json"), "--published", str(tmp_path / "two.json")]
    assert telemetry(["reconcile", "--output", str(out), *flags]) == 0
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert lines[2:6] == [
        "run published decoded rejected duplicates too late aggregated",
        "one 12 3 1 8 0 3",
        "two 6 3 0 3 1 2",
        "total 18 6 1 11 1 5",
    ]
    assert lines[-1] == "ledger check passed: every row is accounted for"


def _letters(out: Path) -> list[dict[str, Any]]:
    rows = oracle.read_output(out, "dead_letters").to_dict("records")
    found = [
        {"reason": row["reason"], "ts": None if row["reason"] == "not_json" else row["event_time"] // 1_000_000}
        for row in rows
    ]
    return sorted(found, key=lambda row: str(row["reason"]))


@pytest.fixture
def server(embedded_broker: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[PubSub]:
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", embedded_broker)
    with clients(embedded_broker) as pubsub:
        yield pubsub


@pytest.mark.xdist_group("emulator")
def test_a_stream_that_is_started_again_remembers(server: PubSub, tmp_path: Path) -> None:
    topic = server.new_topic()
    subscription = server.new_subscription(topic)
    out = tmp_path / "out"

    def run(rows: Sequence[bytes], *flags: str) -> tuple[int, int]:
        server.publish(topic, b"\n".join(rows))
        summary = run_job("--subscription", subscription, "--output", out, "--stop-after-idle", "1s", *flags)
        return summary["rows_decoded"], summary["rows_duplicate"]

    flags = ("--dedup-readings", "1h", "--archive")
    assert run([reading(0), reading(1), reading(1)], *flags) == (2, 1)
    assert run([reading(1), reading(0, temp=35.0), reading(2, temp=31.0)], *flags) == (1, 2)
    assert run([reading(0), reading(1), reading(2)], *flags, "--drain") == (0, 3)
    assert [count for *_, count, _ in windows(out)] == [3]
    assert archived(out) == [(0, "a", 20.0), (1, "a", 20.0), (2, "a", 31.0)]
    assert imbalances(out) == []


@pytest.mark.xdist_group("emulator")
def test_a_state_belongs_to_a_job_that_removes_repeats_or_to_one_that_does_not(
    server: PubSub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    topic = server.new_topic()
    subscription = server.new_subscription(topic)
    flags = ["--subscription", subscription, "--output", str(tmp_path / "out"), "--stop-after-idle", "1s"]
    server.publish(topic, reading(0))
    assert main([*flags, "--dedup-readings", "1h"]) == 0
    server.publish(topic, reading(1))
    assert main([*flags, "--dedup-readings", "2h"]) == 0, "the duration may change"
    capsys.readouterr()
    assert main(flags) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(
        f"pipeline: error: --dedup-readings: the state in {tmp_path}/out/.state belongs to a job with on;"
    )
