"""Look at files of many dialects: what they are, and where they may be cut."""

import io
import pickle
from dataclasses import replace
from typing import Any

import pytest

from telemetry.errors import ConfigError
from telemetry.feed.feed import CsvFields, DeviceFields, Feed, TimeFields
from telemetry.feed.files.look import LOOK_BYTES, look_at
from telemetry.feed.files.other_shape import MAX_DOCUMENT_BYTES, MAX_WHOLE_BYTES
from telemetry.feed.files.shape import Cutting, FileShape

CSV = FileShape("csv", columns=("ts", "device", "t"), rows_begin=12, delimiter=",")
HEAD = b"ts,device,t\n"
ONE = DeviceFields(name="pump")


def look(content: bytes, name: str = "in/rows.csv", feed: Feed | None = None) -> FileShape:
    return look_at(io.BytesIO(content), name, feed or Feed())


def csv_feed(**fields: Any) -> Feed:
    return Feed(csv=CsvFields(**fields))


@pytest.mark.parametrize(
    ("content", "feed", "expected"),
    [
        (HEAD + b"1,a,2\n", Feed(), CSV),
        (b"\xef\xbb\xbf" + HEAD, Feed(), replace(CSV, rows_begin=15)),
        (b"\n \r\n" + HEAD, Feed(), replace(CSV, rows_begin=16)),
        (b"ts, device ,t\r\n", Feed(), replace(CSV, rows_begin=15)),
        (b'"ts","device","t"\n', Feed(), replace(CSV, rows_begin=18)),
        (b'ts, "device", "t"\n', Feed(), replace(CSV, rows_begin=18)),
        (b"ts,device,t", Feed(), replace(CSV, rows_begin=11)),
        (b"\0\0ts,device,t\n", Feed(), replace(CSV, rows_begin=14)),
        (HEAD + b'1,a,"x\ny"\n', Feed(), replace(CSV, cutting=Cutting.ROWS)),
        (HEAD + b'1,a,"x\n2,b,"y"\n3,c,z\n', Feed(), CSV),
        (HEAD + b"1,a,2\n", csv_feed(multiline=True), replace(CSV, cutting=Cutting.ROWS)),
        (b"a\nb\n" + HEAD + b"s,,C\n", csv_feed(header=3, skip=1), replace(CSV, rows_begin=21)),
        (b"\n\n" + HEAD, csv_feed(header=3), replace(CSV, rows_begin=14)),
        (b"# x\n#y\n" + HEAD, csv_feed(comment="#"), replace(CSV, rows_begin=19)),
        (b"1,a,2\n", csv_feed(header=0, columns=("ts", "device", "t")), replace(CSV, rows_begin=0)),
        (b"x\n1,a,2\n", csv_feed(header=0, skip=1, columns=("ts", "device", "t")), replace(CSV, rows_begin=2)),
        (b"a,b,c\n1,a,2\n", csv_feed(columns=("ts", "device", "t")), replace(CSV, rows_begin=6)),
        (b"ts;device;t\n", csv_feed(delimiter=";"), replace(CSV, delimiter=";")),
        (b"ts,'device',t\n", csv_feed(quote="'"), replace(CSV, rows_begin=14, quote="'")),
        (HEAD, Feed(encoding="latin-1"), replace(CSV, encoding="iso8859-1")),
        (HEAD, Feed(encoding="utf-8"), CSV),
        (HEAD.decode().encode("utf-16"), Feed(), replace(CSV, encoding="utf-16")),
        (b"\xfe\xff" + HEAD.decode().encode("utf-16-be"), Feed(), replace(CSV, encoding="utf-16")),
        (
            HEAD.decode().encode("utf-16-le"), Feed(encoding="UTF-16"), replace(CSV, encoding="utf-16-le")
        ),
        (HEAD, Feed(time=TimeFields(start="2020-01-01T00:00:00Z")), replace(CSV, counts_rows=True)),
        (HEAD, Feed(time=TimeFields(start="2020-01-01T00:00:00Z", counter="t")), CSV),
        (HEAD.decode().encode("utf-16-be"), Feed(), replace(CSV, encoding="utf-16-be")),
        (b"sep=,\r\n" + HEAD, Feed(), replace(CSV, rows_begin=19)),
        (b'\xef\xbb\xbf"SEP=;"\nts;device;t\n', csv_feed(delimiter=";"), replace(CSV, rows_begin=23, delimiter=";")),
        (b"sep=,\n" + HEAD, csv_feed(header=2), replace(CSV, rows_begin=18)),
        (b" ts   device\tt \n", csv_feed(delimiter=" "), replace(CSV, rows_begin=16, delimiter=" ")),
        (HEAD, Feed(device=DeviceFields(file=True)), replace(CSV, names_file=True)),
        (HEAD, Feed(time=TimeFields(zone="Europe/Rome")), replace(CSV, in_order=True)),
        (HEAD, Feed(time=TimeFields(zone="+02:00")), CSV),
        (HEAD, Feed(time=TimeFields(zone="Asia/Kolkata")), CSV),
        (b"Date,Time\n", Feed(time=TimeFields(column=("Date", "Time")), device=ONE),
         replace(CSV, columns=("Date", "Time"), rows_begin=10)),
    ],
)  # fmt: skip
def test_csv(content: bytes, feed: Feed, expected: FileShape) -> None:
    shape = look(content, feed=feed)
    assert shape == expected
    assert pickle.loads(pickle.dumps(shape)) == shape


