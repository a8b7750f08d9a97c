"""The corpus of bad messages, read with feeds of every format: nothing raises, and nothing is lost."""

from typing import Any

import pytest

from telemetry.feed.parse import parse_feed
from telemetry.model.messages import Message
from tests.cases.conservation import check_nothing_lost, rows_of
from tests.support.bad_messages import CORPUS, message_of
from transforms.decode.decode_spec import DecodeSpec

FEEDS = {
    "json": "time: {zone: UTC}",
    "strict": "time: {zone: UTC}\nstrict: true",
    "publish time": "time: {publish: true}",
    "named": "format: json\ndevice: {column: device}\nmetrics: {temp: {low: -50, high: 99, missing: [20.5]}}",
    "records": "records: readings",
    "each": "records: '*.*'\ndevice: {column: '*'}",
    "decoded": "records: device|base64|json",
    "long": "long: {name: device, value: temp}",
    "columns": "format: csv\ncsv: {columns: [ts, device, temp], comment: '#'}",
    "aligned": "format: csv\ncsv: {columns: [ts, device, temp], delimiter: ' ', multiline: true}",
    "header": "format: csv\ncsv: {delimiter: ';', decimal: ','}",
    "line protocol": "format: line-protocol",
    "senml": "format: senml",
    "python": "format: python-literal",
    "base64": "body: base64|gzip",
    "text": "body: json-string\nencoding: latin-1",
    "local": "time: {zone: Europe/Rome, publish: true}\ndevice: {attribute: message_key}",
    "counter": "time: {counter: ts, start: 2020-07-12T00:00:00Z}\ndevice: {name: x}",
}
GOOD = b'{"ts": 1594512000, "device": "good", "temp": 20.5}'


@pytest.mark.parametrize("feed", FEEDS)
def test_no_message_of_the_corpus_raises_or_loses_anything(feed: str) -> None:
    spec = DecodeSpec(("temp",), feed=parse_feed(f"version: 1\n{FEEDS[feed]}"))
    for case in CORPUS:
        check_nothing_lost([message_of(case)], spec)


@pytest.mark.parametrize("feed", ["json", "publish time", "local"])
def test_messages_beside_a_bad_one_are_read_all_the_same(feed: str) -> None:
    spec = DecodeSpec(("temp",), feed=parse_feed(f"version: 1\n{FEEDS[feed]}"))
    for case in CORPUS:
        if "columns" not in case:
            beside = [Message(GOOD, {"message_key": "k"}, name) for name in ("before", "after")]
            together = rows_of([beside[0], message_of(case), beside[1]], spec)
            alone = rows_of([message_of(case)], spec)
            assert [[row[1:] for row in rows if row[0] == 1] for rows in together] == [
                [row[1:] for row in rows] for rows in alone
            ]
            assert [row for row in together[0] if row[0] != 1] == [(0, 1, GOOD), (2, 1, GOOD)]


def test_rows_of_bad_csv_are_letters_as_they_came() -> None:
    feed = parse_feed("version: 1\ncsv: {delimiter: ';', decimal: ','}\ntime: {zone: UTC}")
    bad: list[Any] = [case for case in CORPUS if "columns" in case]
    assert len(bad) > 10
    for case in bad:
        message = message_of(case)
        swapped = message.payload.translate(bytes.maketrans(b",;", b";,"))
        check_nothing_lost([Message(swapped, {}, "bad", columns=message.columns)], DecodeSpec(("temp",), feed=feed))
