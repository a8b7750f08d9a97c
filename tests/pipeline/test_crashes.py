"""Local streams that are killed, stopped and started again: the results are those of a run that nobody disturbed."""

import contextlib
import datetime as dt
import json
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from benchmarks.torture.tcp_proxy import faulty_network
from pipeline.__main__ import main
from telemetry.cli.main import main as telemetry
from tests.support import oracle
from tests.support.jobs import imbalances
from tests.support.pubsub_fixtures import PubSub, clients, embedded_broker

__all__ = ["embedded_broker"]
pytestmark = pytest.mark.xdist_group("emulator")
NOON = 1_594_512_000
"""Seconds: the time of the first reading, at the beginning of an hour."""
RULES = """
version: 2
rules:
- {id: hot, metric: temp, above: 30, clear: 29, for: 2s, keep: 2s}
- {id: often, metric: temp, window: {statistic: mean, length: 1m}, above: 29.4}
- {id: silent, silence: {for: 3s}}
"""
"""Rules that remember something of a message when the next one comes, and rest between two of them."""
OWN = ["pane_index", "timing", "job_id"]
"""Columns that may differ between two runs: how often a window was reported, and by whom."""


@pytest.fixture
def server(embedded_broker: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[PubSub]:
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", embedded_broker)
    with clients(embedded_broker) as pubsub:
        yield pubsub


def publish(server: PubSub, topic: str, numbers: Sequence[int], keys: Sequence[str] = ("k",)) -> None:
    """Publish messages of ten readings each, some with a bad line; each tenth message is sent twice."""
    for number in numbers:
        key = keys[number % len(keys)]
        rows = [
            json.dumps(
                {"ts": NOON + 12 * number + row, "device": f"d{number % len(keys)}-{row % 2}", "temp": 25.0 + row}
            )
            for row in range(10)
        ]
        lines = [*rows, f"broken {number}"] if number % 50 == 0 else rows
        for _ in range(2 if number % 10 == 0 else 1):
            server.publish(topic, "\n".join(lines).encode(), key=key, attributes={"message_key": f"key-{number}"})


def release(server: PubSub, subscription: str) -> None:
    """Return what a killed process had pulled and not acknowledged, as the end of its leases would."""
    server.subscriber.seek(request={"subscription": subscription, "time": dt.datetime(2000, 1, 1, tzinfo=dt.UTC)})


def flags_of(subscription: str, out: Path, *flags: str) -> list[str]:
    return ["--subscription", subscription, "--output", str(out), *flags]


def run(subscription: str, out: Path, *flags: str, idle: str = "1s") -> dict[str, Any]:
    """Run the job in this process until it is idle; returns its summary."""
    summary = out.parent / f"{out.name}.summary.json"
    assert main(flags_of(subscription, out, "--stop-after-idle", idle, "--summary", str(summary), *flags)) == 0
    content: dict[str, Any] = json.loads(summary.read_text())
    return content


@contextlib.contextmanager
def job(subscription: str, out: Path, *flags: str, program: Sequence[str] = ("-m", "pipeline")) -> Iterator[Any]:
    """Run the job in a process of its own until the block ends."""
    command = [sys.executable, *program, *flags_of(subscription, out, *flags)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


def wait_until(condition: Callable[[], bool], process: "subprocess.Popen[str]") -> None:
    while not condition():
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)


def journaled(out: Path) -> int:
    """Return the bytes of the journal, with those that snapshots have made superfluous."""
    total = 0
    for path in (out / ".state").glob("journal-*"):
        with contextlib.suppress(FileNotFoundError):
            total += path.stat().st_size
    return total + 10_000 * len(list((out / ".state").glob("snapshot-*")))


def has_journaled(out: Path, size: int) -> bool:
    return journaled(out) >= size


def results(out: Path, *more: str) -> dict[str, list[list[Any]]]:
    """Return all that a reader sees, sorted: the last pane of each window, and every other record.

    Incidents (`more`) depend on the order in which messages come, as a rule leaves out what comes late.
    """
    found = {}
    for kind in ("aggregates", "anomalies", "readings", "dead_letters", *more):
        frame = oracle.read_output(out, kind)
        if kind == "aggregates":
            frame = oracle.truth(frame)
        rows = frame.drop(columns=OWN, errors="ignore").sort_index(axis=1)
        found[kind] = sorted(rows.astype(str).to_numpy().tolist())
    return found


def distinct(rows: list[list[Any]]) -> list[list[Any]]:
    return [list(row) for row in sorted(set(map(tuple, rows)))]


@pytest.mark.parametrize(
    ("is_ordered", "keys", "flags"),
    [
        (True, ["k"], ["--dedup", "10m", "--early-firing", "1s"]),
        (False, [""], ["--archive", "--file-format", "parquet", "--window", "1m", "--slide", "30s"]),
        (True, ["a", "b", "c"], ["--archive", "--flush-interval", "100ms", "--shards", "3"]),
        (True, ["k"], ["--dedup-readings", "10m", "--archive", "--shards", "2"]),
    ],
    ids=["ordered", "unordered", "ordered by device", "repeats"],
)
def test_a_job_that_is_killed_gives_what_an_undisturbed_one_gives(
    is_ordered: bool, keys: list[str], flags: list[str], server: PubSub, tmp_path: Path
) -> None:
    topic = server.new_topic()
    fields = {"enable_message_ordering": is_ordered, "ack_deadline_seconds": 10}
    killed, plain = (server.new_subscription(topic, **fields) for _ in range(2))
    out = tmp_path / "killed"
    more = ["incidents"] if is_ordered and len(keys) == 1 else []
    (tmp_path / "rules.yaml").write_text(RULES)
    flags = [*flags, "--rules", str(tmp_path / "rules.yaml")]
    for part in (range(300), range(300, 400))[: 2 if more else 1]:
        publish(server, topic, part, keys)
        least = journaled(out) + 1_000
        with job(killed, out, *flags) as process:
            wait_until(partial(has_journaled, out, least), process)
            process.send_signal(signal.SIGKILL)
            assert process.wait() == -signal.SIGKILL
        release(server, killed)
    publish(server, topic, range(400, 420), keys)
    summary = run(killed, out, *flags)
    assert any("read again from the journal" in note for note in summary["notes"])
    run(plain, tmp_path / "plain", *flags)
    found, expected = results(out, *more), results(tmp_path / "plain", *more)
    assert {kind: len(rows) for kind, rows in found.items()} == {kind: len(rows) for kind, rows in expected.items()}
    assert found == expected
    assert len(expected["dead_letters"]) >= 6
    assert all(len(expected[kind]) > 2_000 for kind in more)
    assert imbalances(out) == []
    assert telemetry(["reconcile", "--output", str(out)]) == 0


def test_a_job_that_is_stopped_keeps_its_windows_and_a_drained_one_reports_them(
    server: PubSub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    topic = server.new_topic()
    first, plain = server.new_subscription(topic), server.new_subscription(topic)
    out = tmp_path / "out"
    publish(server, topic, range(3), [""])  # within a minute
    with job(first, out) as process:
        wait_until(lambda: bool(oracle.read_output(out, "anomalies").size), process)
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "open windows are kept" in err
    assert results(out)["aggregates"] == []
    publish(server, topic, range(3, 6), [""])
    for flag, value, known in (("--window", "5m", "1m"), ("--window-zone", "Europe/Rome", "nothing")):
        changed = flags_of(first, out, flag, value, "--stop-after-idle", "1s")
        capsys.readouterr()
        assert main(changed) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert line == (
            f"pipeline: error: {flag} {value}: the state in {out}/.state belongs to a job with {known}; end that job "
            "with its own flags and --drain, or name another folder with --state"
        )
    summary = run(first, out, "--drain")
    assert not any("next start" in note for note in summary["notes"])
    assert not (out / ".state").exists()
    run(plain, tmp_path / "plain")
    assert results(out) == results(tmp_path / "plain")
    assert set(oracle.read_output(out, "aggregates").pane_index) == {0}, "no window was reported before"
    assert imbalances(out) == []


def test_idle_windows_are_reported_and_go_on(server: PubSub, tmp_path: Path) -> None:
    """A stream that ended by idleness may take more readings into the same windows."""
    topic = server.new_topic()
    first, plain = server.new_subscription(topic), server.new_subscription(topic)
    for part in (range(2), range(2, 5), range(5, 7)):
        publish(server, topic, part, [""])
        run(first, tmp_path / "out", "--archive")
    run(plain, tmp_path / "plain", "--archive")
    assert results(tmp_path / "out") == results(tmp_path / "plain")
    assert oracle.read_output(tmp_path / "out", "aggregates").pane_index.max() == 1
    assert imbalances(tmp_path / "out") == []


def limited(size: int) -> None:
    """Let this process write no file of more than this size, as a full disk would."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


FULL = "import sys; from tests.pipeline.test_crashes import limited, main; limited(2000); sys.exit(main(sys.argv[1:]))"


def test_a_state_that_cannot_be_written_acknowledges_nothing_more(server: PubSub, tmp_path: Path) -> None:
    topic = server.new_topic()
    first, plain = server.new_subscription(topic), server.new_subscription(topic)
    publish(server, topic, range(100), [""])
    out = tmp_path / "out"
    with job(first, out, program=("-c", FULL)) as process:
        printed, err = process.communicate(timeout=60)
    assert (process.returncode, printed) == (1, "")
    (line,) = err.splitlines()
    assert line.startswith("pipeline: error: ")
    assert line.endswith(f"--state {out}/.state: cannot be written: File too large")
    run(first, out, idle="1s")
    run(plain, tmp_path / "plain")
    assert results(out) == results(tmp_path / "plain")
    assert imbalances(out) == []


BROKEN = """
import sys
import pipeline.sources.intake as source
from pipeline.__main__ import main
calls, times = [], source.pull_times
def broken(*args):
    calls.append(args)
    if len(calls) == 2:
        raise MemoryError("too large for this machine")
    return times(*args)
source.pull_times = broken
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize("state", ["none", ""])
def test_an_error_in_the_source_ends_the_job_and_loses_nothing(state: str, server: PubSub, tmp_path: Path) -> None:
    topic = server.new_topic()
    first, plain = server.new_subscription(topic), server.new_subscription(topic)
    publish(server, topic, range(100), [""])
    publish(server, topic, range(100, 1_100), [""])
    out = tmp_path / "out"
    with job(first, out, "--state", state, "--allowed-lateness", "1d", program=("-c", BROKEN)) as process:
        _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert err.splitlines() == [
        f"pipeline: error: --subscription {first}: the source failed: too large for this machine"
    ]
    again = ["--state", state, "--allowed-lateness", "1d"]  # what is given back may come in another order
    run(first, out, *again, "--append")  # without a state it is another job
    run(plain, tmp_path / "plain", *again)
    found, expected = results(out), results(tmp_path / "plain")
    if state:  # without it, what was done before the error may be done again: windows then count it twice
        found, expected = (
            {kind: distinct(rows) for kind, rows in one.items() if kind != "aggregates"} for one in (found, expected)
        )
    assert found == expected


IMPATIENT = """
import sys
from pipeline.__main__ import main
from pipeline.sources import subscriber
subscriber._ANSWER_SECONDS = 1.0
sys.exit(main(sys.argv[1:]))
"""


def test_a_stream_whose_service_is_silent_does_not_end_as_idle(
    server: PubSub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic = server.new_topic()
    subscription = server.new_subscription(topic)
    publish(server, topic, range(3), [""])
    out = tmp_path / "out"
    with faulty_network(server.address) as network:
        monkeypatch.setenv("PUBSUB_EMULATOR_HOST", network.address)
        with job(subscription, out, "--stop-after-idle", "3s", program=("-c", IMPATIENT)) as process:
            wait_until(lambda: bool(oracle.read_output(out, "anomalies").size), process)
            network.stall()
            _, err = process.communicate(timeout=120)
    assert process.returncode == 1
    (line,) = err.splitlines()
    assert line.startswith(f"pipeline: error: --subscription {subscription}: Pub/Sub does not answer: ")


def test_a_job_without_state_says_what_a_crash_would_lose(
    server: PubSub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    topic = server.new_topic()
    subscription = server.new_subscription(topic)
    publish(server, topic, range(3), [""])
    notes = run(subscription, tmp_path / "out", "--state", "none")["notes"]
    (note,) = [note for note in notes if note.startswith("state none")]
    lost = "the readings of open windows, and readings and ledger entries of the last minute"
    assert note == f"state none: a crash would lose {lost}"
    assert note in capsys.readouterr().err
    assert not (tmp_path / "out" / ".state").exists()


BROKEN_SNAPSHOT = """
import sys
import pipeline.local.state.keeper as keeper
import pipeline.local.state.state_folder as folder
from pipeline.__main__ import main
def broken(*args):
    raise MemoryError("too large for this machine")
folder.write_snapshot = broken
keeper._RECORDS = 1
sys.exit(main(sys.argv[1:]))
"""


def test_an_unexpected_error_of_a_snapshot_ends_the_job_in_one_line(server: PubSub, tmp_path: Path) -> None:
    topic = server.new_topic()
    subscription = server.new_subscription(topic)
    publish(server, topic, range(100), [""])
    out = tmp_path / "out"
    with job(subscription, out, program=("-c", BROKEN_SNAPSHOT)) as process:
        _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert err.splitlines() == [
        f"pipeline: error: --subscription {subscription}: --state {out}/.state: the snapshot failed: "
        "MemoryError: too large for this machine"
    ]
