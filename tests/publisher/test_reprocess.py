"""`publisher reprocess`: a subscriber receives the rejected content again, byte for byte, with new keys."""

import base64
import gzip
import inspect
import json
import threading
import weakref
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from itertools import count
from pathlib import Path
from typing import Any

import grpc
import msgspec
import pytest
from google.cloud import pubsub_v1

from pipeline.__main__ import main as run_pipeline
from publisher.__main__ import main
from publisher.broker import Broker
from publisher.replay.message_builder import ReplayMessage
from publisher.reprocess.letters import Letter, LetterFile, find_files, read_letter_files
from publisher.reprocess.messages import make_message
from publisher.reprocess.plan import STAGES, TELEMETRY_STAGES, LetterChoice, Plan, make_plan
from publisher.reprocess.preview import printable
from publisher.reprocess.resender import Resender
from publisher.reprocess.topic import RESERVED_ATTRIBUTES
from telemetry.cli.exit_codes import NOTHING_USABLE
from telemetry.model.dead_letters import Reason
from telemetry.model.messages import MAX_MESSAGE_BYTES, Message
from telemetry.model.record_batches import from_records, to_json_lines, to_parquet
from telemetry.model.records import DeadLetter
from telemetry.storage.files import join, write_file
from tests.support.emulators import Lake, amazon_storage, azure_storage, google_storage, lake
from tests.support.jobs import EARLY, Events, run_events, run_job
from tests.support.pubsub_fixtures import PubSub, clients, embedded_broker, official_emulator, pubsub
from tests.support.runs import anomaly, window, write, write_run

__all__ = [
    "amazon_storage", "azure_storage", "embedded_broker", "google_storage", "lake", "official_emulator", "pubsub",
]  # fmt: skip
pytestmark = pytest.mark.xdist_group("emulator")
each_format = pytest.mark.parametrize("kind", ["jsonl", "parquet"])

T0 = 1_594_512_000_000_000  # 2020-07-12T00:00:00Z
BAD = [b'{"ts":1594512000,"device":"\xff\xfe"}', b'{"ts":1594512001}', b"nonsense \x00\x1b[31m", b'{"ts":', b"[1, 2]"]
GOOD = b'{"ts":1594512002,"device":"a","temp":20.5}'


def letter(payload: bytes = b"nonsense", attributes: Mapping[str, str] | None = None, **fields: Any) -> DeadLetter:
    """A dead letter as the job stores it; `at` is its publish time in seconds after midnight, None for a file's."""
    at = fields.pop("at", 0)
    values: dict[str, Any] = {
        "reason": "not_json",
        "error": "it is not JSON",
        "stage": "decode",
        "payload": base64.b64encode(payload).decode(),
        "line": 1,
        "attributes": msgspec.json.encode(attributes or {}, order="sorted").decode(),
        "message_id": "7",
        "publish_time": None if at is None else T0 + round(at * 1e6),
        "event_time": None,
    }
    return DeadLetter(**values | fields)


def opened(payload: bytes = b"nonsense", attributes: Mapping[str, str] | None = None) -> Letter:
    return Letter("not_json", "it is not JSON", "decode", payload, dict(attributes or {}), "7", 1, T0, None)


def plan_of(*paths: object, choice: LetterChoice | None = None) -> Plan:
    return make_plan(find_files(map(str, paths)), choice or LetterChoice(), lambda: False)


def payloads_of(*paths: object) -> list[bytes]:
    return [one.payload for one in plan_of(*paths).in_order()]


class Desk:
    """Sends dead letters to a topic of its own, and reads what arrives."""

    def __init__(self, server: PubSub, capsys: pytest.CaptureFixture[str]) -> None:
        self.server, self.capsys = server, capsys
        self.topic = server.new_topic()
        self.subscription = server.new_subscription(self.topic, enable_message_ordering=True)

    def run(self, *args: object, code: int = 0) -> dict[str, Any]:
        """Send; returns the summary, whose numbers must agree with each other."""
        self.capsys.readouterr()
        assert main(["reprocess", *map(str, args), "--topic", self.topic]) == code
        out = self.capsys.readouterr().out
        assert out.count("\n") == 1
        summary: dict[str, Any] = json.loads(out)
        of_letters = summary["letters_duplicate"] + summary["letters_skipped"] + sum(summary["by_reason"].values())
        assert summary["letters_read"] == of_letters
        assert summary["rows_read"] == summary["rows_published"] + summary["failed"]
        return summary

    def received(self) -> list[Any]:
        """All messages that wait, in the order of delivery; they are acknowledged."""
        messages: list[Any] = []
        while found := self.server.pull_now(self.subscription, patience=0.5):
            messages.extend(entry.message for entry in found)
            self.server.acknowledge(self.subscription, found)
        return messages


