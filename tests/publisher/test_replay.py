"""`publisher replay` with a real broker: a subscriber receives the rows of the file."""

import gzip
import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import grpc
import pytest

from benchmarks.torture.tcp_proxy import faulty_network
from publisher.__main__ import main
from publisher.broker import Broker
from tests.support.pubsub_fixtures import clients
from tests.support.replays import HEADER, SUBSCRIPTION, TOPIC, Replays, replays

__all__ = ["replays"]

ROWS = [f"{1_594_512_000 + n}.25,{'ab'[n % 2]},2{n % 10}.5,true" for n in range(10)]
LINES = [f'{{"ts":{1_594_512_000 + n}.25,"device":"{"ab"[n % 2]}","temp":2{n % 10}.5,"light":true}}' for n in range(10)]


def test_one_row_a_message(replays: Replays) -> None:
    summary = replays.run(replays.csv(*ROWS))
    messages = replays.received()
    assert [message.data.decode() for message in messages] == LINES
    run_id = summary["run_id"]
    assert dict(messages[3].attributes) == {
        "event_time": "1594512003250",
        "message_key": f"{run_id}-3",
        "rows": "1",
        "run_id": run_id,
    }
    assert {message.ordering_key for message in messages} == {run_id}
    expected = {"rows_published": 10, "messages": 10, "bytes": sum(map(len, LINES)), "failed": 0, "interrupted": False}
    assert {name: summary[name] for name in expected} == expected
    assert summary["first_event_time"] == "2020-07-12T00:00:00.250000Z"
    assert summary["last_event_time"] == "2020-07-12T00:00:09.250000Z"


def test_rows_per_message(replays: Replays) -> None:
    replays.run(replays.csv(*ROWS), "--rows-per-message", 4)
    assert [message.data.decode().split("\n") for message in replays.received()] == [LINES[:4], LINES[4:8], LINES[8:]]


def test_gzip(replays: Replays) -> None:
    replays.run(replays.csv(*ROWS), "--rows-per-message", 4, "--gzip")
    messages = replays.received()
    assert {message.attributes["content-encoding"] for message in messages} == {"gzip"}
    assert b"\n".join(gzip.decompress(message.data) for message in messages).decode().split("\n") == LINES


def test_start_end_limit(replays: Replays) -> None:
    path = replays.csv(*ROWS)
    replays.run(path, "--start", "2020-07-12T00:00:02Z", "--end", 1_594_512_008)
    assert replays.lines() == LINES[2:8]
    replays.run(path, "--start", 1_594_512_002, "--limit", 3)
    assert replays.lines() == LINES[2:5]


def test_rebase_moves_every_event_time_alike(replays: Replays) -> None:
    before_ms = time.time_ns() // 1_000_000
    summary = replays.run(replays.csv(*ROWS), "--event-time", "rebase")
    after_ms = time.time_ns() // 1_000_000
    messages = replays.received()
    assert [message.data.decode() for message in messages] == LINES, "what a sensor said is not touched"
    times = [int(message.attributes["event_time"]) for message in messages]
    assert before_ms - 1 <= times[0] <= after_ms
    assert [moment - times[0] for moment in times] == [1000 * n for n in range(10)]
    (shift,) = {message.attributes["time_shift"] for message in messages}
    assert times[0] == int((1_594_512_000.25 + float(shift)) * 1000)
    assert summary["first_event_time"][:4] == str(time.gmtime().tm_year)


def test_a_loop_goes_on_in_time(replays: Replays) -> None:
    summary = replays.run(replays.csv(*ROWS), "--loop", 3, "--rows-per-message", 10)
    messages = replays.received()
    assert [message.data.decode().split("\n") for message in messages] == [LINES] * 3
    times = [int(message.attributes["event_time"]) for message in messages]
    assert [moment - times[0] for moment in times] == [0, 10_000, 20_000]
    assert [dict(message.attributes).get("time_shift") for message in messages] == [None, "10.0", "20.0"]
    assert [m.attributes["message_key"] for m in messages] == [f"{summary['run_id']}-{n}" for n in range(3)]


