"""Read lines of JSON as readings: by definition (`read_object`), and many lines at once (`RowDecoder`)."""

import json
import math
from collections import Counter
from collections.abc import Callable, Sequence
from functools import lru_cache
from operator import attrgetter
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from telemetry.model.dead_letters import Reason, RejectionError
from telemetry.model.messages import MAX_LINE_BYTES
from telemetry.model.metrics import BOOLEAN_METRICS, READING_UNITS
from telemetry.text.timestamps import parse_time
from transforms.decode.nesting import leave_out_inner

UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""Exceptions that msgspec raises for a line it cannot read."""
_OPEN, _CLOSE, _NEWLINE = b"{}\n"
_NOT_FINITE: Final = frozenset({"nan", "inf", "infinity"})


class DecodedColumns(NamedTuple):
    """Decoded rows as columns, before times are shifted and checked.

    Attributes:
        ts: (N,) seconds since the epoch.
        names: distinct device names, in the order of their first rows.
        device: (N,) index into `names`.
        values: (M, N) values, NaN where missing.
    """

    ts: NDArray[np.float64]
    names: tuple[str, ...]
    device: NDArray[np.int32]
    values: NDArray[np.float64]

    @property
    def devices(self) -> list[str]:
        """Return the device name of each row."""
        return [self.names[code] for code in self.device.tolist()]


class DecodedRow(NamedTuple):
    """One decoded row."""

    ts: float
    device: str
    values: list[float]


class RowDecoder:
    """Decoder of lines of JSON for one list of metrics.

    Known fields that are not in the list are skipped; unknown fields are counted in `ignored` and skipped.
    """

    def __init__(self, metrics: Sequence[str]) -> None:
        """Prepare the typed decoders for these metrics."""
        self.metrics = tuple(metrics)
        self.ignored: Counter[str] = Counter()
        self._known = {"ts", "device", *metrics, *READING_UNITS}
        self._strict = msgspec.json.Decoder(_row_type(self.metrics, strict=True))
        self._lenient = msgspec.json.Decoder(_row_type(self.metrics, strict=False))
        self._fields = msgspec.json.Decoder(dict[str, msgspec.Raw])
        self._getters: list[Callable[[Any], Any]] = [attrgetter(f"m{i}") for i in range(len(metrics))]

    def read_lines(self, lines: bytes, expected: int) -> DecodedColumns | None:
        """Return the columns of `expected` lines at once, or None if anything about them is unusual.

        The caller has checked with `count_objects` that each line break separates two documents.
        """
        objects: list[dict[str, Any]] = []
        try:
            rows = self._strict.decode_lines(lines)
        except UNREADABLE:
            try:
                lines.decode("utf-8")  # the decoders do not check the text that they skip
                rows = self._lenient.decode_lines(lines)
                objects = self._fields.decode_lines(lines)
            except UNREADABLE:
                return None
        if len(rows) != expected:
            return None
        columns = self._columns(rows)
        if "" in columns.names:
            return None
        for fields in objects:
            self._count_ignored(fields)
        return columns

    def read_line(self, line: bytes) -> DecodedRow:
        """Return the reading of one line.

        Raises:
            RejectionError: with the reason, if it is none.
        """
        if len(line) > MAX_LINE_BYTES:
            raise RejectionError(Reason.TOO_LARGE, f"line of {len(line)} bytes, at most {MAX_LINE_BYTES} are read")
        return self.read_document(line)

    def read_document(self, line: bytes) -> DecodedRow:
        """Return the reading of one line of any length; see `read_line`."""
        try:
            columns = self._columns([self._strict.decode(line)])
        except UNREADABLE:
            return self._read_unusual(line)
        if not columns.names[0]:
            return self._read_unusual(line)
        return DecodedRow(float(columns.ts[0]), columns.names[0], columns.values[:, 0].tolist())

    def _read_unusual(self, line: bytes) -> DecodedRow:
        fields = parse_object(line)
        row = read_object(fields, self.metrics)
        self._count_ignored(fields)
        return row

    def _count_ignored(self, fields: dict[str, Any]) -> None:
        self.ignored.update(fields.keys() - self._known)

    def _columns(self, rows: list[Any]) -> DecodedColumns:
        n = len(rows)
        values = np.empty((len(self.metrics), n))
        for target, getter in zip(values, self._getters, strict=True):
            try:
                target[:] = np.fromiter(map(getter, rows), np.float64, n)
            except TypeError:  # an explicit null, which np.array makes NaN
                target[:] = np.array(list(map(getter, rows)), np.float64)
        ts = np.fromiter(map(attrgetter("ts"), rows), np.float64, n)
        return DecodedColumns(ts, *number_names(list(map(attrgetter("device"), rows))), values)


def number_names(names: Sequence[str]) -> tuple[tuple[str, ...], NDArray[np.int32]]:
    """Return the distinct names, in order of first appearance, and the index of each of the N names into them."""
    index = {name: number for number, name in enumerate(dict.fromkeys(names))}
    return tuple(index), np.fromiter(map(index.__getitem__, names), np.int32, len(names))


def count_objects(payload: bytes) -> int | None:
    """Return the number of lines of a payload if each looks like an object and none is too long, else None.

    Every line break must be between a ``}`` and a ``{``. Inside one JSON document the two never follow each other, so
    if the number of documents equals the number of lines, each line is exactly one document.
    """
    content = np.frombuffer(payload, np.uint8)
    if not len(content) or content[0] != _OPEN or content[-1] != _CLOSE:
        return None
    breaks = np.flatnonzero(content == _NEWLINE)
    if (content[breaks - 1] != _CLOSE).any() or (content[breaks + 1] != _OPEN).any():
        return None
    if np.diff(breaks, prepend=-1, append=len(content)).max() > MAX_LINE_BYTES + 1:
        return None
    return len(breaks) + 1


@lru_cache(maxsize=8)
def row_decoder(metrics: tuple[str, ...]) -> RowDecoder:
    """Return the decoder for a list of metrics; each process compiles it once."""
    return RowDecoder(metrics)


def _row_type(metrics: tuple[str, ...], *, strict: bool) -> type[msgspec.Struct]:
    names = {f"m{i}": metric for i, metric in enumerate(metrics)}
    skipped = {f"x{i}": name for i, name in enumerate(READING_UNITS) if name not in metrics}
    number, flag = float | None, float | bool | None
    return msgspec.defstruct(
        "Row",
        [
            ("ts", float),
            ("device", str),
            *((field, flag if name in BOOLEAN_METRICS else number, math.nan) for field, name in names.items()),
            *((field, Any, None) for field in skipped),  # Any is cheaper than Raw for true and false
        ],
        rename=names | skipped,
        forbid_unknown_fields=strict,
        gc=False,
    )


def parse_object(line: bytes) -> dict[str, Any]:
    """Return the fields of one JSON object; numbers are floats, infinite where they overflow.

    Raises:
        RejectionError: not_utf8, not_json or not_an_object.
    """
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise RejectionError(Reason.NOT_UTF8, f"invalid UTF-8 at byte {error.start}") from error
    try:
        value = _load(text)
    except ValueError as error:
        raise RejectionError(Reason.NOT_JSON, str(error)) from error
    if not isinstance(value, dict):
        raise RejectionError(Reason.NOT_AN_OBJECT, f"a JSON {_kind(value)}, expected an object")
    return value


def _load(text: str) -> Any:
    """Return the value of a JSON document; one that is nested too deeply for the parser is returned without its depths.

    Raises:
        ValueError: if it is none, or if it is longer than a line may be and nested too deeply.
    """
    try:
        return json.loads(text, parse_int=float)
    except RecursionError as error:
        if len(text) > MAX_LINE_BYTES:
            raise ValueError("nested too deeply") from error
        return json.loads(leave_out_inner(text), parse_int=float)


def read_object(fields: dict[str, Any], metrics: Sequence[str]) -> DecodedRow:
    """Return the reading that a JSON object describes: the definition that `RowDecoder` must equal.

    Raises:
        RejectionError: missing_field, wrong_type, bad_timestamp or not_finite, naming the field.
    """
    ts = _read_ts(fields.get("ts"))
    device = fields.get("device")
    if device is None or device == "":
        raise RejectionError(Reason.MISSING_FIELD, "device is missing")
    if not isinstance(device, str):
        raise RejectionError(Reason.WRONG_TYPE, f"device is a {_kind(device)}, expected a string")
    try:
        device.encode("utf-8")
    except UnicodeEncodeError as error:
        raise RejectionError(Reason.NOT_UTF8, "device holds an unpaired surrogate") from error
    return DecodedRow(ts, device, [_read_metric(metric, fields.get(metric)) for metric in metrics])


def _read_ts(value: object) -> float:
    if value is None:
        raise RejectionError(Reason.MISSING_FIELD, "ts is missing")
    if isinstance(value, str):
        try:
            return parse_time(value) / 1e6
        except (ValueError, OverflowError) as error:
            raise RejectionError(Reason.BAD_TIMESTAMP, f"ts {value[:80]!r} is no point in time") from error
    if not isinstance(value, float):
        raise RejectionError(Reason.WRONG_TYPE, f"ts is a {_kind(value)}, expected seconds since the epoch")
    if not math.isfinite(value):
        raise RejectionError(Reason.BAD_TIMESTAMP, f"ts is {value}")
    return value


def _read_metric(metric: str, value: object) -> float:
    if value is None:
        return math.nan
    if isinstance(value, bool) and metric in BOOLEAN_METRICS:
        return float(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise RejectionError(Reason.NOT_FINITE, f"{metric} is {value}")
        return value
    if isinstance(value, str) and value.strip().lstrip("+-").lower() in _NOT_FINITE:
        raise RejectionError(Reason.NOT_FINITE, f"{metric} is {value.strip()!r}")
    shown = f" {value[:80]!r}" if isinstance(value, str) else ""
    raise RejectionError(Reason.WRONG_TYPE, f"{metric} is a {_kind(value)}{shown}, expected a number")


def _kind(value: object) -> str:
    names = {dict: "object", list: "array", str: "string", bool: "boolean", float: "number", type(None): "null"}
    return names[type(value)]
