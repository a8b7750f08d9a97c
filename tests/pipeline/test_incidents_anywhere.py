"""Incidents are those of a plain evaluation wherever the job runs: ids, sequences and all other fields but the job."""

import json
import math
import random
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from pipeline.sources import files
from telemetry.model.messages import Message
from telemetry.rules.parse import parse_rules
from tests.support.incident_oracle import Sample
from tests.support.incidents import SECOND, START, is_apart, plain, rows_of, stored_incidents, told_of_roster
from tests.support.jobs import Events, run_events, run_job
from tests.support.mixed_rules import told_by_oracle
from tests.support.pubsub_fixtures import clients, embedded_broker
from transforms.incidents.incident_id import incident_id
from transforms.shuffle.deadlines import deadlines

__all__ = ["embedded_broker"]
pytestmark = pytest.mark.xdist_group("emulator")
RULES = """
version: 2
roster: [d0, d1, d2, never]
incidents: {reopen: 1m, update_every: 2m, flapping: {opens: 3, within: 5m, calm: 3m}}
rules:
- {id: hot, metric: temp, above: 30, clear: 29, for: 20s, keep: 30s, severity: critical}
- {id: warm, metric: temp, above: 29}
- {id: fast, metric: temp, rate: {above: 8, per: 1m, over: 20s}}
- {id: still, metric: temp, stuck: {for: 40s}}
- {id: silent, silence: {for: 90s, grace: 5m}}
- {id: no-temp, metric: temp, silence: {intervals: 6}}
- {id: middle, metric: temp, window: {statistic: median, length: 2m}, above: 29, clear: 28.5}
- {id: damp, metric: humidity, window: {statistic: max, length: 1m}, above: 80}
- {id: both, all: [{metric: temp, above: 29}, {metric: humidity, above: 70}], within: 30s}
- {id: leap, metric: temp, unusual: {kind: jump, learn: 5m, half_life: 5m, sensitivity: 2.5}, keep: 30s}
- {id: apart, metric: temp, unusual: {kind: level, learn: 10m, half_life: 10m, season: hour, sensitivity: 3}}
- {id: pair, unusual: {kind: together, metrics: [temp, humidity], learn: 10m, half_life: 10m, sensitivity: 1.5}}
"""
PARSED = parse_rules(RULES)
LAG = 60 * SECOND
PORTABLE = ["--runner=PortableRunner", "--job_endpoint=embed", "--environment_type=LOOPBACK"]
"""Beam's own portable runner, whose job server and worker speak the protocols of Dataflow's."""


@cache
def samples() -> list[Sample]:
    """Return an hour of four devices as they are sent: some out of order, some repeated with another value."""
    draw, found = random.Random(18), []
    level = {f"d{number}": 28.0 for number in range(4)}
    moment = START
    while moment < START + 3_600 * SECOND:
        moment += draw.choice([1, 3, 5, 5, 8]) * SECOND
        minute = (moment - START) // (60 * SECOND)
        device = draw.choice([*level][1:] if minute % 40 > 33 else [*level])
        if draw.random() < 0.5 and minute % 25 < 20:
            level[device] = min(max(level[device] + draw.choice([-1.0, -0.5, 0.5, 1.0]), 26.0), 32.0)
        temp = math.nan if draw.random() < 0.05 else level[device]
        time = moment - draw.choice([0, 0, 0, 7, 20]) * SECOND
        found.append(Sample(device, time, {"temp": temp, "humidity": float(draw.choice([50, 65, 75, 85]))}))
        if draw.random() < 0.2:
            earlier = found[-draw.randrange(1, min(4, len(found)) + 1)]
            found.append(Sample(earlier.device, earlier.time, {"temp": draw.choice([20.0, 35.0]), "humidity": 90.0}))
    return found


def told_of(found: list[Sample]) -> list[dict[str, Any]]:
    """Return what the oracle says of readings, in one order."""
    assert PARSED.roster is not None
    last_us = max(one.time for one in found)
    told = told_by_oracle(PARSED, found, PARSED.roster.devices)
    told = [one for one in told if not is_apart(PARSED, one)]
    return sorted(plain([*told, *told_of_roster(PARSED, rows_of(found), last_us)]), key=order)