@pytest.fixture
def desk(pubsub: PubSub, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Desk:
    """On each server in turn."""
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", pubsub.address)
    return Desk(pubsub, capsys)


@pytest.fixture
def embedded(
    embedded_broker: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Desk]:
    """On the embedded broker, where a second server would prove nothing more."""
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", embedded_broker)
    with clients(embedded_broker) as server:
        yield Desk(server, capsys)


def job_on_stream(subscription: str, out: Path, *flags: object) -> dict[str, Any]:
    """Run the job on a stream until it is idle; returns its summary."""
    summary = out.parent / f"{out.name}.summary.json"
    source = ["--subscription", subscription, "--stop-after-idle", "1s"]
    args = [*EARLY, *source, "--output", out, "--summary", summary, *flags]
    assert run_pipeline(list(map(str, args))) in (0, NOTHING_USABLE)
    content: dict[str, Any] = json.loads(summary.read_text())
    return content


# From a job to a topic


@each_format
def test_bad_lines_of_a_file(kind: str, desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b"\n".join([GOOD, *BAD, GOOD, b""]))
    out = tmp_path / "out"
    assert run_job("--input", path, "--output", out, "--file-format", kind)["rows_decoded"] == 2
    summary = desk.run(out)
    messages = desk.received()
    assert [message.data for message in messages] == BAD
    run_id = summary["run_id"]
    assert [dict(m.attributes) for m in messages] == [
        {"run_id": run_id, "message_key": f"{run_id}-{n}"} for n in range(5)
    ]
    assert {message.ordering_key for message in messages} == {run_id}
    assert summary == {
        "run_id": run_id,
        "letters_read": 5,
        "letters_duplicate": 0,
        "letters_skipped": 0,
        "rows_read": 5,
        "rows_published": 5,
        "messages": 5,
        "bytes": sum(map(len, BAD)),
        "failed": 0,
        "by_reason": {"not_utf8": 1, "missing_field": 1, "not_json": 2, "not_an_object": 1},
        "seconds": summary["seconds"],
        "interrupted": False,
    }


@each_format
def test_bad_messages_of_a_stream(kind: str, desk: Desk, tmp_path: Path) -> None:
    topic = desk.server.new_topic()
    source = desk.server.new_subscription(topic)
    replayed = {"run_id": "night", "event_time": "1594512000000", "time_shift": "86400.0"}
    broken, device = gzip.compress(GOOD)[:-4], {"device-type": "DHT22", "topic": "plant/7"}
    whole = replayed | {"message_key": "night-0", "rows": "250", "content-encoding": "gzip"}
    lines = replayed | {"message_key": "night-1", "rows": "3"}
    desk.server.publish(topic, broken, attributes=whole)
    desk.server.publish(topic, b"\n".join([BAD[0], GOOD, BAD[2]]), attributes=lines)
    desk.server.publish(topic, b'{"device":"a"}', attributes=device)
    out = tmp_path / "out"
    assert job_on_stream(source, out, "--file-format", kind)["rows_decoded"] == 1
    summary = desk.run(out)
    messages = desk.received()
    assert [message.data for message in messages] == [broken, BAD[0], BAD[2], b'{"device":"a"}']
    run_id = summary["run_id"]
    ours = [{"run_id": run_id, "message_key": f"{run_id}-{n}"} for n in range(4)]
    once = {"original_run_id": "night", "event_time": "1594512000000", "time_shift": "86400.0"}
    assert [dict(message.attributes) for message in messages] == [
        ours[0] | once | {"original_message_key": "night-0", "rows": "250", "content-encoding": "gzip"},
        ours[1] | once | {"original_message_key": "night-1"},
        ours[2] | once | {"original_message_key": "night-1"},
        ours[3] | device,
    ]
    assert (summary["messages"], summary["rows_read"], summary["rows_published"]) == (4, 253, 253)


def test_late_rows_are_on_time_for_another_job(embedded: Desk, tmp_path: Path) -> None:
    events = Events()
    rows = [b'{"ts":%d,"device":"a","temp":20}' % ts for ts in (60, 7_200, 61)]
    for number, (row, watermark_us) in enumerate(zip(rows, (0, 0, 7_200_000_000), strict=True)):
        events.watermark(watermark_us)
        events.message(
            Message(row, {"rows": "1", "sensor": "s"}, f"m{number}", 10_000_000_000, watermark_us), 61_000_000
        )
    run_events(events, "--output", tmp_path / "first")
    assert embedded.run(tmp_path / "first")["by_reason"] == {"too_late": 1}
    second = job_on_stream(embedded.subscription, tmp_path / "second")
    assert (second["rows_decoded"], second["dead_letters"]) == (1, {})
    embedded.run(tmp_path / "first")
    (message,) = embedded.received()
    assert message.data == rows[2]
    assert message.attributes["sensor"] == "s"


def test_letters_rejected_again_keep_their_first_run_and_key(embedded: Desk, tmp_path: Path) -> None:
    topic = embedded.server.new_topic()
    source = embedded.server.new_subscription(topic)
    embedded.server.publish(topic, b"nonsense", attributes={"run_id": "night", "message_key": "night-5"})
    job_on_stream(source, tmp_path / "first")
    first = embedded.run(tmp_path / "first")["run_id"]
    job_on_stream(embedded.subscription, tmp_path / "second")
    second = embedded.run(tmp_path / "second")["run_id"]
    (message,) = embedded.received()
    assert first != second
    assert dict(message.attributes) == {
        "run_id": second,
        "message_key": f"{second}-0",
        "original_run_id": "night",
        "original_message_key": "night-5",
    }


def test_the_ledger_check_of_a_reprocessing_passes(embedded: Desk, tmp_path: Path) -> None:
    whole = {"run_id": "night", "message_key": "night-0", "rows": "250", "content-encoding": "gzip"}
    lines = [letter(line, {"run_id": "night"}, line=number) for number, line in enumerate([*BAD, GOOD], start=1)]
    write(tmp_path / "first", "dead_letters", [letter(gzip.compress(GOOD)[:-4], whole, line=None), *lines])
    published = tmp_path / "published.json"
    published.write_text(json.dumps(embedded.run(tmp_path / "first")))
    job_on_stream(embedded.subscription, tmp_path / "second")
    check = ["reconcile", "--output", str(tmp_path / "second"), "--published", str(published)]
    assert run_pipeline(check) == 0, embedded.capsys.readouterr().out
    published.write_text(published.read_text().replace('"rows_published": 256', '"rows_published": 257'))
    assert run_pipeline(check) == 1


# Which files


@pytest.mark.parametrize("place", ["", "dead_letters", "dead_letters/date=2020-07-12", "dead_letters/{hour}/{name}"])
def test_an_output_a_folder_of_it_or_a_file(place: str, lake: Lake, capsys: pytest.CaptureFixture[str]) -> None:
    hour, name = "date=2020-07-12/hour=00", "part.jsonl"
    content = {
        f"dead_letters/{hour}/{name}": to_json_lines(from_records(DeadLetter, [letter(b"one", at=1)])),
        f"anomalies/{hour}/{name}": b"not looked at\n",
    }
    if "name" not in place:
        more = [letter(b"three", at=3), letter(b"two", at=2)]
        content["dead_letters/date=2020-07-12/hour=01/part.parquet"] = to_parquet(from_records(DeadLetter, more))
    for path, data in content.items():
        write_file(join(lake.root, path), data)
    path = join(lake.root, *filter(None, place.format(hour=hour, name=name).split("/")))
    assert payloads_of(path) == ([b"one"] if "name" in place else [b"one", b"two", b"three"])
    assert main(["reprocess", path, "--dry-run"]) == 0
    assert capsys.readouterr().out.startswith(f"letters read    {1 if 'name' in place else 3} in ")


def test_several_outputs_and_the_folder_of_all_of_them(tmp_path: Path) -> None:
    for name, second in (("b", 1), ("a", 2)):
        write(tmp_path / "runs" / name, "dead_letters", [letter(name.encode(), at=second)])
        write_run(tmp_path / "runs" / name, windows=[window()], anomalies=[anomaly()])
    assert payloads_of(tmp_path / "runs" / "a", tmp_path / "runs" / "b") == [b"b", b"a"]
    assert payloads_of(tmp_path / "runs") == [b"b", b"a"]
    assert payloads_of(f"{tmp_path}/runs/a/", f"{tmp_path}/runs/a") == [b"a"]


def test_letters_of_ten_megabytes_are_read(embedded: Desk, tmp_path: Path) -> None:
    sizes = (9_990_000, 3_000_000, 10)
    write(tmp_path, "dead_letters", [letter(b"%d" % n * size, at=n) for n, size in enumerate(sizes)])
    assert embedded.run(tmp_path)["bytes"] == sum(sizes)
    assert [message.data for message in embedded.received()] == [b"%d" % n * size for n, size in enumerate(sizes)]


# Which letters

STORED = [
    letter(b"decoded", at=1),
    letter(b"late", at=2, stage="aggregate", reason="too_late"),
    letter(b"record", at=3, stage="bigquery", reason="not_stored"),
    letter(b"alert", at=4, stage="alerts", reason="not_delivered"),
    letter(b"short", at=5, reason="missing_field"),
    letter(b"other", at=6, stage="of somebody else"),
]


@pytest.mark.parametrize(
    ("flags", "sent"),
    [
        ([], ["decoded", "late", "short"]),
        (["--reason", "too_late"], ["late"]),
        (["--reason", "too_late", "--reason", "missing_field"], ["late", "short"]),
        (["--stage", "decode"], ["decoded", "short"]),
        (["--stage", "bigquery"], ["record"]),
        (["--stage", "alerts", "--stage", "aggregate"], ["late", "alert"]),
        (["--stage", "decode", "--reason", "missing_field"], ["short"]),
        (["--reason", "not_stored"], []),
    ],
)
def test_filters(flags: list[str], sent: list[str], embedded: Desk, tmp_path: Path) -> None:
    write(tmp_path, "dead_letters", STORED)
    summary = embedded.run(tmp_path, *flags)
    assert [message.data.decode() for message in embedded.received()] == sent
    assert (summary["letters_read"], summary["letters_skipped"]) == (6, 6 - len(sent))
    assert (summary["messages"], summary["rows_read"]) == (len(sent), len(sent))


def test_duplicate_letters_are_sent_once(embedded: Desk, tmp_path: Path) -> None:
    attributes = {"message_key": "night-0"}
    same = letter(b"same", attributes)
    again = [
        letter(b"same", attributes, reason="too_late", stage="aggregate", error="at another watermark", event_time=T0),
        letter(b"same", attributes, reason="wrong_type", error="for a job with other metrics"),
    ]
    others = [
        letter(b"same", attributes, line=2),
        letter(b"same", attributes, message_id="8"),
        letter(b"same", {"message_key": "night-1"}),
        letter(b"same", attributes, at=1),
        letter(b"sama", attributes),
    ]
    write(tmp_path, "dead_letters", [same, *others, same])
    write(tmp_path, "dead_letters", [same, *again], kind="parquet", hour="01")
    skipped = letter(b"record", stage="bigquery")
    write(tmp_path, "dead_letters", [skipped, skipped], hour="02")
    summary = embedded.run(tmp_path)
    assert len(embedded.received()) == summary["messages"] == 6
    assert (summary["letters_read"], summary["letters_duplicate"], summary["letters_skipped"]) == (12, 4, 2)


# Order and keys

MIXED = [
    *(letter(b"of nine", at=1, message_id="9", line=line) for line in (1, 2, 10)),
    *(letter(b"of ten", at=1, message_id="10", line=line) for line in (1, 2)),
    letter(b"later", at=2, message_id="1", event_time=T0),
    letter(b"of an event", at=None, event_time=T0 + 3_000_000, message_id="rows.csv@1000"),
    *(letter(b"of a file", at=None, message_id=f"rows.csv@{offset}") for offset in (9, 10, 100)),
]
"""In their order."""


def name(number: int) -> bytes:
    return f"{number:02}".encode()


def in_files(folder: Path, letters: Sequence[DeadLetter], files: int, kind: str = "jsonl") -> Path:
    for number in range(files):
        write(folder, "dead_letters", letters[number::files][::-1], kind=kind, name=f"{9 - number}")
    return folder


@pytest.mark.parametrize("files", [1, 2, 5])
def test_order_does_not_depend_on_the_files(files: int, tmp_path: Path) -> None:
    numbered = [msgspec.structs.replace(one, payload=base64.b64encode(name(n)).decode()) for n, one in enumerate(MIXED)]
    assert payloads_of(in_files(tmp_path, numbered, files)) == [name(n) for n in range(len(MIXED))]


def test_the_same_letters_have_the_same_keys_and_others_have_others(embedded: Desk, tmp_path: Path) -> None:
    def keys(folder: Path, *flags: str) -> dict[str, tuple[bytes, dict[str, str]]]:
        embedded.run(folder, *flags)
        return {m.attributes["message_key"]: (m.data, dict(m.attributes)) for m in embedded.received()}

    first = keys(in_files(tmp_path / "a", MIXED, 1))
    assert len(first) == len(MIXED), "each letter has a key of its own"
    assert keys(tmp_path / "a") == first
    assert keys(in_files(tmp_path / "b", [*MIXED, *MIXED[:4]], 3, "parquet")) == first
    assert keys(tmp_path / "b", "--unordered") == first
    assert not keys(in_files(tmp_path / "c", MIXED[:-1], 1)).keys() & first.keys()


def test_unordered(embedded: Desk, tmp_path: Path) -> None:
    write(tmp_path, "dead_letters", MIXED)
    embedded.run(tmp_path, "--unordered")
    assert {message.ordering_key for message in embedded.received()} == {""}


def test_a_file_is_in_memory_from_its_first_to_its_last_letter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for second in range(10):
        write(tmp_path, "dead_letters", [letter(b"a", at=second), letter(b"b", at=second)], name=str(second))
    plan = plan_of(tmp_path)
    read: list[weakref.ref[LetterFile]] = []

    def watch(files: Iterator[str]) -> Iterator[LetterFile]:
        for file in read_letter_files(files):
            read.append(weakref.ref(file))
            yield file

    monkeypatch.setattr("publisher.reprocess.plan.read_letter_files", watch)
    for number, _ in enumerate(plan.in_order()):
        assert len(read) == number // 2 + 1
        assert sum(1 for file in read if file() is not None) == 1


# Content of a message


def test_attributes_of_the_device_win() -> None:
    own = {"original_run_id": "mine", "original_message_key": "mine-1", "run_id": "r", "message_key": "r-1", "": "x"}
    message = make_message(opened(attributes=own), "again", 3, ordered=False)
    assert message == ReplayMessage(
        3,
        b"nonsense",
        {
            "original_run_id": "mine",
            "original_message_key": "mine-1",
            "": "x",
            "run_id": "again",
            "message_key": "again-3",
        },
        "",
        1,
        None,
        None,
    )


@pytest.mark.parametrize(
    ("own", "added"),
    [
        (96, {"run_id", "message_key", "original_run_id", "original_message_key"}),
        (97, {"run_id", "message_key", "original_message_key"}),
        (98, {"run_id", "message_key"}),
        (99, {"message_key"}),
        (100, set()),
    ],
)
def test_as_many_attributes_as_pubsub_allows(own: int, added: set[str], embedded: Desk, tmp_path: Path) -> None:
    attributes = {f"own-{n}": str(n) for n in range(own)}
    replayed = {"run_id": "night", "message_key": "night-1"}
    write(tmp_path, "dead_letters", [letter(b"one", attributes | replayed)])
    embedded.run(tmp_path)
    (message,) = embedded.received()
    assert message.attributes.keys() == attributes.keys() | added
    assert {key: message.attributes[key] for key in attributes} == attributes


def test_as_many_bytes_as_pubsub_allows() -> None:
    long = {"message_key": "k" * 1_025, "run_id": "r" * 1_024}
    message = make_message(opened(attributes=long), "again", 0, ordered=True)
    assert message.attributes == {"message_key": "again-0", "run_id": "again", "original_run_id": "r" * 1_024}
    most = make_message(opened(b"x" * (MAX_MESSAGE_BYTES - 1_100), long), "again", 0, ordered=True)
    assert most.attributes == {"message_key": "again-0", "run_id": "again"}


@pytest.mark.parametrize(
    ("told", "rows"), [("250", 250), ("0", 0), ("-1", 1), ("many", 1), ("²", 1), ("", 1), ("9" * 5_000, 1)]
)
def test_the_number_of_rows_of_a_letter(told: str, rows: int) -> None:
    assert opened(attributes={"rows": told}).rows == rows
    assert opened().rows == 1


def test_attributes_named_like_arguments_of_the_client(desk: Desk, tmp_path: Path) -> None:
    arguments = inspect.signature(pubsub_v1.PublisherClient.publish).parameters
    assert arguments.keys() - {"attrs"} == RESERVED_ATTRIBUTES
    own = [{key: f"a {key}" for key in RESERVED_ATTRIBUTES}, {}, {}, {"topic": "plant/7"}, {"data": "x"}, {}] * 3
    letters = [letter(name(n), attributes, at=n) for n, attributes in enumerate(own)]
    write(tmp_path, "dead_letters", letters)
    for flags in ([], ["--unordered"]):
        run_id = desk.run(tmp_path, *flags)["run_id"]
        found = {m.data: dict(m.attributes) for m in desk.received()}
        assert found == {
            name(n): attributes | {"run_id": run_id, "message_key": f"{run_id}-{n}"} for n, attributes in enumerate(own)
        }
        assert flags or list(found) == [name(n) for n in range(len(own))]


# A dry run


def test_a_dry_run_prints_the_plan_and_sends_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", "127.0.0.1:1")  # where nobody is
    broken = b"\x1f\x8b" + b"\n" * 90
    write(
        tmp_path,
        "dead_letters",
        [
            letter("21 °C\x1b[31m".encode() + b"\xff", {"a\n": "\x9b1m"}, at=2, error="at 'x\r\n'"),
            letter(b"{}", at=3),
            letter(b"{}", at=3),
            letter(b"{}", at=4, stage="alerts"),
            letter(broken, {"rows": "1500"}, at=1, reason="bad_encoding", error="gzip that ends too early", line=None),
        ],
    )
    assert main(["reprocess", str(tmp_path), "--dry-run"]) == 0
    run_id = plan_of(tmp_path).run_id
    assert capsys.readouterr().out == (
        "letters read    5 in 1 file\n"
        "duplicate       1\n"
        "skipped         1\n"
        "to be sent      3, 1,502 rows, 106 bytes\n"
        f"run id          {run_id}\n"
        "\n"
        "not_json: 2 letters, the first of them\n"
        "  error         at 'x\\r\\n'\n"
        "  payload       21 °C\\x1b[31m\\xff\n"
        '  attributes    {"a\\n":"\\x9b1m"}\n'
        "\n"
        "bad_encoding: 1 letter, the first of them\n"
        "  error         gzip that ends too early\n"
        "  payload       \\x1f\\x8b" + 78 * "\\n" + " … and 12 more bytes\n"
        '  attributes    {"rows":"1500"}\n'
    )


def test_a_dry_run_without_selected_letters(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, "dead_letters", [letter(stage="alerts")])
    assert main(["reprocess", str(tmp_path), "--dry-run", "--topic", "projects/p/topics/none"]) == 0
    assert capsys.readouterr().out.splitlines()[2:4] == ["skipped         1", "to be sent      0, 0 rows, 0 bytes"]


def test_printed_letters_are_safe_for_a_terminal() -> None:
    for data in [*(bytes([n]) for n in range(256)), "\u202e".encode(), b"\xe2\x80"]:
        shown = printable(data)
        assert shown.isprintable()
        assert shown.encode() == data or len(shown) > 1
    assert printable("°C".encode()) == "°C"


# Mistakes and failures


def test_reasons_and_stages_are_those_of_the_job() -> None:
    assert set(STAGES) > TELEMETRY_STAGES
    description = msgspec.json.schema(DeadLetter)["$defs"]["DeadLetter"]["properties"]["stage"]["description"]
    assert all(stage in description for stage in STAGES)


TOPIC = ["--topic", "projects/p/topics/letters"]


NAMED = "NAME of 3 to 255 letters, digits or -._~%+, first a letter"


@pytest.mark.parametrize(
    ("flags", "problem"),
    [
        ([], "--topic: is required, except with --dry-run"),
        (
            ["--topic", "x"],
            f"--topic x: must read projects/PROJECT/topics/NAME, {NAMED}",
        ),
        (
            ["--topic", "x", "--dry-run"],
            f"--topic x: must read projects/PROJECT/topics/NAME, {NAMED}",
        ),
        ([*TOPIC, "--reason", "late"], f"--reason late: must be one of {', '.join(Reason)}"),
        ([*TOPIC, "--reason", "too_late", "--reason", ""], f"--reason: must be one of {', '.join(Reason)}"),
        ([*TOPIC, "--stage", "Decode"], "--stage Decode: must be one of decode, aggregate, bigquery, alerts"),
        ([*TOPIC, "--stages", "decode"], "--stages: unknown flag, did you mean --stage?"),
        (TOPIC, f"--topic {TOPIC[1]}: does not exist"),
    ],
)
def test_a_mistake_in_a_flag(flags: list[str], problem: str, embedded: Desk, tmp_path: Path) -> None:
    write(tmp_path, "dead_letters", [letter()])
    assert main(["reprocess", str(tmp_path), *flags]) == 2
    out, err = embedded.capsys.readouterr()
    assert (out, err.partition(": not understood")[0].rstrip("\n")) == ("", f"publisher: error: {problem}")


NOTHING = "contains no dead letters, no .jsonl or .parquet file"


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("none", "none: does not exist"),
        ("none.jsonl", "none.jsonl: does not exist"),
        ("empty", f"empty: {NOTHING}"),
        ("run", f"run: {NOTHING}"),
        ("run/anomalies", "run/anomalies/date=2020-07-12/hour=00/part.jsonl: not a file of dead_letters of the job: "),
        ("other.parquet", "other.parquet: not a file of dead_letters of the job: "),
        ("ftp://host/folder", "ftp://host/folder/dead_letters: Beam has no filesystem for ftp:// here"),
    ],
)
def test_a_path_without_dead_letters(path: str, problem: str, embedded: Desk, tmp_path: Path) -> None:
    write(tmp_path, "dead_letters", [letter()])
    (tmp_path / "empty").mkdir()
    write_run(tmp_path / "run", windows=[window()], anomalies=[anomaly()])
    (tmp_path / "other.parquet").write_bytes(b"PAR1")
    args = [str(tmp_path), path if "://" in path else str(tmp_path / path)]
    assert main(["reprocess", *args, "--topic", embedded.topic]) == 2
    out, err = embedded.capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.replace(f"{tmp_path}/", "").startswith(f"publisher: error: DEAD_LETTERS {problem}")
    assert embedded.received() == []


