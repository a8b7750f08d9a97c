"""A replay of foreign files is the same to a job as the files: same readings, dead letters and unread values."""

import base64
import json
import tempfile
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from telemetry.feed.feed import Feed
from telemetry.feed.parse import parse_feed
from tests.support.replayed_feeds import job_on_file, job_on_replay, replayed

METRICS = ("temp", "light", "note")
BEGIN_S = 1_594_512_000
CELLS = [
    "21.5", "-3", "0", "1,5", "1.234,5", "1,234.5", "-200", "999", "1e3", "1e400", "inf", "nan", "", "  ", "n/a",
    "true", "OFF", "hot", "21.5 °C", "0x1A", "9" * 120, "-", "'", "007", "+1", ".5", "1_000", '"quoted"', "two\nlines",
    "a;b", "0," + "1" * 200,
]  # fmt: skip
TIMES = [f"{BEGIN_S + step}" for step in (0, 1, 1, 60, 5)] + [
    f"{BEGIN_S}.123457", f"{BEGIN_S}000", "2020-07-12T00:00:10Z", "2020-07-12 02:00:20", "12/07/2020 02:00:30", "soon",
    "", "0", "2020-10-25 02:30:00", "2020-10-25 02:10:00", "1e12",
]  # fmt: skip
DEVICES = ["a", "b", "", " c ", "5", "d é", 'e"f', "x" * 300]
ODD = [
    b"", b"   ", b"x", b"a,b,c,d,e,f,g,h", b"\xff\xfe", b"[1, 2]", b"{", b"}", b'"', b"[", b"]", b"{}", b"5", b"null",
    b'{"ts":%d,"device":"z","temp":1}' % BEGIN_S, b'[{"ts":%d,"device":"z"}]' % BEGIN_S, b'{"ts":1,', b"1" * 270_000,
    b'{"time":%d}' % BEGIN_S, b'{"ts":%d,"device":5}' % BEGIN_S,
]  # fmt: skip


class Dialect(NamedTuple):
    """A form of files, and the feed that reads it."""

    name: str
    feed: Feed
    form: str
    delimiter: str = ","


def csv(name: str, text: str = "", delimiter: str = ",") -> Dialect:
    feed = parse_feed(f"version: 1\n{text}") if text else Feed()
    return Dialect(name, feed, "csv", delimiter)


def lines(name: str, form: str, text: str = "") -> Dialect:
    return Dialect(name, parse_feed(f"version: 1\n{text}") if text else Feed(), form)


LIMITS = "metrics: {temp: {missing: [-200, hot], low: -10, high: 100, scale: 2}, light: {boolean: true}, note: }\n"
DIALECTS = [
    csv("plain.csv"),
    csv("canonical.tsv", delimiter="\t"),
    csv("named.csv", "time: {column: ts, zone: Europe/Rome}\ndevice: {column: device}"),
    csv(
        "semi.csv",
        f"csv: {{delimiter: ';', decimal: ','}}\ntime: {{zone: Europe/Rome, day_first: true}}\n{LIMITS}",
        ";",
    ),
    csv("strict.csv", f"strict: true\n{LIMITS}"),
    csv("started.csv", "time: {start: 2020-07-12T00:00:00Z, interval: 5s}\ndevice: {file: true}"),
    csv("multi.csv", "csv: {multiline: true}\ndevice: {match: '([a-z])'}"),
    csv("long.csv", "long: {name: light, value: temp}\nmetrics: {note: , hot: {low: 0}, '21.5': }"),
    lines("lines.jsonl", "lines"),
    lines("array.json", "array"),
    lines("pretty.json", "pretty"),
    lines("named.jsonl", "lines", LIMITS),
    lines("arrays.json", "array", f"time: {{zone: Europe/Rome}}\n{LIMITS}"),
    lines("strict.ndjson", "lines", f"strict: true\ndevice: {{match: '(.)'}}\n{LIMITS}"),
    lines("records.jsonl", "records", f"records: rows\n{LIMITS}"),
    lines("literal.txt", "lines", f"format: python-literal\n{LIMITS}"),
    lines("wrapped.txt", "base64", f"format: json\nbody: base64\n{LIMITS}"),
]
"""Forms of files; those without a feed are canonical, if not always one row a line."""


