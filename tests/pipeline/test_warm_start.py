"""A stream that begins with archived readings goes on as if it had read them itself."""

import json
import logging
import random
import shutil
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from apache_beam.options.pipeline_options import PipelineOptions

from pipeline import warm_start
from pipeline.__main__ import main
from pipeline.local.state.records import Ticked
from pipeline.local.stream import open_state
from pipeline.warm_start import warm_states
from telemetry.rules.parse import parse_rules
from tests.support.incident_oracle import Sample
from tests.support.incidents import SECOND, START, plain, stored_incidents
from tests.support.jobs import config_of, run_job
from tests.support.mixed_rules import told_by_oracle
from tests.support.pubsub_fixtures import PubSub, clients, embedded_broker
from transforms.incidents.incident_id import incident_id
from transforms.incidents.warm_states import read_warm_state
from transforms.shuffle.shards import shard_of

__all__ = ["embedded_broker"]
pytestmark = pytest.mark.xdist_group("emulator")
RULES = """
version: 2
roster: [d0, absent]
incidents: {reopen: 1m, update_every: 2m}
rules:
- {id: hot, metric: temp, above: 30, clear: 29, for: 40s, keep: 60s}
- {id: still, metric: temp, stuck: {for: 60s}}
- {id: silent, silence: {for: 3m, grace: 20m}}
- {id: irregular, metric: temp, silence: {intervals: 5}}
- {id: middle, metric: temp, window: {statistic: median, length: 4m}, above: 29, clear: 28.5}
- {id: apart, metric: temp, unusual: {kind: level, learn: 3m, half_life: 3m, sensitivity: 1, clear: 0.2}}
"""
PARSED = parse_rules(RULES)
SHARDS = 3
FOLDER = "a folder that is not there"


def devices() -> list[str]:
    """Return four devices that share no shard with the one that is gone."""
    names = (f"d{number}" for number in range(100))
    return [name for name in names if shard_of(name, SHARDS) != shard_of("gone", SHARDS)][:4]


@cache
def halves() -> tuple[list[Sample], list[Sample]]:
    """Return two quarters of an hour; a device sends in the first only, and is hot at its end."""
    draw = random.Random(5)
    level = dict.fromkeys([*devices(), "gone"], 29.5)
    found: tuple[list[Sample], list[Sample]] = ([], [])
    for moment in range(START, START + 1_800 * SECOND, 4 * SECOND):
        second = (moment - START) // SECOND
        device = draw.choice([*level] if second < 900 else devices())
        if draw.random() < 0.6 and second // 120 % 4:
            level[device] = min(max(level[device] + draw.choice([-1.0, -0.5, 0.5, 1.0]), 27.0), 32.0)
        if device == "gone" and second > 600:
            level[device] = 31.0 + second % 2
        found[second >= 900].append(Sample(device, moment, {"temp": level[device]}))
    return found


@cache
def expected() -> list[dict[str, Any]]:
    """Return what the oracle says of both halves, of the time after the first."""
    first, second = halves()
    assert PARSED.roster is not None
    told = told_by_oracle(PARSED, [*first, *second], PARSED.roster.devices)
    return in_order(one for one in plain(told) if one["event_time"] > first[-1].time)


def in_order(told: Any) -> list[dict[str, Any]]:
    return sorted(told, key=lambda one: (one["rule_id"], one["device"], one["opened_at"], one["sequence"]))


def lines(samples: Sequence[Sample]) -> bytes:
    rows = ({"ts": one.time / SECOND, "device": one.device, **one.values} for one in samples)
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def assert_expected(out: Path) -> None:
    found = stored_incidents(out)
    assert in_order(plain(found)) == expected()
    for one in found:
        metric = next(rule.metric for rule in PARSED.rules if rule.id == one["rule_id"])
        assert one["incident_id"] == incident_id(one["rule_id"], one["device"], metric, one["opened_at"])


@pytest.fixture
def past(tmp_path: Path) -> Path:
    """The first half as a file."""
    path = tmp_path / "past-1.jsonl"
    path.write_bytes(lines(halves()[0]))
    (tmp_path / "rules.yaml").write_text(RULES)
    return path


