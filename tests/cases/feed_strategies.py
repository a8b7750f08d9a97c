"""Strategies of valid feeds, and of inputs that may be anything."""

from typing import Any, Final

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from telemetry.feed.checks import check_feed
from telemetry.feed.feed import CsvFields, DeviceFields, Feed, LongFields, MetricFields, TimeFields

METRICS: Final = ("temp", "hum")
COLUMNS: Final = ("ts", "device", "temp", "hum", "note")
ZONES: Final = ("", "UTC", "+02:00", "Asia/Kolkata")
"""Zones without hours that come twice: in those, a time depends on what came before."""
PATHS: Final = ("ts", "device", "temp", "hum", "note", "a.b", "a[0]", "a|json.b", "*", "[1]", '"a.b"', "a|base64|json")
BODIES: Final = ("", "", "", "base64", "json-string", "gzip", "base64|zlib")
FORMATS: Final = ("", "json", "csv", "line-protocol", "senml", "python-literal")


def some(kind: Any, **fields: SearchStrategy[Any]) -> SearchStrategy[Any]:
    """Return a strategy of a struct with some of its fields."""
    return st.fixed_dictionaries({}, optional=fields).map(lambda given: kind(**given))


CODES: Final = st.lists(
    st.sampled_from(["NA", "x", "20.5", "", "-"]) | st.sampled_from([-200.0, 0.0, 21.5]), max_size=2
)
NUMBERS: Final = st.sampled_from([-50.0, 0.0, 0.1, 20.5, 1e300])
DIALECTS: Final = some(
    CsvFields,
    delimiter=st.sampled_from(",;\t| "),
    decimal=st.sampled_from(".,"),
    quote=st.sampled_from("\"'"),
    header=st.integers(0, 2),
    skip=st.integers(0, 2),
    columns=st.permutations(COLUMNS).map(tuple),
    comment=st.sampled_from(["#", "", "//"]),
    multiline=st.booleans(),
)
TIMES: Final = st.one_of(
    some(
        TimeFields,
        column=st.sampled_from(PATHS) | st.just(("ts", "note")),
        publish=st.booleans(),
        format=st.sampled_from(["%Y-%m-%d %H:%M:%S", "%d.%m.%y", ("%Y %j", "%Y-%m-%d")]),
        zone=st.sampled_from(ZONES),
        unit=st.sampled_from(["s", "ms", "ns", "excel", "days"]),
        day_first=st.booleans(),
    ),
    some(TimeFields, attribute=st.sampled_from(["t", "other"]), publish=st.booleans(), zone=st.sampled_from(ZONES)),
    st.just(TimeFields(start="2020-07-12T00:00:00Z", interval="250ms")),
    st.just(TimeFields(start="2020-07-12T00:00:00Z", counter="ts")),
)
DEVICES: Final = st.one_of(
    some(DeviceFields, column=st.sampled_from(PATHS), match=st.sampled_from(["(.)", "([a-z]+)$", "x()"])),
    st.sampled_from([DeviceFields(attribute="dev"), DeviceFields(file=True), DeviceFields(name="one")]),
)
LONG: Final = st.builds(LongFields, st.just("device"), st.sampled_from(["temp", "a"]), st.sampled_from(["", "(.)$"]))
METRIC_FIELDS: Final = some(
    MetricFields,
    column=st.sampled_from(PATHS),
    missing=CODES.map(tuple),
    low=NUMBERS,
    high=st.just(1e300),
    scale=st.sampled_from([1.0, 0.1, -2.0]),
    offset=NUMBERS,
    boolean=st.booleans(),
)


def feeds(*, formats: tuple[str, ...] = FORMATS) -> SearchStrategy[Feed]:
    """Return a strategy of feeds that a file could hold."""
    fields = {
        "format": st.sampled_from(formats),
        "body": st.sampled_from(BODIES),
        "encoding": st.sampled_from(["", "latin-1", "utf-16"]),
        "csv": DIALECTS,
        "records": st.sampled_from(["", "", "a", "a.*.b", "*", "a|json", "a|base64|json"]),
        "time": TIMES,
        "device": DEVICES,
        "metrics": st.fixed_dictionaries({}, optional=dict.fromkeys(METRICS, METRIC_FIELDS | st.none())),
        "long": st.none()
        | st.builds(LongFields, st.just("device"), st.sampled_from(["temp", "a"]), st.sampled_from(["", "(.)$"])),
        "missing": CODES.map(tuple),
        "strict": st.booleans(),
    }
    return some(Feed, **fields).filter(lambda feed: check_feed(feed, {}) is None)


_CELLS: Final = (
    "1594512000", "2020-07-12 10:00:00", "2020-07-12T10:00:00Z", "13.07.20", "44025.5", "a", "b", "temp", "hum", "21.5",
    "21,5", "1.013,2 hPa", "-200", "NA", "", " ", "x", "é", '"a, b"', '"a\nb"', '"open', 'a"b', "''", "\0", "true",
    "1e400", "9" * 30,
)  # fmt: skip
_DOCUMENTS: Final = (
    '{"ts":1594512000,"device":"a","temp":21.5}',
    '{"ts":"2020-07-12T10:00:00Z","device":7,"temp":"21.5 °C","hum":null}',
    '{"ts":1594512000,"device":"b","temp":NaN,"hum":true,"note":[1,{"a":2}]}',
    '{"a":[{"b":[{"ts":1594512000,"device":"a","temp":1}],"device":"c"},5],"ts":1594512010}',
    '{"a":{"x":{"temp":1},"y":{"temp":2}},"ts":1594512010,"device":"d"}',
    '{"a":"{\\"b\\":1594512000,\\"temp\\":2}","device":"e"}',
    '{"a":"eyJ0cyI6MTU5NDUxMjAwMCwiZGV2aWNlIjoiZiJ9"}',
    '{"ts":[1594512000,1594512010],"temp":[1,2],"device":"g"}',
    '{"ts":1e999,"device":"","temp":9999999999999999999999}',
    '{"ts":1594512000,"device":"\\ud800","temp":1}',
    "{}", "[]", "5", "null", '"x"', '{"ts":', "}", "weather,device=a temp=1 1594512000", "{'ts': 1, 'temp': nan}",
    '[{"n":"a","v":1,"t":1594512000}]',
)  # fmt: skip
HOSTILE: Final = st.one_of(
    st.sampled_from(_DOCUMENTS).map(str.encode),
    st.sampled_from(_CELLS).map(str.encode),
    st.sampled_from(
        [b"\n", b"\n", b"\r\n", b",", b";", b"\t", b" ", b'"', b"[", b"]", b"\0", b"\xff", b"\xef\xbb\xbf", b"#"]
    ),
    st.binary(max_size=6),
)
PAYLOADS: Final = st.lists(HOSTILE, max_size=12).map(b"".join)


def rows(delimiter: str, ends: str = "\n") -> SearchStrategy[bytes]:
    """Return a strategy of CSV whose rows are often good."""
    good = st.tuples(
        st.sampled_from(["1594512000", "1594512000.5", "2020-07-12T10:00:00Z"]),
        st.sampled_from("ab"),
        st.just("1"),
        st.just(""),
    )
    row = st.one_of(good.map(list), st.lists(st.sampled_from(_CELLS), max_size=6)).map(delimiter.join)
    return st.lists(row, max_size=10).map(lambda found: (ends.join(found) + ends).encode())