@pytest.mark.parametrize(
    ("flags", "start", "expected"),
    [
        ([], 1_594_512_000, set()),
        (["--speed", "1", "--limit", "1"], 1_594_512_000, set()),
        (["--rate", "100000"], 1_594_512_000, set()),
        (["--speed", "1000"], 1_594_512_000, {"true"}),
        (["--event-time", "rebase"], 1_594_512_000, {"true"}),
        (["--loop", "2"], 1_594_512_000, {"true"}),
        ([], 4_000_000_000, {"true"}),
    ],
)
def test_a_replay_that_may_run_ahead_of_the_clock_says_so(
    flags: list[str], start: int, expected: set[str], replays: Replays
) -> None:
    replays.flags = [*replays.flags[:-2], *(flags if "--speed" in flags else [*flags, "--speed", "max"])]
    replays.run(replays.csv(*(f"{start + n},a,20,true" for n in range(3))))
    messages = replays.received()
    assert {message.attributes["time_lapse"] for message in messages if "time_lapse" in message.attributes} == expected


@pytest.mark.parametrize(("flag", "keys"), [("--order-by-device", {"a", "b"}), ("--unordered", {""})])
def test_ordering(flag: str, keys: set[str], replays: Replays) -> None:
    replays.run(replays.csv(*ROWS), flag, "--rows-per-message", 3)
    messages = replays.received()
    assert {message.ordering_key for message in messages} == keys
    for key in keys:
        lines = [line for m in messages if m.ordering_key == key for line in m.data.decode().split("\n")]
        assert lines == [line for line in LINES if key == "" or f'"device":"{key}"' in line]


def test_columns_and_run_id(replays: Replays) -> None:
    path = replays.csv("a,5.5,1594512000", header="who,celsius,at\n")
    summary = replays.run(path, "--columns", "ts=at,device=who,temp=celsius", "--run-id", "night")
    (message,) = replays.received()
    assert json.loads(message.data) == {"device": "a", "temp": 5.5, "ts": 1594512000}
    assert (summary["run_id"], message.attributes["message_key"]) == ("night", "night-0")


def test_several_files_and_standard_input(replays: Replays, monkeypatch: pytest.MonkeyPatch) -> None:
    first = replays.csv(*ROWS[:3], name="first.csv")
    (replays.folder / "second.csv.gz").write_bytes(gzip.compress((HEADER + "\n".join(ROWS[3:6])).encode()))
    content = HEADER + "\n".join(ROWS[6:])
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(content.encode()))))
    summary = replays.run(first, replays.folder / "second.csv.gz", "-")
    assert replays.lines() == LINES
    assert summary["run_id"].startswith("stdin-")


def test_lines_that_do_not_match_the_header_are_published_unchanged(replays: Replays) -> None:
    rows = [ROWS[0], "not a row at all", ROWS[1], "1,2,3,4,5", '"open quote,a,1,true', ROWS[2], "bad,a,hot,maybe"]
    summary = replays.run(replays.csv(*rows))
    bad = '{"ts":"bad","device":"a","temp":"hot","light":"maybe"}'
    assert replays.lines() == [LINES[0], rows[1], LINES[1], rows[3], rows[4], LINES[2], bad]
    assert summary["rows_published"] == 7


def test_equal_replays_have_equal_ids_and_others_do_not(replays: Replays) -> None:
    path = replays.csv(*ROWS)
    ids = [
        replays.run(path, *flags)["run_id"]
        for flags in ([], [], ["--limit", 5], ["--gzip"], ["--rows-per-message", 2], ["--start", 1_594_512_001])
    ]
    assert ids[0] == ids[1]
    assert len(set(ids)) == 5
    replays.csv(*ROWS[:9], "1594512009.25,b,31.5,true")
    assert replays.run(path)["run_id"] not in ids


def test_a_topic_and_a_subscription_that_exist_are_used(replays: Replays) -> None:
    path = replays.csv(*ROWS)
    replays.run(path)
    replays.flags = ["--topic", TOPIC, "--speed", "max"]
    replays.run(path)
    assert replays.lines() == LINES * 2