@pytest.fixture
def server(embedded_broker: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[PubSub]:
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", embedded_broker)
    with clients(embedded_broker) as pubsub:
        yield pubsub


def flags_of(tmp_path: Path, *flags: object) -> list[object]:
    own = ["--output", tmp_path / "out", "--rules", tmp_path / "rules.yaml", "--shards", SHARDS]
    return [*own, "--watermark-lag", "60s", "--stop-after-idle", "300ms", *flags]


def publish(server: PubSub, topic: str, samples: Sequence[Sample]) -> None:
    for start in range(0, len(samples), 30):
        server.publish(topic, lines(samples[start : start + 30]), key="k")


def test_the_example_goes_on_with_incidents_of_every_rule() -> None:
    went_on = {one["rule_id"] for one in expected() if one["opened_at"] <= halves()[0][-1].time}
    assert went_on == {rule.id for rule in PARSED.rules}
    assert any(one["sequence"] > 1 and one["state"] == "closed" for one in expected())
    assert {one["state"] for one in expected() if one["device"] == "gone"} >= {"opened", "updated"}
    assert {one["rule_id"] for one in expected() if one["device"] == "absent"} == {"silent"}


@pytest.mark.parametrize("kind", ["output", "glob"])
def test_a_warm_stream_tells_what_a_stream_of_everything_tells(
    kind: str, past: Path, server: PubSub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Readings of the archive that come again are too late. The archive is judged in slices of some readings."""
    monkeypatch.setattr(warm_start.judge_past, "__defaults__", (50,))
    known: object = tmp_path / "past-*.jsonl"
    if kind == "output":
        known = tmp_path / "archive"
        run_job("--input", past, "--output", known, "--archive", "--metrics", "temp")
    topic = server.new_topic()
    subscription = server.new_subscription(topic, enable_message_ordering=True)
    first, second = halves()
    again = [Sample(one.device, one.time, {"temp": 10.0}) for one in first[-15:]]
    publish(server, topic, [*again, *second])
    kept = ["--state", "none"] if kind == "output" else []
    flags = flags_of(tmp_path, "--metrics", "temp", "--drain", "--warm-start", known, *kept)
    summary = run_job("--subscription", subscription, *flags)
    assert_expected(tmp_path / "out")
    assert summary["late_for_rules"] == 15


@pytest.mark.parametrize("end", ["stopped", "killed"])
def test_a_warm_stream_that_starts_again_goes_on(
    end: str, past: Path, server: PubSub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a snapshot the state is what a process leaves behind that is killed before the first one."""
    topic = server.new_topic()
    subscription = server.new_subscription(topic, enable_message_ordering=True)
    _, second = halves()
    publish(server, topic, second[:60])
    state = tmp_path / "out" / ".state"
    run_job("--subscription", subscription, *flags_of(tmp_path, "--warm-start", past))
    if end == "killed":
        snapshots = list(state.glob("snapshot-*"))
        assert snapshots
        for snapshot in snapshots:
            snapshot.unlink()
    publish(server, topic, second[60:])
    capsys.readouterr()
    run_job("--subscription", subscription, *flags_of(tmp_path, "--drain", "--warm-start", FOLDER))
    assert_expected(tmp_path / "out")
    (line,) = [text for text in capsys.readouterr().err.splitlines() if "--warm-start" in text]
    assert line.endswith(f"--warm-start {FOLDER}: not read, the state in {state} goes on")
    assert not state.exists()


def test_a_start_that_was_killed_before_the_stream_began_reads_the_readings_again(past: Path, tmp_path: Path) -> None:
    flags = flags_of(tmp_path, "--subscription", "projects/p/subscriptions/none", "--warm-start")
    config = config_of(*flags, past)
    with open_state(config) as state:
        assert state is not None
        before = state.description.job_id
    with open_state(config) as state, warm_states(config, PipelineOptions(), "j", state) as folder:
        assert state is not None
        assert (state.description.job_id, folder) == (before, str(state.warm))
        assert read_warm_state(folder, 0).watermark_us == halves()[0][-1].time + 1
    shutil.rmtree(state.path / "warm")
    with open_state(config) as state, warm_states(config, PipelineOptions(), "j", state) as folder:
        assert not Path(folder).exists()  # complete once: it is not written again


def test_a_stream_that_began_without_readings_goes_on_without(past: Path, tmp_path: Path) -> None:
    flags = flags_of(tmp_path, "--subscription", "projects/p/subscriptions/none")
    with open_state(config_of(*flags)) as state:
        assert state is not None
        state.journal.append(Ticked(0, None))
    config = config_of(*flags, "--warm-start", past)
    with open_state(config) as state, warm_states(config, PipelineOptions(), "j", state) as folder:
        assert folder == ""


def test_a_warm_stream_that_receives_nothing_tells_nothing(past: Path, server: PubSub, tmp_path: Path) -> None:
    subscription = server.new_subscription(server.new_topic())
    flags = flags_of(tmp_path, "--drain", "--warm-start", past)
    run_job("--subscription", subscription, *flags)
    assert stored_incidents(tmp_path / "out") == []


def test_readings_ahead_of_the_clock_and_bad_rows_are_left_out(
    past: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Else the rules would have judged a time to which the stream never comes. A shard without a reading waits too."""
    known = [one for one in halves()[0] if one.device == "gone"]
    past.write_bytes(lines([*known, Sample("gone", 4_000_000_000 * SECOND, {"temp": 31.0})]) + b"no\n")
    flags = flags_of(tmp_path, "--subscription", "projects/p/subscriptions/none", "--state", "none")
    config = config_of(*flags, "--warm-start", past)
    with (
        caplog.at_level(logging.WARNING, "pipeline.rules"),
        warm_states(config, PipelineOptions(), "j", None) as folder,
    ):
        states = [read_warm_state(folder, shard) for shard in range(SHARDS)]
    assert {(one.start_us, one.watermark_us) for one in states} == {(known[0].time, known[-1].time + 1)}
    assert caplog.messages == [
        f"--warm-start {past}: 1 readings are ahead of the clock and left out",
        f"--warm-start {past}: rows that cannot be used are left out: 1 not_json",
    ]
    assert not Path(folder).exists()


def test_a_remote_job_finds_the_states_in_its_temp_location(
    past: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    flags = flags_of(tmp_path, "--subscription", "projects/p/subscriptions/none", "--warm-start", past)
    remote = ["--runner", "DataflowRunner", "--temp_location", str(tmp_path / "temp")]
    with warm_states(config_of(*flags), PipelineOptions(remote), "a-job", None) as folder:
        assert folder.startswith(str(tmp_path / "temp" / "warm-start-a-job-"))
        known = [name for shard in range(SHARDS) for name in read_warm_state(folder, shard).devices]
    assert sorted(known) == sorted({*devices(), "gone", "d0", "absent"})
    caplog.clear()
    with warm_states(config_of(*flags), PipelineOptions([*remote, "--update"]), "a-job", None) as folder:
        assert folder == ""
    assert caplog.messages == [f"--warm-start {past}: not read, the state of the job that is updated goes on"]


@pytest.mark.parametrize(
    ("readings", "problem"),
    [
        ("nowhere", "no .parquet file of an archive in it"),
        ("nowhere-*.csv", "no such file"),
        ("torn.parquet", "not a file of readings of the job: "),
        ("other.csv", "no columns ts and device, it has: a, b"),
        ("useless.jsonl", "holds no usable reading (1 missing_field, 2 not_json)"),
    ],
)
def test_readings_that_cannot_be_used_are_refused_in_one_line(
    readings: str, problem: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is left behind that a further start would find."""
    (tmp_path / "torn.parquet").write_bytes(b"PAR1")
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    (tmp_path / "useless.jsonl").write_text('no\n{"device": "a"}\nno\n')
    out = tmp_path / "out"
    flags = ["--subscription", "projects/p/subscriptions/none", "--output", out, "--warm-start", tmp_path / readings]
    assert main([str(flag) for flag in flags]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"pipeline: error: --warm-start {tmp_path / readings}: ")
    assert problem in line
    assert [path for path in out.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize(
    ("flags", "problem"),
    [
        (["--input", "x.csv"], "needs --subscription or --topic: files are judged from their beginning"),
        (
            ["--subscription", "projects/p/subscriptions/none", "--runner", "DataflowRunner", "--project", "p"],
            "needs --temp_location, where workers read what the rules remember",
        ),
    ],
)
def test_jobs_that_cannot_begin_with_readings_are_refused(
    flags: list[str], problem: str, past: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*flags, "--output", str(tmp_path / "out"), "--warm-start", str(past)]) == 2
    assert capsys.readouterr().err.splitlines() == [f"pipeline: error: --warm-start {past}: {problem}"]
