"""Any feed, any input: nothing raises, nothing is lost, and how an input is cut or gathered changes no reading."""

import io
from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry.errors import ConfigError
from telemetry.feed.feed import CSV, Feed
from telemetry.feed.files.look import look_at_beginning
from telemetry.feed.files.messages import file_messages
from telemetry.model.messages import Message
from tests.cases.conservation import check_nothing_lost, rows_of
from tests.cases.feed_strategies import COLUMNS, METRICS, PAYLOADS, feeds, rows
from transforms.decode.decode_spec import DecodeSpec

MESSAGES = st.lists(
    st.tuples(PAYLOADS, st.sampled_from([{}, {"t": "1594512000"}, {"dev": "x", "t": "noon", "file": "a.csv"}])),
    max_size=4,
)


def numbered(found: Sequence[tuple[bytes, dict[str, str]]], columns: tuple[str, ...] | None = None) -> list[Message]:
    return [
        Message(payload, attributes, f"m{number}", None if columns else 1_600_000_000_000_000, columns=columns)
        for number, (payload, attributes) in enumerate(found)
    ]


@settings(max_examples=100)
@given(feeds(), MESSAGES)
def test_messages_are_read_without_loss(feed: Feed, found: list[tuple[bytes, dict[str, str]]]) -> None:
    check_nothing_lost(numbered(found), DecodeSpec(METRICS, feed=feed))


@settings(max_examples=50)
@given(feeds(formats=(CSV,)), st.data())
def test_rows_of_csv_are_read_without_loss(feed: Feed, data: st.DataObject) -> None:
    payloads = data.draw(st.lists(rows(feed.csv.delimiter, data.draw(st.sampled_from(["\n", "\r\n"]))), max_size=3))
    messages = numbered([(payload, {}) for payload in payloads], data.draw(st.sampled_from([None, COLUMNS])))
    check_nothing_lost(messages, DecodeSpec(METRICS, feed=feed))


@settings(max_examples=50)
@given(feeds(), MESSAGES)
def test_messages_together_are_read_as_each_alone(feed: Feed, found: list[tuple[bytes, dict[str, str]]]) -> None:
    spec, messages = DecodeSpec(METRICS, feed=feed), numbered(found)
    together = rows_of(messages, spec)
    alone = [rows_of([message], spec) for message in messages]
    for kind in (0, 1):
        expected = [(number, *row[1:]) for number, one in enumerate(alone) for row in one[kind]]
        assert sorted(together[kind]) == sorted(expected)


@settings(max_examples=60)
@given(feeds(formats=("", CSV)), st.data())
def test_files_are_read_the_same_however_they_are_cut(feed: Feed, data: st.DataObject) -> None:
    content = data.draw(rows(feed.csv.delimiter, data.draw(st.sampled_from(["\n", "\r\n"]))) | PAYLOADS)
    head = feed.csv.delimiter.join(COLUMNS).encode() + b"\n"
    content = b"\n" * max(feed.csv.header - 1, 0) + head + content if data.draw(st.booleans()) else content
    name = data.draw(st.sampled_from(["a.csv", "a.txt", "b.json", "b.jsonl"]))
    try:
        shape = look_at_beginning(content, name, feed)
    except ConfigError:
        return
    spec = DecodeSpec(METRICS, feed=feed)
    found = []
    for block in (1 << 20, data.draw(st.integers(1, 60))):
        messages = list(file_messages(io.BytesIO(content), f"{block}/{name}", shape, block_bytes=block))
        for message in messages:
            check_nothing_lost([message], spec)
        found.append([row[2] for message in messages for row in rows_of([message], spec)[0]])
    if shape.format == CSV:
        assert found[0] == found[1]