def test_a_header_may_hold_line_breaks() -> None:
    shape = look(b'ts,device,"temp\n(C)"\n1,a,2\n')
    assert (shape.columns, shape.rows_begin, shape.cutting) == (("ts", "device", "temp\n(C)"), 21, Cutting.LINES)
    shape = look(b'ts,device,"temp\n1,a,2\n')  # nobody closes it
    assert (shape.columns, shape.rows_begin) == (("ts", "device", "temp"), 16)


@pytest.mark.parametrize(
    ("name", "content", "delimiter", "own"),
    [
        ("a.tsv", b"ts\tdevice\n", "\t", True),
        ("A.TSV", b"ts\tdevice\n", "\t", True),
        ("a.tsv", b"ts,device\n", ",", False),
        ("a.txt", b"ts,device\n", ",", False),
        ("a.dat", b"ts,device\n", ",", False),
        ("-", b"ts,device\n", ",", False),
    ],
)
def test_the_name_tells_the_delimiter(name: str, content: bytes, delimiter: str, own: bool) -> None:
    shape = look(content, name)
    assert (shape.format, shape.columns, shape.delimiter) == ("csv", ("ts", "device"), delimiter)
    assert shape.has_own_delimiter is own
    shape = look(b"ts\tdevice\n", "a.tsv", csv_feed(delimiter="\t"))
    assert (shape.delimiter, shape.has_own_delimiter) == ("\t", False)


JSON = FileShape()
DOCUMENTS = FileShape(cutting=Cutting.DOCUMENTS)
RECORDS = Feed(records="values")
LINES = b'{"ts":1}\n{"ts":2}\n'
PRETTY = b'{\n  "ts": 1\n}\n{\n  "ts": 2\n}\n'


