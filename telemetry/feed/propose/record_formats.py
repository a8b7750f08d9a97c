"""Recognise the format of payloads that are records: JSON, SenML, line protocol, Python literals, and wrappers."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from telemetry.feed.formats.body import decode_base64, unwrap
from telemetry.feed.formats.inflate import InflateError
from telemetry.feed.formats.line_protocol import LineProtocolReader
from telemetry.feed.formats.readers import record_reader
from telemetry.feed.propose.cut_json import close_json

_MOST_RECORDS: Final = 5_000
_LEAST_READ: Final = 0.2  # messages of several kinds may be mixed
_BASE64: Final = re.compile(rb"\s*[A-Za-z0-9+/_-][A-Za-z0-9+/_\s-]{6,}={0,2}\s*")
_PACKED: Final = {
    b"\x1f\x8b": "gzip",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"\x78\x01": "zlib",
    b"\x78\x9c": "zlib",
    b"\x78\xda": "zlib",
}
_SENML: Final = frozenset(("bn", "bt", "bu", "bv", "bs", "bver", "n", "u", "v", "vs", "vb", "vd", "s", "t", "ut"))
_SENML_VALUES: Final = frozenset(("v", "vs", "vb", "vd", "s", "bv"))
_FIRST_LINES: Final = 20
_MOST_WRAPPERS: Final = 3


@dataclass(frozen=True, slots=True)
class RecordSample:
    """Records of payloads, and their format.

    Attributes:
        format: as a feed names it.
        body: wrappers, as a feed names them.
        records: nested dicts.
        share: of the payloads, or of the parts of one, that could be read.
        reason: one line.
        problem: of a part that could not be read; "" for none.
        bases: names of SenML packs that begin the names of their records.
        options: of the format.
        beginning: first characters of the text that was read.
    """

    format: str
    body: str
    records: list[dict[str, Any]]
    share: float
    reason: str
    problem: str = ""
    bases: tuple[str, ...] = ()
    options: dict[str, str] = field(default_factory=dict)
    beginning: str = ""


def read_records(payloads: Sequence[bytes], cut: bool = False) -> RecordSample | None:
    """Return the records of payloads of one format; None if they are in none of the formats.

    Args:
        payloads: at least one; those that are blank count for nothing.
        cut: whether the only payload is the beginning of a longer one.
    """
    payloads = [payload for payload in payloads if payload.strip()]
    if not payloads:
        return None
    for find in (_json, _line_protocol, _literals, _wrapped):
        found = find(payloads, cut)
        if found is not None:
            return replace(found, beginning=payloads[0][:100].decode("utf-8", "replace"))
    return None


def _json(payloads: Sequence[bytes], cut: bool) -> RecordSample | None:
    if sum(payload.lstrip(b"\xef\xbb\xbf \t\r\n\x1e")[:1] in (b"{", b"[") for payload in payloads) < _LEAST_READ * len(
        payloads
    ):
        return None
    payloads = [close_json(payload) for payload in payloads] if cut else payloads
    plain = _read("json", payloads)
    if plain is None:
        return None
    if all(_is_senml(record) for record in plain.records[:100]):
        senml = _read("senml", payloads)
        if senml is not None:
            bases = tuple(dict.fromkeys(record["bn"] for record in plain.records if isinstance(record.get("bn"), str)))
            return replace(senml, reason="JSON with the labels of SenML (n, v, u, t)", bases=bases)
    shape = (
        "objects" if len(payloads) > 1 or len(plain.records) == 1 else "objects, one behind the other or in an array"
    )
    return replace(plain, reason=f"JSON {shape}")


def _is_senml(record: dict[str, Any]) -> bool:
    return (
        set(record) <= _SENML
        and bool({"n", "bn"} & set(record))
        and bool(_SENML_VALUES & set(record) or {"bn", "bt", "bu"} & set(record))
    )


def _line_protocol(payloads: Sequence[bytes], cut: bool) -> RecordSample | None:
    first = b"\n".join(line for payload in payloads[:_FIRST_LINES] for line in payload.split(b"\n")[:_FIRST_LINES])
    records, bad = LineProtocolReader().read(first)
    if not records or len(bad) > len(records) or any("=" in record.value["measurement"] for record in records):
        return None
    payloads = [_first_lines(payload, cut) for payload in payloads]
    precision = _precision(records[0].value.get("timestamp", 0))
    options = {} if precision == "ns" else {"precision": precision}
    found = _read("line-protocol", payloads, options)
    reason = f"lines of measurement, tags, fields and timestamp in {precision}"
    return None if found is None else replace(found, reason=reason)


def _precision(timestamp: int) -> str:
    """Return the unit of a timestamp that was read as nanoseconds: that in which it lies from 2001 to 2286."""
    return next(
        (unit for unit, power in (("s", 9), ("ms", 12), ("us", 15)) if 10**power <= timestamp < 10 ** (power + 1)), "ns"
    )


def _first_lines(payload: bytes, cut: bool) -> bytes:
    """Return the first lines of a payload, without the last one if that may be cut."""
    lines = payload.split(b"\n", _MOST_RECORDS)
    return b"\n".join(lines[:-1] if len(lines) > _MOST_RECORDS or (cut and len(lines) > 1) else lines)


def _literals(payloads: Sequence[bytes], cut: bool) -> RecordSample | None:
    if sum(payload.lstrip()[:1] in (b"{", b"[", b"O", b"(") for payload in payloads) < _LEAST_READ * len(payloads):
        return None
    found = _read("python-literal", [_first_lines(payload, cut) for payload in payloads])
    return None if found is None else replace(found, reason="dicts as Python prints them, which are no JSON")


def _wrapped(payloads: Sequence[bytes], cut: bool) -> RecordSample | None:
    for name, is_wrapper in _WRAPPERS.items():
        if not all(map(is_wrapper, payloads)):
            continue
        try:
            inner = [unwrap((name,), payload) for payload in payloads]
        except (InflateError, ValueError):
            continue
        found = read_records(inner, cut) if inner != list(payloads) else None
        if found is not None and found.body.count("|") < _MOST_WRAPPERS - 1:
            body = f"{name}|{found.body}" if found.body else name
            return replace(found, body=body, reason=f"{found.reason}, within {name}")
    return None


def _is_base64(payload: bytes) -> bool:
    if not _BASE64.fullmatch(payload):
        return False
    try:
        decode_base64(payload)
    except ValueError:
        return False
    return True


def _begins_as(name: str) -> Callable[[bytes], bool]:
    marks = tuple(mark for mark, packed in _PACKED.items() if packed == name)
    return lambda payload: payload.startswith(marks)


_WRAPPERS: Final[dict[str, Callable[[bytes], bool]]] = {
    "json-string": lambda payload: payload.strip()[:1] == b'"' == payload.strip()[-1:],
    "gzip": _begins_as("gzip"),
    "zstd": _begins_as("zstd"),
    "zlib": _begins_as("zlib"),
    "base64": _is_base64,
}


def _read(format: str, payloads: Sequence[bytes], options: Mapping[str, str] | None = None) -> RecordSample | None:
    """Return the records of payloads if enough of them can be read in a format."""
    reader = record_reader(format, **(options or {}))
    records: list[dict[str, Any]] = []
    problem, readable, unreadable = "", 0, 0
    for payload in payloads:
        found, bad = reader.read(payload)
        records += [record.value for record in found]
        readable, unreadable = readable + len(found), unreadable + len(bad)
        problem = problem or (bad[0].problem if bad else "")
        if len(records) >= _MOST_RECORDS:
            break
    share = readable / (readable + unreadable) if readable else 0.0
    if share < _LEAST_READ:
        return None
    return RecordSample(format, "", records[:_MOST_RECORDS], share, "", problem, options=dict(options or {}))
