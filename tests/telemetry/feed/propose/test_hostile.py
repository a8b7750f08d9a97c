"""Samples that are no telemetry, or nearly none: nothing is raised, and the proposal says what is the matter."""

import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry.feed.feed import Feed
from telemetry.feed.parse import parse_feed
from telemetry.feed.propose.propose import propose, propose_messages
from telemetry.feed.propose.sample_text import MAX_SAMPLE_BYTES
from telemetry.feed.propose.write_proposal import write_proposal
from telemetry.model.messages import Message

UNKNOWN = "it is in none of the known formats: no cells of a table, no JSON, line protocol or SenML"
BINARY = "it is binary, not text: a format such as avro or protobuf has to be said"
ZIP = "it is a zip archive or a spreadsheet (.xlsx), not text"
NO_METRIC = "no column with numbers was found that is a metric"


@pytest.mark.parametrize(
    ("sample", "problems"),
    [
        (b"", ("it is empty",)),
        (b" \n\r\n\t", ("it is empty",)),
        (b"\xef\xbb\xbf", ("it is empty",)),
        (b"\0" * 1000, ("it is empty",)),
        (random.Random(1).randbytes(100_000), (BINARY,)),
        (b"\n\0\n\n\x0btemperature\n\n\n\x12\x02 \n", (BINARY,)),
        (b"\x1f\x8b\x08\0" + random.Random(1).randbytes(100), ("it is gzip, not text",)),
        (b"PK\x03\x04\x14\0" + random.Random(1).randbytes(99), (ZIP,)),
        (b"PAR1\x15\x04\x15\0" + random.Random(1).randbytes(100), ("it is Parquet, not text",)),
        (b"Hello, this is a text.\nIt has no numbers; and no table.\nNothing at all.\n", (UNKNOWN,)),
        (b"<html><body>502 Bad Gateway</body></html>", (UNKNOWN,)),
        (b"temp=21.5 hum=40\ntemp=21.6 hum=41\n", (UNKNOWN,)),
        (b"x", (UNKNOWN,)),
        (b"21.5", (UNKNOWN,)),
        (b"a" * MAX_SAMPLE_BYTES, (UNKNOWN,)),
        (b'"' * MAX_SAMPLE_BYTES, (UNKNOWN,)),
        (b",\n" * 10_000, (UNKNOWN,)),
        (b'"a,\n' * 10_000, (UNKNOWN,)),
        (b"a," * 100_000, ("there is a header and no row of data", NO_METRIC)),
        (b"ts,device,temp\n", ("there is a header and no row of data",)),
        (b"ts,device,note\n1594512094,a,hello\n1594512104,a,world\n", (NO_METRIC,)),
        (b"[" * 100_000, ("it begins as JSON, but it cannot be read: nested too deeply",)),
        (b"[[1, 2], [3, 4]]", ("it begins as JSON, but it cannot be read: an array that holds no object",)),
        (b"{}\n{}\n", (NO_METRIC,)),
    ],
    ids=lambda value: repr(value[:20]) if isinstance(value, bytes) else "",
)  # fmt: skip
def test_a_sample_without_readings_says_why(sample: bytes, problems: tuple[str, ...]) -> None:
    proposal = propose("x.log", sample)
    assert proposal.problems == problems
    text = write_proposal(proposal)
    assert parse_feed(text) == proposal.feed
    assert all(f"# Problem: {problem[:60]}" in text for problem in problems)


def test_no_messages() -> None:
    assert propose_messages([]).problems == ("there are no messages",)
    assert propose_messages([Message(b""), Message(b" ")]).problems == ("it is empty",)


@pytest.mark.parametrize("cut", [MAX_SAMPLE_BYTES - 1, MAX_SAMPLE_BYTES, MAX_SAMPLE_BYTES + 1])
@pytest.mark.parametrize(
    ("first", "row", "last"),
    [
        ("ts,device,temp\n", "1594512094,aéé,21.5\n", ""),
        ("", '{"ts":1594512094,"device":"aé","temp":21.5}\n', ""),
        ("[", '{"ts":1594512094,"device":"a,]}é","temp":21.5},', "{}]"),
        ('{"device":"a", "readings":[\n', '{"ts":1594512094,"temp":21.5},\n', "{}]}"),
    ],
    ids=["csv", "lines", "array", "list"],
)
def test_a_file_that_goes_on_behind_the_sample(first: str, row: str, last: str, cut: int) -> None:
    text = (first + row * (2 * MAX_SAMPLE_BYTES // len(row)) + last).encode()
    proposal = propose("x.csv" if first.startswith("ts") else "x.json", text[:cut] if cut > MAX_SAMPLE_BYTES else text)
    records = "readings" if "readings" in first else ""
    assert proposal.feed == Feed(records=records, metrics={"temp": None})
    assert proposal.problems == ()


def whole(sample: bytes, name: str) -> None:
    proposal = propose(name, sample)
    assert parse_feed(write_proposal(proposal)) == proposal.feed


@settings(deadline=None, max_examples=50)
@given(st.binary(max_size=300), st.sampled_from(["x.csv", "x.json", "-", "x"]))
def test_any_bytes_make_a_feed_that_can_be_written(sample: bytes, name: str) -> None:
    whole(sample, name)


CELLS = st.one_of(
    st.sampled_from(["", "1", "-200", "21,5", "21.5 °C", "NA", "true", "2020-07-12", "08:30", "12/07/20 01:02"]),
    st.sampled_from(["a", "sensor.x_temp", "#", '"', "\n", "n", "yes", "null", "1e5", "{", "\ud7ff", "\U0001f600"]),
    st.text(max_size=4),
)  # fmt: skip


@settings(deadline=None, max_examples=50)
@given(st.data(), st.sampled_from(",;\t| "), st.integers(1, 5))
def test_any_table_makes_a_feed_that_can_be_written(data: st.DataObject, delimiter: str, width: int) -> None:
    header = st.sampled_from(["ts", "device", "temp", "value", "parameter", "Temp, °C", "a: b", "-", "1", "x#", "no"])
    rows = [data.draw(st.lists(header | CELLS, min_size=width, max_size=width))]
    rows += data.draw(st.lists(st.lists(CELLS, min_size=width, max_size=width), max_size=6))
    whole("\n".join(delimiter.join(row) for row in rows).encode("utf-8", "surrogatepass"), "x.csv")


NAMES = st.sampled_from(
    ["ts", "device", "temp", "n", "v", "value", "data", "readings", "a.b", "*", '"', "x y", "", "|"]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | CELLS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES | st.text(max_size=3), inner, max_size=4),
    max_leaves=12,
)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.dictionaries(NAMES, VALUES, max_size=5), max_size=4))
def test_any_records_make_a_feed_that_can_be_written(records: list[dict[str, object]]) -> None:

    whole(json.dumps(records).encode(), "x.json")
    whole(repr(records).encode("utf-8", "replace"), "x.txt")