@pytest.mark.parametrize(
    ("name", "content", "feed", "expected"),
    [
        ("a.jsonl", LINES, Feed(), JSON),
        ("a.ndjson", LINES, Feed(), JSON),
        ("a.json", LINES, Feed(), JSON),
        ("a.txt", LINES, Feed(), JSON),
        ("-", LINES, Feed(), JSON),
        ("a.json", b"", Feed(), JSON),
        ("a.json", b"\xef\xbb\xbf" + LINES, Feed(), replace(JSON, rows_begin=3)),
        ("a.json", b'{"ts":1,"dev\n' + LINES, Feed(), JSON),
        ("a.json", b"[{},\n{}]", Feed(), DOCUMENTS),
        ("a.json", b"\n  [\n", Feed(), DOCUMENTS),
        ("a.json", b"[1]\n[2]\n", Feed(), DOCUMENTS),
        ("a.json", PRETTY, Feed(), DOCUMENTS),
        ("a.json", b"\xef\xbb\xbf" + PRETTY, Feed(), replace(DOCUMENTS, rows_begin=3)),
        ("a.json", b'{"a": "{",\n"b": 2}\n', Feed(), DOCUMENTS),
        ("a.json", b'{"a": "}"', Feed(), JSON),
        ("a.json", b'{"a": "' + b"x" * LOOK_BYTES, Feed(), JSON),
        ("a.json", LINES, Feed(time=TimeFields(start="2020-01-01T00:00:00Z")), replace(DOCUMENTS, counts_rows=True)),
        ("a.json", LINES, RECORDS, JSON),
        ("a.json", b'{"values":[\n{},{}]}', RECORDS, replace(DOCUMENTS, most_bytes=MAX_DOCUMENT_BYTES)),
        ("a.json", b'{"values":[{},{}]}', RECORDS, replace(DOCUMENTS, most_bytes=MAX_DOCUMENT_BYTES)),
        ("a.json", b'[{"values":[{}]}]', RECORDS, DOCUMENTS),
        ("a.json", LINES.decode().encode("utf-16"), Feed(), replace(JSON, encoding="utf-16")),
        ("a.any", b"m v=1 2\n", Feed(format="line-protocol"), FileShape("line-protocol")),
        ("a.any", b"{'a': 1}\n", Feed(format="python-literal"), FileShape("python-literal")),
        ("a.json", b'[{"n":"a"}]\n[{"n":"b"}]\n', Feed(format="senml"), FileShape("senml")),
        ("a.json", b'[{"n":"a"},\n{"n":"b"}]', Feed(format="senml"),
         FileShape("senml", Cutting.DOCUMENTS, opens_arrays=False, most_bytes=MAX_DOCUMENT_BYTES)),
        ("a.avro", b"Obj\x01", Feed(format="avro"), FileShape("avro", Cutting.WHOLE, most_bytes=MAX_WHOLE_BYTES)),
        ("a.avro", b"\xff\xfe", Feed(format="avro"), FileShape("avro", Cutting.WHOLE, most_bytes=MAX_WHOLE_BYTES)),
        ("a.bin", b"x", Feed(format="my:decode"), FileShape("my:decode", Cutting.WHOLE, most_bytes=MAX_WHOLE_BYTES)),
        ("a.txt", b"x", Feed(format="protobuf", body="base64"), FileShape("protobuf", Cutting.EACH_LINE)),
        ("a.json", b"x", Feed(body="gzip"), FileShape("json", Cutting.WHOLE, most_bytes=MAX_WHOLE_BYTES)),
    ],
)  # fmt: skip
def test_other_formats(name: str, content: bytes, feed: Feed, expected: FileShape) -> None:
    assert look(content, name, feed) == expected


@pytest.mark.parametrize(
    ("shape", "divisible"),
    [
        (CSV, True),
        (JSON, True),
        (FileShape(cutting=Cutting.EACH_LINE), True),
        (replace(CSV, names_file=True), True),
        (replace(CSV, encoding="utf-16"), False),
        (replace(CSV, in_order=True), False),
        (replace(CSV, counts_rows=True), False),
        (replace(CSV, cutting=Cutting.ROWS), False),
        (DOCUMENTS, False),
        (FileShape(cutting=Cutting.WHOLE), False),
    ],
)
def test_only_lines_whose_order_does_not_matter_are_read_in_ranges(shape: FileShape, divisible: bool) -> None:
    assert shape.is_divisible is divisible


