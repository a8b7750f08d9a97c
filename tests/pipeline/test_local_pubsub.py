"""The local source: what is published is what is processed, acknowledged only then, and stopped in order."""

import json
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from google.api_core import exceptions
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from pipeline.__main__ import main
from publisher.__main__ import main as publish
from telemetry.storage.files import StorageError
from tests.support import needs, oracle
from tests.support.jobs import EARLY, check, cut, ndjson, records
from tests.support.pubsub_fixtures import PubSub, clients, embedded_broker, official_emulator, pubsub
from tests.support.readings import readings

__all__ = ["embedded_broker", "official_emulator", "pubsub"]
pytestmark = pytest.mark.xdist_group("emulator")


@pytest.fixture
def server(pubsub: PubSub, monkeypatch: pytest.MonkeyPatch) -> PubSub:
    """Each server in turn, and the programs told of it."""
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", pubsub.address)
    return pubsub


@pytest.fixture
def embedded(embedded_broker: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[PubSub]:
    """The embedded broker, where a second server would prove nothing more."""
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", embedded_broker)
    with clients(embedded_broker) as pubsub:
        yield pubsub


def replay(path: Path, server: PubSub, *flags: object) -> str:
    """Publish a file; returns a subscription that has all of it."""
    topic, subscription = server.new_name("topics"), server.new_name("subscriptions")
    target = ["--topic", topic, "--create", "--subscription", subscription, "--speed", "max"]
    assert publish(["replay", str(path), *target, *map(str, flags)]) == 0
    return subscription


def run(subscription: str, out: Path, *flags: object, idle: str = "1s") -> dict[str, Any]:
    """Run the job until it is idle; returns its summary."""
    summary = out.parent / f"{out.name}.summary.json"
    args = ["--subscription", subscription, "--output", str(out), "--summary", str(summary), "--stop-after-idle", idle]
    assert main([*EARLY, *args, *map(str, flags)]) == 0
    content: dict[str, Any] = json.loads(summary.read_text())
    return content


@pytest.mark.parametrize(
    ("pubsub", "flags"),
    [
        pytest.param("embedded_broker", ["--rows-per-message", 100, "--gzip"]),
        pytest.param("official_emulator", ["--rows-per-message", 500], marks=pytest.mark.official_emulator),
    ],
    indirect=["pubsub"],
)
def test_a_real_day_equals_the_oracle(flags: list[object], server: PubSub, tmp_path: Path) -> None:
    path = needs.data("telemetry_2020-07-13.csv.gz")
    summary = run(replay(path, server, *flags), tmp_path / "out", "--archive")
    assert summary["rows_decoded"] == summary["rows_aggregated"] == summary["rows_archived"] == 50_270
    archived = pd.concat(map(pd.read_parquet, (tmp_path / "out" / "readings").rglob("*.parquet")))
    assert sorted(archived.temp) == sorted(pd.read_csv(path, float_precision="round_trip").temp)
    assert summary["dead_letters"] == {}
    aggregates = oracle.read_output(tmp_path / "out", "aggregates")
    assert set(aggregates.timing) == {"on_time"}, "nothing that was on time in the file is late"
    check(tmp_path / "out", pd.read_csv(path, float_precision="round_trip"))


def test_one_row_a_message_equals_the_oracle(server: PubSub, tmp_path: Path) -> None:
    path = needs.data("telemetry_first_10000.csv")
    summary = run(replay(path, server, "--limit", 2_000), tmp_path / "out")
    assert (summary["messages"], summary["rows_decoded"], summary["dead_letters"]) == (2_000, 2_000, {})
    check(tmp_path / "out", pd.read_csv(path, float_precision="round_trip").head(2_000))


@settings(
    max_examples=6,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(data=st.data(), frame=readings(), file_format=st.sampled_from(["jsonl", "parquet"]))
def test_any_messages_equal_the_oracle(
    data: st.DataObject, frame: pd.DataFrame, file_format: str, embedded: PubSub, tmp_path: Path
) -> None:
    """Messages without any attribute, as a device would send them; any order, for the lateness covers it all."""
    order = data.draw(st.permutations(range(len(frame))))
    topic = embedded.new_topic()
    subscription = embedded.new_subscription(topic)
    for part in cut(records(frame.iloc[list(order)]), data.draw(st.lists(st.integers(1, 40), max_size=8))):
        embedded.publish(topic, ndjson(part))
    out = Path(tempfile.mkdtemp(dir=tmp_path)) / "out"
    summary = run(subscription, out, "--allowed-lateness", "3h", "--file-format", file_format, idle="500ms")
    assert (summary["rows_decoded"], summary["dead_letters"]) == (len(frame), {})
    check(out, frame)


def test_bad_messages_are_dead_letters_and_the_good_go_on(server: PubSub, tmp_path: Path) -> None:
    topic = server.new_topic()
    subscription = server.new_subscription(topic)
    server.publish(topic, b"nonsense", b'{"ts":60,"device":"a","temp":31}\n{"ts":61}\n{"ts":62,"device":"a","temp":32}')
    server.publish(topic, b"\x1f\x8b broken", attributes={"content-encoding": "gzip", "from": "a device"})
    summary = run(subscription, tmp_path / "out")
    assert summary["rows_decoded"] == 2
    assert summary["dead_letters"] == {"bad_encoding": 1, "missing_field": 1, "not_json": 1}
    letters = oracle.read_output(tmp_path / "out", "dead_letters").set_index("reason")
    assert letters.loc["bad_encoding", "attributes"] == '{"content-encoding":"gzip","from":"a device"}'
    assert letters.loc["missing_field", "line"] == 2
    assert server.pull_now(subscription) == [], "a bad message is done with, too"


ROW = '{"ts":%d,"device":"a","temp":%d.5}'


def spawn(*flags: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "pipeline", *EARLY, *map(str, flags)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_for_file(folder: Path, process: subprocess.Popen[str]) -> None:
    while not list(folder.rglob("*.jsonl")):
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("pubsub", "number"),
    [
        pytest.param("embedded_broker", signal.SIGINT),
        pytest.param("embedded_broker", signal.SIGTERM),
        pytest.param("official_emulator", signal.SIGTERM, marks=pytest.mark.official_emulator),
    ],
    indirect=["pubsub"],
)
def test_a_signal_ends_the_job_in_order(number: signal.Signals, server: PubSub, tmp_path: Path) -> None:
    """Messages taken are done with, open windows are kept, and other messages wait for the next start."""
    topic = server.new_topic()
    subscription = server.new_subscription(topic, enable_message_ordering=True, ack_deadline_seconds=60)
    out = tmp_path / "out"
    # Readings above the threshold, one a minute, so that the first window's file shows that the job is at work.
    server.publish(topic, *[(ROW % (60 * n, 31)).encode() for n in range(500)], key="k")
    with spawn("--subscription", subscription, "--output", out, "--summary", tmp_path / "first.json") as process:
        wait_for_file(out, process)
        process.send_signal(number)
        server.publish(topic, *[(ROW % (60 * n, 31)).encode() for n in range(500, 1_000)], key="k")
        printed, err = process.communicate(timeout=60)
    assert (process.returncode, printed) == (0, "")
    assert err.startswith("rows decoded")
    assert err.splitlines()[-1].startswith(f"open windows are kept; the state in {out}/.state is for the next start")
    done = json.loads((tmp_path / "first.json").read_text())["rows_decoded"]
    assert done >= 1
    windows = oracle.read_output(out, "aggregates")
    assert windows.empty or windows["count"].sum() < done, "the last window is open"
    left = run(subscription, out, idle="2s")
    assert done + left["rows_decoded"] == 1_000
    rows = oracle.read_output(out, "anomalies")
    assert sorted(rows.event_time.tolist()) == [60_000_000 * n for n in range(1_000)], "none lost, none twice"
    windows = oracle.truth(oracle.read_output(out, "aggregates"))
    assert (windows["count"].sum(), len(windows)) == (1_000, 1_000)


def test_a_topic_is_read_through_a_subscription_of_the_jobs_own(server: PubSub, tmp_path: Path) -> None:
    topic = server.new_topic()
    flags = ("--topic", topic, "--output", tmp_path / "out", "--stop-after-idle", "2s", "--print", "readings")
    with spawn(*flags) as process:
        while not (own := list(server.requests.list_topic_subscriptions(topic=topic))):
            assert process.poll() is None, process.communicate()
            time.sleep(0.05)
        server.publish(topic, b'{"ts":60,"device":"a","temp":31.5}')
        out, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    expected = "1970-01-01T00:01:00.000000Z  temp 31.5 °C above 30  device a  (temp-high, critical)\n"
    assert out == expected
    assert list(server.requests.list_topic_subscriptions(topic=topic)) == [], "it is gone with the job"
    with pytest.raises(exceptions.NotFound):
        server.subscriber.get_subscription(subscription=own[0])


def test_a_subscription_or_topic_that_does_not_exist(server: PubSub, tmp_path: Path, capsys: Any) -> None:
    for flag, name in (("--subscription", server.new_name("subscriptions")), ("--topic", server.new_name("topics"))):
        assert main([flag, name, "--output", str(tmp_path / "out")]) == 2
        assert capsys.readouterr() == ("", f"pipeline: error: {flag} {name}: does not exist\n")


@pytest.mark.parametrize("state", ["none", ""])
def test_a_subscription_that_disappears_ends_the_job_with_an_error(
    state: str, embedded: PubSub, tmp_path: Path
) -> None:
    topic, out = embedded.new_topic(), tmp_path / "out"
    subscription = embedded.new_subscription(topic)
    embedded.publish(topic, (ROW % (60, 31)).encode())
    with spawn("--subscription", subscription, "--output", out, "--state", state) as process:
        wait_for_file(out / "anomalies", process)
        embedded.subscriber.delete_subscription(subscription=subscription)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert err.splitlines()[-1].startswith(f"pipeline: error: --subscription {subscription}: 404")
    if not state:
        assert oracle.read_output(out, "aggregates").empty, "the window is open, in the state"
        embedded.subscriber.create_subscription(request={"name": subscription, "topic": topic})
        run(subscription, out)
    assert oracle.read_output(out, "aggregates")["count"].tolist() == [1], "what was taken is written"


@pytest.mark.parametrize("state", ["none", ""])
def test_a_job_that_crashed_loses_nothing(
    state: str, embedded: PubSub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its state holds the messages that it had acknowledged, and the rest is delivered again."""
    path = tmp_path / "rows.csv"
    path.write_text("ts,device,temp\n" + "".join(f"{n},a,31\n" for n in range(100)))
    subscription = replay(path, embedded, "--rows-per-message", 10)

    def defect(*_: object) -> None:
        raise ZeroDivisionError("a defect in the program")

    flags = ["--output", str(tmp_path / "out"), "--state", state, "--stop-after-idle", "5s"]
    with monkeypatch.context() as patch:
        patch.setattr("transforms.decode.decode_messages.decode_once", defect)
        with pytest.raises(ZeroDivisionError):
            main([*EARLY, "--subscription", subscription, *flags])
    assert run(subscription, tmp_path / "out", "--state", state)["rows_decoded"] == 100
    assert len(oracle.read_output(tmp_path / "out", "anomalies")) == 100


@pytest.mark.parametrize("state", ["none", ""])
def test_a_full_disk_ends_the_job_and_says_what_it_means(
    state: str, embedded: PubSub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(path: str, _: bytes) -> None:
        raise StorageError(path, "No space left on device")

    topic = embedded.new_topic()
    subscription = embedded.new_subscription(topic)
    embedded.publish(topic, (ROW % (60, 31)).encode())
    out = str(tmp_path / "out")
    flags = [*EARLY, "--subscription", subscription, "--output", out, "--state", state, "--stop-after-idle", "500ms"]
    with monkeypatch.context() as patch:
        patch.setattr("transforms.outputs.write_files.write_file", full)
        assert main(flags) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"pipeline: error: --output {out}: cannot be written: {out}/")
    assert ".jsonl: No space left on device; " in line
    if state:
        missing = "1 messages acknowledged before may be missing from the results: publish them again, or seek the "
        assert f"; {missing}" in line
        assert line.endswith("Z if it retains what is acknowledged")
    else:
        assert line.endswith(f"; nothing is lost, another start goes on with the state in {out}/.state")
        assert main(flags) == 0
        assert len(oracle.read_output(Path(out), "anomalies")) == 1


def test_a_crashed_job_ends(embedded: PubSub, tmp_path: Path) -> None:
    """No thread of the source keeps the process alive while messages are still waiting."""
    path = tmp_path / "rows.csv"
    path.write_text("ts,device,temp\n" + "".join(f"{n},a,31\n" for n in range(6_000)))
    subscription = replay(path, embedded, "--rows-per-message", 1)
    program = (
        "import sys, transforms.detect.detect_anomalies as steps\n"
        "def defect(*_): raise ZeroDivisionError('a defect in the program')\n"
        "calls, detect = [], steps.detect\n"
        "steps.detect = lambda *args: calls.append(1) or (detect if len(calls) < 2 else defect)(*args)\n"
        "from pipeline.__main__ import main\n"
        f"sys.exit(main([*{EARLY!r}, '--subscription', {subscription!r}, '--output', {str(tmp_path / 'out')!r}]))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("ZeroDivisionError: a defect in the program")