def test_a_broker_that_fails_every_third_publish_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    codes = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.INTERNAL, grpc.StatusCode.RESOURCE_EXHAUSTED)
    failures = []

    def fail(number: int) -> grpc.StatusCode | None:
        if number % 3 != 2:
            return None
        failures.append(number)
        return codes[len(failures) % 3]

    with Broker(fail_publish=fail) as broker, clients(broker.address) as pubsub:
        monkeypatch.setenv("PUBSUB_EMULATOR_HOST", broker.address)
        replays = Replays(pubsub, tmp_path, capsys)
        path = replays.csv(*(f"{1_594_512_000 + n},a,{n}.5,true" for n in range(8_000)))
        for ordering in ([], ["--order-by-device"], ["--unordered"]):
            summary = replays.run(path, *ordering, "--run-id", f"run{len(ordering)}")
            assert (summary["rows_published"], summary["failed"]) == (8_000, 0)
            temps = [json.loads(line)["temp"] for line in replays.lines()]
            assert sorted(temps) == [n + 0.5 for n in range(8_000)]
            if "--unordered" not in ordering:
                assert temps == sorted(temps)
    assert len(failures) >= 3


@pytest.mark.parametrize("ordering", [[], ["--order-by-device"], ["--unordered"]])
def test_connections_that_are_cut_lose_nothing(
    ordering: list[str], replays: Replays, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = replays.csv(*(f"{1_594_512_000 + n},{'abc'[n % 3]},{n}.5,true" for n in range(6_000)))
    with faulty_network(replays.pubsub.address, (20_000, 70_000, 150_000)) as network:
        monkeypatch.setenv("PUBSUB_EMULATOR_HOST", network.address)
        summary = replays.run(path, *ordering, "--rows-per-message", 5)
    assert (summary["rows_published"], summary["failed"], network.cuts) == (6_000, 0, 3)
    keys: dict[str, bytes] = {}
    for message in replays.received():
        assert keys.setdefault(message.attributes["message_key"], message.data) == message.data
    temps = [json.loads(line)["temp"] for payload in keys.values() for line in payload.split(b"\n")]
    assert sorted(temps) == [n + 0.5 for n in range(6_000)]


def test_a_topic_that_disappears(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    """Rows that could not be published are counted, the exit code says so, and the checkpoint allows another try."""
    gone = [True]
    not_found = grpc.StatusCode.NOT_FOUND
    with (
        Broker(fail_publish=lambda number: not_found if gone[0] and number >= 2 else None) as broker,
        clients(broker.address) as pubsub,
    ):
        monkeypatch.setenv("PUBSUB_EMULATOR_HOST", broker.address)
        replays = Replays(pubsub, tmp_path, capsys)
        path = replays.csv(*(f"{1_594_512_000 + n},a,{n}.5,true" for n in range(8_000)))
        checkpoint = ("--checkpoint", tmp_path / "checkpoint")
        assert main(["replay", path, *map(str, checkpoint), *replays.flags]) == 1
        out, err = capsys.readouterr()
        first = json.loads(out)
        assert first["failed"] > 0
        assert first["rows_read"] == first["rows_published"] + first["failed"]
        assert err.startswith("publisher: error: NOT_FOUND")
        assert err.count("\n") == 1
        gone[0] = False
        second = replays.run(path, *checkpoint)
        assert second["rows_skipped"] == first["rows_published"]
        assert second["rows_skipped"] + second["rows_published"] == 8_000
        assert [json.loads(line)["temp"] for line in replays.lines()] == [n + 0.5 for n in range(8_000)]


def start(replays: Replays, *args: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "publisher", "replay", *map(str, args), *replays.flags]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_for_progress(checkpoint: Path, process: subprocess.Popen[str]) -> None:
    while not checkpoint.exists() or json.loads(checkpoint.read_text())["next_sequence"] == 0:
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)


@pytest.mark.parametrize("flags", [[], ["--event-time", "rebase", "--gzip"], ["--order-by-device"]])
def test_a_killed_replay_resumes_without_a_gap(flags: list[str], replays: Replays) -> None:
    rows = [f"{1_594_512_000 + n},{'abc'[n % 3]},{n}.5,true" for n in range(6_000)]
    path, checkpoint = replays.csv(*rows), replays.folder / "checkpoint"
    args = (path, "--rows-per-message", 3, "--checkpoint", checkpoint, *flags)
    with start(replays, *args, "--rate", 2_000) as process:
        wait_for_progress(checkpoint, process)
        os.kill(process.pid, signal.SIGKILL)
    summary = replays.run(*args)
    assert 0 < summary["rows_skipped"] < 6_000
    keys: dict[str, Any] = {}
    for message in replays.received():
        same = keys.setdefault(message.attributes["message_key"], message)
        assert (same.data, same.attributes) == (message.data, message.attributes), "a duplicate is the same message"
    packed = [gzip.decompress(m.data) if "--gzip" in flags else m.data for m in keys.values()]
    temps = [json.loads(line)["temp"] for payload in packed for line in payload.split(b"\n")]
    assert sorted(temps) == [n + 0.5 for n in range(6_000)]


def test_an_unsorted_file_goes_out_in_order_of_time_and_resumes(replays: Replays) -> None:
    rows = [f"{1_594_512_000 + n},{device},{n}.5,true" for device in "abc" for n in range(2_000)]
    path, checkpoint = replays.csv(*rows), replays.folder / "checkpoint"
    args = (path, "--rows-per-message", 3, "--checkpoint", checkpoint)
    with start(replays, *args, "--rate", 2_000) as process:
        wait_for_progress(checkpoint, process)
        os.kill(process.pid, signal.SIGKILL)
    summary = replays.run(*args)
    assert 0 < summary["rows_skipped"] < 6_000
    assert (summary["rows_out_of_order"], summary["out_of_order_by_s"]) == (3_998, 1_999.0)
    found = {message.attributes["message_key"]: message.data for message in replays.received()}
    sent = [json.loads(line) for key in sorted(found, key=lambda key: int(key.rpartition("-")[2]))
            for line in found[key].split(b"\n")]  # fmt: skip
    assert [(row["temp"], row["device"]) for row in sent] == [(n + 0.5, d) for n in range(2_000) for d in "abc"]


def test_the_order_of_the_file_is_kept_if_wanted(replays: Replays) -> None:
    summary = replays.run(replays.csv(ROWS[3], ROWS[1], ROWS[2]), "--order", "as-is")
    assert replays.lines() == [LINES[3], LINES[1], LINES[2]]
    assert (summary["rows_out_of_order"], summary["out_of_order_by_s"]) == (2, 2.0)


def test_standard_input_is_sorted_too(replays: Replays, monkeypatch: pytest.MonkeyPatch) -> None:
    content = HEADER + "\n".join([ROWS[3], ROWS[1], ROWS[2]])
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(content.encode()))))
    assert replays.run("-", replays.csv(ROWS[0], ROWS[4]))["rows_out_of_order"] == 2
    assert replays.lines() == LINES[:5]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_replay_ends_cleanly_and_resumes(number: signal.Signals, replays: Replays) -> None:
    rows = [f"{1_594_512_000 + n},a,{n}.5,true" for n in range(6_000)]
    path, checkpoint = replays.csv(*rows), replays.folder / "checkpoint"
    with start(replays, path, "--checkpoint", checkpoint, "--rate", 1_000) as process:
        wait_for_progress(checkpoint, process)
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")
    first = json.loads(out)
    assert first["interrupted"]
    assert 0 < first["rows_published"] < 6_000
    second = replays.run(path, "--checkpoint", checkpoint)
    assert (second["rows_skipped"], second["interrupted"]) == (first["rows_published"], False)
    assert [json.loads(line)["temp"] for line in replays.lines()] == [n + 0.5 for n in range(6_000)], "none twice"


