from typing import Any

import pytest

from telemetry.feed.formats.line_protocol import LineProtocolReader
from telemetry.feed.formats.records import BadPart, FeedFormatError


def read(payload: bytes, precision: str = "ns") -> tuple[list[dict[str, Any]], list[bytes]]:
    records, bad = LineProtocolReader(precision).read(payload)
    return [record.value for record in records], [payload[part.first : part.end] for part in bad]


def test_lines_of_telegraf_are_read():
    payload = b"weather,device=a,site=x temp=31.5,humidity=40 1594512094000000000\nweather temp=21.5\n"
    assert read(payload) == (
        [
            {
                "measurement": "weather",
                "tags": {"device": "a", "site": "x"},
                "fields": {"temp": 31.5, "humidity": 40.0},
                "timestamp": 1594512094000000000,
            },
            {"measurement": "weather", "tags": {}, "fields": {"temp": 21.5}},
        ],
        [],
    )
    records, _ = LineProtocolReader().read(payload)
    assert [payload[one.first : one.end] for one in records] == payload.splitlines()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("1", 1.0),
        ("-1.5e3", -1500.0),
        (".5", 0.5),
        ("12i", 12),
        ("-12i", -12),
        ("12u", 12),
        ("t", True),
        ("True", True),
        ("FALSE", False),
        ("f", False),
        ('"a b, c=d"', "a b, c=d"),
        (r'"a \"b\" \\ c"', r'a "b" \ c'),
        ('"two\nlines"', "two\nlines"),
        ('""', ""),
        ('"°C"', "°C"),
    ],
)
def test_the_types_of_fields(field, value):
    (record,), bad = read(f"m f={field} 5".encode())
    assert record["fields"] == {"f": value}
    assert type(record["fields"]["f"]) is type(value)
    assert (record["timestamp"], bad) == (5, [])


def test_escapes_in_names_and_tags():
    assert read(rb"my\ m\,x,t\=k\,1=v\ w,u=\=z f\ 1=1,f\,2=2 9") == (
        [
            {
                "measurement": "my m,x",
                "tags": {"t=k,1": "v w", "u": "=z"},
                "fields": {"f 1": 1.0, "f,2": 2.0},
                "timestamp": 9,
            }
        ],
        [],
    )


def test_comments_and_blank_lines_are_passed_over():
    assert read(b"# a comment\n\n  m f=1\r\n#m f=2\n")[0] == [{"measurement": "m", "tags": {}, "fields": {"f": 1.0}}]
    assert LineProtocolReader().read(b"# x\n") == ([], [BadPart(0, 4, "holds comments only")])


@pytest.mark.parametrize(("precision", "expected"), [("ns", 7), ("us", 7_000), ("ms", 7_000_000), ("s", 7_000_000_000)])
def test_timestamps_are_nanoseconds_whatever_the_precision(precision, expected):
    assert read(b"m f=1 7", precision)[0][0]["timestamp"] == expected


@pytest.mark.parametrize(
    "line",
    [
        b"m",
        b"m,t f=1",
        b"m f",
        b"m f=",
        b"m f=abc",
        b"m f=1.5i",
        b"m f=" + b"1" * 50 + b"i",
        b"m f=0x1f",
        b"m f=NaN",
        b'm f="open',
        b"m f=1 now",
        b"m f=1 5 6",
        b"m f=1,",
        b"m,t=a,f=1",
        b",t=a f=1",
        b"m f\xff=1",
    ],
)
def test_a_bad_line_costs_only_itself(line):
    good = {"measurement": "m", "tags": {}, "fields": {"f": 1.0}}
    assert read(b"m f=1\n" + line + b"\nm f=1\n") == ([good, good], [line])
    assert LineProtocolReader().read(line)[1][0].end == len(line)


def test_an_unknown_precision_is_refused():
    with pytest.raises(FeedFormatError, match="precision: 'm' is none of ns, us, ms, s"):
        LineProtocolReader("m")