@pytest.mark.parametrize(
    ("content", "feed", "problem"),
    [
        (b"", Feed(), "is empty; a CSV file begins with a header"),
        (b" \n\n", Feed(), "is empty; a CSV file begins with a header"),
        (b"a,b\n", csv_feed(header=5), "has no header in line 5"),
        (b"\xff\n", Feed(), "its header is not UTF-8; say its encoding in --feed"),
        (b"t\0s\0,\0\xff\0\n\0", Feed(), "its header is not UTF-8 but seems to be UTF-16; say its encoding in --feed"),
        (b"ts,device,ts\n", Feed(), "2 columns are called ts; one must be"),
        (b"a,b\n", Feed(), "no columns ts and device, it has: a, b; use --feed or, if there is only one, --device "
         "NAME"),
        (b"ts,b\n", Feed(device=ONE, time=TimeFields(column="x")), "no column x; did you mean `ts`? use --feed or "
         "--time-column ts"),
        (b"timestamp,device\n", Feed(), "no column ts; did you mean `timestamp`? use --feed or --time-column "
         "timestamp"),
        (b"ts,deviceId\n", Feed(), "no column device; did you mean `deviceId`? use --feed or --device-column deviceId"),
        (b"Date,Time,Mote ID\n", Feed(), "no columns ts and device; did you mean `Date` and `Time` and `Mote ID`? use "
         "--feed or --time-column Date,Time --device-column 'Mote ID'"),
        (b"ts;device\n", Feed(), "no columns ts and device; cells seem to be divided by ';': use --delimiter ';' or "
         "--feed"),
        (b"ts\tdevice\n", Feed(), "no columns ts and device; cells seem to be divided by tab: use --delimiter tab or "
         "--feed"),
        (b"station,4\nfrom,here\ntimestamp,t\n1,2\n", Feed(), "no columns ts and device; line 3 seems to be the "
         "header: use --feed with `csv.header` 3"),
        (b"1,nan,2\n2,nan,3\n", Feed(), "no columns ts and device; its first line is a row and no header: use --feed "
         "with `csv.header` 0 and `csv.columns`"),
        (b"x" * 70_000 + b",ts\n", Feed(), "its header is longer than 65,536 bytes"),
        (b"ts,device,t\r1,a,2\r", Feed(), "its lines end with carriage returns alone, and must with line feeds"),
        (b"1,a,2\n", csv_feed(columns=("ts", "device", "t")), "line 1 is a row and no header: use --feed with "
         "`csv.header` 0"),
        (b"Plot: 1\n#,\"Date Time, GMT+02:00\",t\n", Feed(), "no columns ts and device; line 2 seems to be the header"),
        (b"\"Date Time, GMT\",device\n", Feed(), "no column ts; did you mean `Date Time, GMT`? use --feed or "
         "--time-column '\"Date Time, GMT\"'"),
        (b"ts,device,a\rb\n", Feed(), "its header is no line of CSV: new-line character seen in unquoted field"),
    ],
)  # fmt: skip
def test_problems_are_one_line(content: bytes, feed: Feed, problem: str) -> None:
    with pytest.raises(ConfigError) as raised:
        look(content, feed=feed)
    assert str(raised.value).startswith(f"--input in/rows.csv: {problem}")
    assert "\n" not in str(raised.value)


def test_a_file_of_no_known_name_needs_a_format() -> None:
    with pytest.raises(ConfigError, match=r"INPUT /a/rows\.log: not one of \.csv, \.tsv, .*; a feed's `format` says"):
        look_at(io.BytesIO(b""), "rows.log", Feed(), flag="INPUT", path="/a/rows.log")
    assert look(HEAD, "rows.log", Feed(format="csv")) == CSV


def test_only_the_beginning_is_read() -> None:
    stream = io.BytesIO(HEAD + b"1,a,2\n" * 300_000)
    assert look_at(stream, "a.csv", Feed()) == CSV
    assert stream.tell() == LOOK_BYTES