@st.composite
def values(draw: st.DrawFn) -> object:
    """A value of JSON: as it may be in a record."""
    numbers = st.one_of(st.integers(-300, 300), st.floats(allow_nan=False, allow_infinity=False, width=64))
    return draw(st.one_of(st.sampled_from(CELLS), numbers, st.booleans(), st.none(), st.just([1]), st.just({"a": 1})))


@st.composite
def contents(draw: st.DrawFn, dialect: Dialect) -> bytes:
    """The bytes of a file."""
    if dialect.form == "csv":
        return draw(tables(dialect))
    record = st.fixed_dictionaries(
        {"ts": st.one_of(st.sampled_from(TIMES), st.sampled_from([BEGIN_S, BEGIN_S + 0.25, 0, None, True]))},
        optional={"device": st.sampled_from([*DEVICES, 5, None]), **dict.fromkeys(METRICS, values())},
    )
    records = draw(st.lists(record, min_size=1, max_size=8))
    if dialect.form == "array":
        return json.dumps([*records, *draw(st.lists(st.sampled_from([5, [1], "x"]), max_size=2))]).encode()
    if dialect.form == "pretty":
        return b"\n".join(json.dumps(one, indent=2).encode() for one in records)
    if dialect.form == "records":
        records = [{"rows": records[:2], "device": "outer"}, *({"rows": [one], "ts": BEGIN_S} for one in records[2:])]
    texts = [json.dumps(one).encode() for one in records]
    if dialect.feed.format == "python-literal":
        texts = [repr(one).encode() for one in records]
    if dialect.form == "base64":
        texts = [base64.b64encode(one) for one in texts]
    odd = draw(st.lists(st.sampled_from(ODD), max_size=3))
    return b"\n".join([texts[0], *draw(st.permutations([*texts[1:], *odd]))]) + b"\n"


@st.composite
def tables(draw: st.DrawFn, dialect: Dialect) -> bytes:
    """A table of CSV, with rows that are none."""
    delimiter = dialect.delimiter
    cells = st.sampled_from(CELLS)
    row = st.tuples(st.sampled_from(TIMES), st.sampled_from(DEVICES), cells, cells, cells)
    rows = [_row(one, delimiter) for one in draw(st.lists(row, min_size=1, max_size=10))]
    lines_of_json = ("{", "[") if dialect.name == "plain.csv" else ()  # published as they are, as ever
    odd_lines = [line for line in ODD if not line.decode("latin-1").startswith(lines_of_json)]
    odd = draw(st.lists(st.sampled_from(odd_lines), max_size=3))
    header = delimiter.join(("ts", "device", *METRICS)).encode()
    return b"\n".join([header, rows[0], *draw(st.permutations([*rows[1:], *odd]))]) + b"\n"


def _row(cells: tuple[str, ...], delimiter: str) -> bytes:
    needs_quotes = (delimiter, '"', "\n")
    return delimiter.join(
        '"' + cell.replace('"', '""') + '"' if any(one in cell for one in needs_quotes) else cell for cell in cells
    ).encode()


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
@given(data=st.data(), rows_per_message=st.sampled_from([1, 3, 100]))
@settings(deadline=None, max_examples=20, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_a_replay_is_to_a_job_what_the_file_is(dialect: Dialect, data: st.DataObject, rows_per_message: int) -> None:
    metrics = tuple(dialect.feed.metrics) or METRICS
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / dialect.name
        path.write_bytes(data.draw(contents(dialect)))
        expected = job_on_file(path, dialect.feed, metrics)
        asked = None if dialect.feed.metrics or dialect.feed == Feed() else metrics
        assert job_on_replay(replayed(path, dialect.feed, asked), metrics, rows_per_message) == expected
