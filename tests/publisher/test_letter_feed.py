"""`publisher reprocess` with a feed: readings of dead letters go out in the canonical form, all else as it is."""

import base64
import gzip
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from publisher.__main__ import main
from publisher.reprocess.letter_feed import LetterFeed
from publisher.reprocess.letters import Letter
from telemetry.feed.parse import parse_feed
from telemetry.model.record_batches import from_records, to_json_lines
from telemetry.model.records import DeadLetter
from telemetry.storage.files import write_file
from tests.support.pubsub_fixtures import PubSub, clients, embedded_broker

__all__ = ["embedded_broker"]
pytestmark = pytest.mark.xdist_group("emulator")

T0 = 1_594_512_000_000_000  # 2020-07-12T00:00:00Z
FEED = "time: {column: t, publish: true}\ndevice: {column: d}\nmetrics: {temp: {high: 100}}"
GOOD = b'{"t":1594512000,"d":"a","temp":"21.5 C"}'


def letter(
    payload: bytes = GOOD, attributes: Mapping[str, str] | None = None, line: int | None = None, message: str = "m"
) -> Letter:
    return Letter("not_json", "it is not JSON", "decode", payload, dict(attributes or {}), message, line, T0, None)


def rewritten(*letters: Letter, feed: str = FEED) -> list[tuple[bytes, dict[str, str]]]:
    """Return payload and attributes of letters that a feed reads."""
    known = parse_feed(f"version: 1\n{feed}")
    found = list(LetterFeed(known, tuple(known.metrics)).rewrite(letters))
    assert [one.message_id for one in found] == [one.message_id for one in letters]
    return [(one.payload, one.attributes) for one in found]


def test_readings_are_canonical_and_what_cannot_be_read_stays_as_it_is() -> None:
    odd = letter(b'{"t":"soon","d":"a"}', {"rows": "1", "x": "y"})
    found = rewritten(letter(), odd, letter(b'{"d":"b","temp":999}'))
    assert found == [
        (b'{"ts":1594512000,"device":"a","temp":21.5}', {"rows": "1"}),
        (odd.payload, odd.attributes),
        (b'{"ts":1594512000,"device":"b","temp":"out of range: 999"}', {"rows": "1"}),
    ]


def test_a_whole_message_keeps_its_odd_rows() -> None:
    payload = gzip.compress(b"\n".join([GOOD, b"nonsense", b'{"ts":1,"device":"z","t":"soon"}']))
    attributes = {
        "content-encoding": "gzip", "rows": "3", "event_time": "5", "run_id": "r", "time_shift": "2", "own": "x",
    }  # fmt: skip
    assert rewritten(letter(payload, attributes)) == [
        (
            b'{"ts":1594512000,"device":"a","temp":21.5}\nnonsense\n"{\\"ts\\":1,\\"device\\":\\"z\\",\\"t\\":\\"soon\\"}"',
            {"rows": "3", "run_id": "r", "time_shift": "2", "own": "x"},
        )
    ]
    broken = letter(payload[:20], attributes)
    assert rewritten(broken) == [(broken.payload, broken.attributes)]


def test_attributes_of_messages_count() -> None:
    feed = "time: {attribute: at}\ndevice: {attribute: device}\nmetrics: {temp: }"
    (found,) = rewritten(letter(b'{"temp":1}', {"at": "2020-07-12T00:00:01Z", "device": "pump"}), feed=feed)
    assert found[0] == b'{"ts":1594512001,"device":"pump","temp":1}'


CSV = "csv: {columns: [t, d, temp], delimiter: ';'}\n" + FEED


@pytest.mark.parametrize("format", ["", "format: csv\n"])
def test_rows_of_csv_are_read_if_the_feed_names_their_columns(format: str) -> None:
    row = letter(b"1594512000;a;1", line=7)
    tabs = letter(b'1594512001\ta\t"2\n"', {"delimiter": "\t", "multiline": "true"}, line=8)
    again = letter(b"1594512002;b;3", line=9)
    assert [payload for payload, _ in rewritten(row, tabs, again, feed=format + CSV)] == [
        b'{"ts":1594512000,"device":"a","temp":1}',
        b'{"ts":1594512001,"device":"a","temp":2}',
        b'{"ts":1594512002,"device":"b","temp":3}',
    ]
    without = "format: csv\ncsv: {delimiter: ';'}\n" + FEED
    assert rewritten(row, feed=without) == [(row.payload, row.attributes)]