def test_a_long_replay_says_at_its_start_how_long_it_takes(replays: Replays) -> None:
    path = replays.csv("0,a,20,true", "7200,a,20,true")
    replays.flags = [*replays.flags[:-2], "--speed", "1"]
    with start(replays, path) as process:
        assert process.stderr is not None
        first = process.stderr.readline()
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=60)
    assert first == ("publisher: at the recorded pace this takes 2 h 0 min; --speed max publishes without waiting\n")
    assert json.loads(out)["interrupted"]


def test_a_replay_at_full_speed_says_nothing_of_the_recorded_pace(replays: Replays) -> None:
    path = replays.csv("0,a,20,true", "7200,a,20,true")
    assert main(["replay", path, *replays.flags]) == 0
    assert replays.capsys.readouterr().err == ""


def test_a_checkpoint_of_another_replay_is_refused(replays: Replays) -> None:
    path, checkpoint = replays.csv(*ROWS), replays.folder / "checkpoint"
    replays.run(path, "--checkpoint", checkpoint)
    assert replays.run(path, "--checkpoint", checkpoint)["rows_skipped"] == 10
    for flags in (["--rows-per-message", "2"], ["--limit", "3"], ["--gzip"], ["--run-id", "other"]):
        assert main(["replay", path, "--checkpoint", str(checkpoint), *flags, *replays.flags]) == 2
        assert "belongs to replay" in replays.capsys.readouterr().err
    assert len(replays.lines()) == 10