BASE64, OBJECT = "its payload is not base64: ", "its attributes are not a JSON object of strings: "


@each_format
@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        ({"payload": "bm9uc2Vuc2U"}, BASE64),
        ({"payload": "bm9u c2Vuc2U="}, BASE64),
        ({"payload": "°"}, BASE64),
        ({"attributes": ""}, OBJECT),
        ({"attributes": "{"}, OBJECT),
        ({"attributes": '["a"]'}, OBJECT),
        ({"attributes": '{"a": 1}'}, OBJECT),
        ({"attributes": '{"a": "\\ud800"}'}, OBJECT),
    ],
)
def test_a_damaged_letter(damage: dict[str, str], problem: str, kind: str, embedded: Desk, tmp_path: Path) -> None:
    write(tmp_path, "dead_letters", [letter(b"good", at=0)])
    bad = msgspec.structs.replace(letter(at=2), **damage)
    path = write(tmp_path, "dead_letters", [letter(b"good", at=1), bad], kind=kind, hour="01")
    assert main(["reprocess", str(tmp_path), "--topic", embedded.topic]) == 2
    out, err = embedded.capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith(f"publisher: error: DEAD_LETTERS {path}: letter 2: {problem}")
    assert embedded.received() == []


def test_text_that_is_not_utf8(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path, "dead_letters", [letter(error="QQ")])
    path.write_bytes(path.read_bytes().replace(b"QQ", b"\xff\xfe"))
    assert main(["reprocess", str(path), "--dry-run"]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith(f"publisher: error: DEAD_LETTERS {path}: ")


def test_a_topic_that_disappears(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Letters that could not be published are counted, the exit code says so, and the same command sends them again."""
    gone = [True]
    not_found = grpc.StatusCode.NOT_FOUND
    write(tmp_path, "dead_letters", [letter(b"%d" % n, {"rows": "2"}, at=n) for n in range(3_000)])
    with (
        Broker(fail_publish=lambda number: not_found if gone[0] and number >= 2 else None) as broker,
        clients(broker.address) as server,
    ):
        monkeypatch.setenv("PUBSUB_EMULATOR_HOST", broker.address)
        desk = Desk(server, capsys)
        assert main(["reprocess", str(tmp_path), "--topic", desk.topic]) == 1
        out, err = capsys.readouterr()
        first = json.loads(out)
        unsent = 3_000 - first["messages"]
        assert err.startswith(f"publisher: error: {unsent} of 3000 letters were not sent: NOT_FOUND")
        assert err.count("\n") == 1
        assert 0 < first["failed"] <= 2 * unsent
        assert first["rows_read"] == first["rows_published"] + first["failed"]
        gone[0] = False
        assert desk.run(tmp_path)["messages"] == 3_000
        sent: dict[str, Any] = {}
        for message in desk.received():
            same = sent.setdefault(message.attributes["message_key"], message)
            assert (same.data, same.attributes) == (message.data, message.attributes), "a duplicate is the same message"
        assert [message.data for message in sent.values()] == [b"%d" % n for n in range(3_000)]


@pytest.mark.parametrize("size", [MAX_MESSAGE_BYTES - 100, MAX_MESSAGE_BYTES + 1])
def test_a_letter_that_is_too_large(size: int, embedded: Desk, tmp_path: Path) -> None:
    letters = [letter(b"before", at=1), letter(b"x" * size, at=2), letter(b"after", at=3)]
    write(tmp_path, "dead_letters", letters)
    assert main(["reprocess", str(tmp_path), "--topic", embedded.topic]) == 1
    out, err = embedded.capsys.readouterr()
    assert err.startswith("publisher: error: 1 of 3 letters were not sent: a request of 1000")
    assert {key: json.loads(out)[key] for key in ("rows_read", "rows_published", "failed")} == {
        "rows_read": 3,
        "rows_published": 2,
        "failed": 1,
    }
    assert [message.data for message in embedded.received()] == [b"before", b"after"]


def test_a_file_that_disappears_during_sending(tmp_path: Path) -> None:
    for second in range(3):
        path = write(tmp_path, "dead_letters", [letter(b"%d" % second, at=second)], name=str(second))
    plan = plan_of(tmp_path)
    path.unlink()
    channel = Channel()
    session = Resender(plan, channel, True, threading.Event())
    session.run()
    assert channel.sent == [b"0", b"1"]
    assert (session.error, session.sender.messages) == (f"{path}: No such file or directory", 2)


class Channel:
    """Takes every message; sets an event at one of them."""

    def __init__(self, stopped: threading.Event | None = None, stop_at: int = -1) -> None:
        self.sent: list[bytes] = []
        self.stopped, self.numbers, self.stop_at = stopped, count(), stop_at

    def publish(self, outgoing: ReplayMessage) -> "Future[str]":
        self.sent.append(outgoing.payload)
        if self.stopped is not None and next(self.numbers) == self.stop_at:
            self.stopped.set()
        taken: Future[str] = Future()
        taken.set_result("1")
        return taken

    def resume(self, ordering_key: str) -> None:
        pass


def test_a_signal_ends_it_after_the_letter(tmp_path: Path) -> None:
    write(tmp_path, "dead_letters", [letter(name(n), at=n) for n in range(9)])
    stopped = threading.Event()
    channel = Channel(stopped, 3)
    session = Resender(plan_of(tmp_path), channel, True, stopped)
    session.run()
    assert channel.sent == [name(n) for n in range(4)]
    assert (session.interrupted, session.rows_read, session.sender.rows, session.error) == (True, 4, 4, "")


def test_a_signal_while_files_are_read_sends_nothing(tmp_path: Path) -> None:
    for second in range(9):
        write(tmp_path, "dead_letters", [letter(name(second), at=second)], name=str(second))
    stopped = threading.Event()
    asked = count()
    plan = make_plan(find_files([str(tmp_path)]), LetterChoice(), lambda: next(asked) == 3)
    assert (plan.read, plan.complete) == (4, False)
    channel = Channel()
    session = Resender(plan, channel, True, stopped)
    session.run()
    assert (channel.sent, session.interrupted) == ([], True)