def test_many_letters_are_read_in_blocks_in_their_order() -> None:
    letters = [letter(b'{"t":%d,"d":"a"}' % (1_594_512_000 + n) if n % 7 else b"odd %d" % n) for n in range(1_200)]
    assert [payload for payload, _ in rewritten(*letters)] == [
        b'{"ts":%d,"device":"a"}' % (1_594_512_000 + n) if n % 7 else b"odd %d" % n for n in range(1_200)
    ]


# The command


@pytest.fixture
def server(embedded_broker: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[PubSub]:
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", embedded_broker)
    with clients(embedded_broker) as found:
        yield found


def store(folder: Path, *payloads: bytes) -> str:
    """Write dead letters; returns the path of the file."""
    path = folder / "letters.jsonl"
    records = [
        DeadLetter(
            reason="missing_field",
            error="ts is missing",
            stage="decode",
            payload=base64.b64encode(payload).decode(),
            line=None,
            attributes='{"run_id":"r"}',
            message_id=str(number),
            publish_time=T0 + number,
            event_time=None,
        )
        for number, payload in enumerate(payloads)
    ]
    write_file(str(path), to_json_lines(from_records(DeadLetter, records)))
    return str(path)


def write_feed(folder: Path, text: str = FEED) -> str:
    path = folder / "feed.yaml"
    path.write_text(f"version: 1\n{text}\n")
    return str(path)


def test_dead_letters_are_published_as_the_feed_reads_them(
    server: PubSub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    topic = server.new_topic()
    subscription = server.new_subscription(topic, enable_message_ordering=True)
    letters, feed = store(tmp_path, GOOD, b"odd", GOOD.replace(b"21.5", b"22.5")), write_feed(tmp_path)
    summaries: list[dict[str, Any]] = []
    for flags in ([], ["--feed", feed], ["--feed", feed, "--metrics", "humidity"]):
        assert main(["reprocess", letters, "--topic", topic, *flags]) == 0
        summaries.append(msgspec.json.decode(capsys.readouterr().out))
    assert [one["rows_published"] for one in summaries] == [3, 3, 3]
    assert len({one["run_id"] for one in summaries}) == 3, "a job must not take them for duplicates of each other"
    found = [entry.message.data for entry in server.pull_now(subscription, patience=0.5)]
    assert found == [
        GOOD, b"odd", GOOD.replace(b"21.5", b"22.5"),
        b'{"ts":1594512000,"device":"a","temp":21.5}', b"odd", b'{"ts":1594512000,"device":"a","temp":22.5}',
        b'{"ts":1594512000,"device":"a"}', b"odd", b'{"ts":1594512000,"device":"a"}',
    ]  # fmt: skip


def test_a_dry_run_shows_what_the_feed_reads(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    letters = store(tmp_path, GOOD, b"odd")
    assert main(["reprocess", letters, "--dry-run", "--feed", write_feed(tmp_path)]) == 0
    out = capsys.readouterr().out
    published = b'{"ts":1594512000,"device":"a","temp":21.5}'
    assert f"to be sent      2, 2 rows, {len(published) + 3} bytes\n" in out
    assert f"payload       {published.decode()}\n" in out
    assert main(["reprocess", letters, "--dry-run"]) == 0
    assert f"to be sent      2, 2 rows, {len(GOOD) + 3} bytes\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("feed", "flags", "problem"),
    [
        ("time: {column: t}", [], "--metrics: is required, because the feed names no metrics"),
        ("time: {start: 2020-07-12T00:00:00Z}\nmetrics: {a: }", [], "time.start needs files: dead letters do not tell"),
        ("", ["--metrics", "a"], "--metrics a: is only used with a feed that is not canonical"),
        (FEED, ["--metrics", "ts"], "--metrics ts: 'ts' cannot be a metric"),
        (FEED, ["--time-zone", "Mars"], "--time-zone Mars: "),
        ("time: {colum: t}", [], "unknown field 'colum', did you mean column?"),
    ],
)
def test_each_mistake_is_one_line(
    feed: str, flags: list[str], problem: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--feed", write_feed(tmp_path, feed)] if feed else []
    assert main(["reprocess", store(tmp_path, GOOD), "--dry-run", *words, *flags]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert problem in err


def test_attributes_of_rows_of_files_are_left_out() -> None:
    (found,) = rewritten(letter(attributes={"file": "a.csv", "first_row": "3", "line_bytes": "9", "mine": "1"}))
    assert found[1] == {"mine": "1", "rows": "1"}
    assert json.loads(found[0])["device"] == "a"