def test_two_replays_do_not_share_a_checkpoint(replays: Replays) -> None:
    rows = [f"{1_594_512_000 + n},a,{n}.5,true" for n in range(6_000)]
    path, checkpoint = replays.csv(*rows), replays.folder / "checkpoint"
    with start(replays, path, "--checkpoint", checkpoint, "--rate", 1_000) as process:
        wait_for_progress(checkpoint, process)
        assert main(["replay", path, "--checkpoint", str(checkpoint), *replays.flags]) == 2
        out, err = replays.capsys.readouterr()
        assert (out, err) == ("", f"publisher: error: --checkpoint {checkpoint}: is in use by another replay\n")
        os.kill(process.pid, signal.SIGKILL)
    summary = replays.run(path, "--checkpoint", checkpoint)
    assert summary["rows_skipped"] + summary["rows_published"] == 6_000
    assert not checkpoint.with_name("checkpoint.lock").exists()


def test_a_checkpoint_beyond_the_input_is_refused(replays: Replays) -> None:
    path, checkpoint = replays.csv(*ROWS), replays.folder / "checkpoint"
    replays.run(path, "--checkpoint", checkpoint)
    replays.received()
    progress = json.loads(checkpoint.read_text())
    for sequence, code in ((10, 0), (11, 2), (10**12, 2)):
        checkpoint.write_text(json.dumps(progress | {"next_sequence": sequence}))
        assert main(["replay", path, "--checkpoint", str(checkpoint), *replays.flags]) == code
    claim = "claims 1,000,000,000,000 published messages, the input has 10; remove it to begin anew"
    out, err = replays.capsys.readouterr()
    assert out.count("\n") == 1
    assert err.splitlines()[1:] == [f"publisher: error: --checkpoint {checkpoint}: {claim}"]
    assert replays.received() == []


@pytest.mark.parametrize(
    ("rows", "line"),
    [
        ([], "no row was usable: there was none"),
        (["soon,a,20,true", "x", "later,a,20,true"], 'bad_timestamp (2 rows), for example {"ts":"soon","device":"a",'),
        (["1594512000,,20,true"], 'missing_field (1 row), for example {"ts":1594512000,"device":null,'),
        (["1594512000;a;20;true"], "not_json (1 row), for example 1594512000;a;20;true"),
        (["1594512000000,a,20,true"], "bad_timestamp (1 row), for example "),
    ],
)
def test_a_replay_in_which_no_row_is_usable_says_so(rows: list[str], line: str, replays: Replays) -> None:
    assert main(["replay", replays.csv(*rows), *replays.flags]) == 3
    out, err = replays.capsys.readouterr()
    assert json.loads(out)["rows_published"] == len(rows), "a job makes dead letters of them"
    assert err.startswith("publisher: error: no row was usable")
    assert line in err
    assert err.count("\n") == 1


def test_one_usable_row_is_enough(replays: Replays) -> None:
    replays.run(replays.csv("soon,a,20,true", "x", ROWS[0], "later,a,20,true"))


def test_values_that_cannot_be_read_leave_their_row_usable(replays: Replays) -> None:
    replays.run(replays.csv("1594512000,a,hot,maybe", "1594512000,a,1e400,nan"))