@cache
def expected() -> list[dict[str, Any]]:
    return told_of(samples())


def order(one: dict[str, Any]) -> tuple[Any, ...]:
    return one["rule_id"], one["device"], one["opened_at"], one["sequence"]


def line_of(one: Sample) -> bytes:
    values = {name: value for name, value in one.values.items() if not math.isnan(value)}
    return json.dumps({"ts": one.time / SECOND, "device": one.device, **values}).encode()


@pytest.fixture
def flags(tmp_path: Path) -> list[object]:
    path = tmp_path / "rules.yaml"
    path.write_text(RULES)
    return ["--rules", path, "--metrics", "temp,humidity", "--output", tmp_path / "out"]


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Two files, which are read in some fifteen portions: repeated readings lie on both sides of many a cut."""
    monkeypatch.setattr(files, "_RANGE", 6_000)
    lines = [line_of(one) for one in samples()]
    for number, part in enumerate((lines[:350], lines[350:])):
        (tmp_path / f"{number}.jsonl").write_bytes(b"\n".join(part) + b"\n")
    return str(tmp_path / "*.jsonl")


def assert_expected(out: Path) -> None:
    found = stored_incidents(out)
    assert sorted(plain(found), key=order) == expected()
    metrics = {rule.id: rule.metric for rule in PARSED.rules}
    for one in found:
        assert one["metric"] == metrics[one["rule_id"]]
        assert one["incident_id"] == incident_id(one["rule_id"], one["device"], one["metric"], one["opened_at"])
        assert one["rules_version"] == PARSED.version


def test_the_example_has_incidents_of_every_rule() -> None:
    assert {one["rule_id"] for one in expected()} == {rule.id for rule in PARSED.rules}
    assert {one["state"] for one in expected()} == {"opened", "updated", "closed"}
    assert {one["device"] for one in expected()} == {"d0", "d1", "d2", "d3", "never"}
    assert any(one["flapping"] for one in expected())
    assert any(one["stale"] for one in expected())


def test_the_example_tells_whether_the_first_of_repeated_readings_counts() -> None:
    latest = {(one.device, one.time): one for one in samples()}
    assert told_of([*latest.values()]) != expected()


@pytest.mark.parametrize(
    "where",
    [
        pytest.param([], id="one process"),
        pytest.param(["--shards", "3"], id="shards"),
        pytest.param(["--shards", "2", "--direct_num_workers", "2"], id="two processes"),
        pytest.param(["--shards", "2", *PORTABLE], id="portable"),
    ],
)
def test_files(where: list[str], source: str, flags: list[object], tmp_path: Path) -> None:
    run_job("--input", source, *flags, *where)
    assert_expected(tmp_path / "out")


def messages(size: int) -> Iterator[list[Sample]]:
    for start in range(0, len(samples()), size):
        yield samples()[start : start + size]


def test_a_stream_that_does_not_tell_its_watermark(flags: list[object], tmp_path: Path) -> None:
    events = Events()
    watermark_us = START - LAG
    for number, part in enumerate(messages(300)):
        payload = b"\n".join(map(line_of, part))
        events.message(Message(payload, {}, f"m{number}", None, None), part[0].time)
        watermark_us = max(watermark_us, max(one.time for one in part) - LAG)
        events.watermark(watermark_us)
    last_us = max(one.time for one in samples())
    with deadlines(lambda: last_us):
        run_events(events, *flags, "--shards", 2, "--flush-interval", "1ms")
    assert_expected(tmp_path / "out")


@pytest.mark.parametrize(("size", "shards"), [(1, 1), (90, 3)])
def test_a_subscription(
    size: int, shards: int, embedded_broker: str, flags: list[object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", embedded_broker)
    with clients(embedded_broker) as server:
        topic = server.new_topic()
        subscription = server.new_subscription(topic, enable_message_ordering=True)
        for part in messages(size):
            server.publish(topic, b"\n".join(map(line_of, part)), key="k")
        end = ["--watermark-lag", "60s", "--drain", "--stop-after-idle", "500ms"]
        run_job("--subscription", subscription, *flags, "--shards", shards, *end)
    assert_expected(tmp_path / "out")