def test_a_damaged_file_is_published_up_to_the_damage(replays: Replays) -> None:
    content = gzip.compress((HEADER + "".join(f"{n},a,{n}.5,true\n" for n in range(200_000))).encode())
    path = replays.folder / "damaged.csv.gz"
    path.write_bytes(content[: len(content) // 2])
    assert main(["replay", str(path), "--rows-per-message", "500", *replays.flags]) == 1
    out, err = replays.capsys.readouterr()
    summary = json.loads(out)
    assert 0 < summary["rows_published"] < 200_000
    assert err == f"publisher: error: INPUT {path}: damaged: {err.partition('damaged: ')[2]}"
    assert [json.loads(line)["ts"] for line in replays.lines()] == list(range(summary["rows_published"]))


MISTAKES = [
    (["--topic", "nonsense"], "--topic nonsense: must read projects/PROJECT/topics/NAME"),
    (["--subscription", "x"], "--subscription x: must read projects/PROJECT/subscriptions/NAME"),
    (["--speed", "fast"], "--speed fast: must be a number above 0 or max"),
    (["--speed", "0"], "--speed 0: must be a number above 0 or max"),
    (["--speed", "inf"], "--speed inf: must be a number above 0 or max"),
    (["--rate", "-1"], "--rate -1: must be a number above 0"),
    (["--rows-per-message", "0"], "--rows-per-message 0: must be a number from 1 to 100000"),
    (["--rows-per-message", "many"], "--rows-per-message many: must be a number from 1 to 100000"),
    (["--order", "random"], "--order random: must be time or as-is"),
    (["--event-time", "now"], "--event-time now: must be original or rebase"),
    (["--start", "yesterday"], "--start yesterday: not a time"),
    (["--start", "20", "--end", "10"], "--start 20: is not before --end 10"),
    (["--limit", "0"], "--limit 0: must be a number from 1"),
    (["--loop", "0"], "--loop 0: must be a number from 1"),
    (["--run-id", "a b"], "--run-id a b: must be up to 100 letters"),
    (["--columns", "ts"], "--columns ts: "),
    (["--checkpoint", "/nonexistent/checkpoint"], "--checkpoint /nonexistent/checkpoint: cannot be written"),
    (["--order-by-device", "--unordered"], "--unordered: not allowed with argument --order-by-device"),
    (["--spede", "1"], "--spede: unknown flag, did you mean --speed?"),
]


@pytest.mark.parametrize(("flags", "problem"), MISTAKES)
def test_each_mistake_is_one_line_and_publishes_nothing(flags: list[str], problem: str, replays: Replays) -> None:
    replays.run(replays.csv(*ROWS))
    assert len(replays.lines()) == 10
    assert main(["replay", replays.csv(*ROWS), *replays.flags, *flags]) == 2
    out, err = replays.capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith(f"publisher: error: {problem}")
    assert replays.received() == []


@pytest.mark.parametrize(
    ("inputs", "problem"),
    [
        (["-", "--loop", "2"], "--loop 2: standard input can be read only once"),
        (["-", "-"], "INPUT -: standard input can be read only once"),
        (["/nonexistent.csv"], "INPUT /nonexistent.csv: cannot be read: No such file or directory"),
        (["/"], "INPUT /: cannot be read: Is a directory"),
    ],
)
def test_an_input_that_cannot_be_read(inputs: list[str], problem: str, replays: Replays) -> None:
    assert main(["replay", *inputs, *replays.flags]) == 2
    assert replays.capsys.readouterr().err == f"publisher: error: {problem}\n"


def test_a_topic_that_does_not_exist(replays: Replays) -> None:
    assert main(["replay", replays.csv(*ROWS), "--topic", TOPIC]) == 2
    assert replays.capsys.readouterr().err == (
        f"publisher: error: --topic {TOPIC}: does not exist; --create creates it\n"
    )


def test_a_subscription_without_create(replays: Replays) -> None:
    assert main(["replay", replays.csv(*ROWS), "--topic", TOPIC, "--subscription", SUBSCRIPTION]) == 2
    assert "is only used with --create" in replays.capsys.readouterr().err


def test_a_subscription_of_another_topic_or_without_order(replays: Replays) -> None:
    path = replays.csv(*ROWS)
    replays.run(path)
    other = replays.pubsub.new_topic()
    assert main(["replay", path, "--topic", other, "--create", "--subscription", SUBSCRIPTION]) == 2
    assert f"already exists and is attached to {TOPIC}" in replays.capsys.readouterr().err
    unordered = replays.pubsub.new_subscription(TOPIC)
    args = ["replay", path, "--topic", TOPIC, "--create", "--subscription", unordered, "--speed", "max"]
    assert main(args) == 2
    assert "already exists without message ordering" in replays.capsys.readouterr().err
    assert main([*args, "--unordered"]) == 0


def test_no_server_at_the_address(replays: Replays, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", "127.0.0.1:1")
    assert main(["replay", replays.csv(*ROWS), "--topic", TOPIC]) == 2
    expected = f"publisher: error: --topic {TOPIC}: Pub/Sub does not answer at PUBSUB_EMULATOR_HOST=127.0.0.1:1\n"
    assert replays.capsys.readouterr().err == expected
