"""Read JSON objects as readings, by definition."""

import json
import math
from collections.abc import Collection, Sequence
from typing import Any

from telemetry.feed.default_feed import BOOLEAN_METRICS
from telemetry.feed.formats.values import NumberProblem, read_number
from telemetry.model.dead_letters import Reason, RejectionError
from telemetry.model.messages import MAX_LINE_BYTES
from telemetry.text.timestamps import parse_time
from transforms.decode.decoded_columns import DecodedRow
from transforms.decode.metric_values import UnreadValue, check_value, kind_of, spec_of, value_text
from transforms.decode.nesting import leave_out_inner


def parse_object(line: bytes) -> dict[str, Any]:
    """Return the fields of one JSON object; numbers are floats, infinite where they overflow.

    Raises:
        RejectionError: not_utf8, not_json or not_an_object.
    """
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise RejectionError(Reason.NOT_UTF8, f"invalid UTF-8 at byte {error.start}") from error
    if "\0" in text:  # bytes of zero around a line, which a power cut leaves, are no part of it
        text = text.strip("\0 \t\r\n")
    try:
        value = _load(text)
    except ValueError as error:
        raise RejectionError(Reason.NOT_JSON, str(error)) from error
    if not isinstance(value, dict):
        raise RejectionError(Reason.NOT_AN_OBJECT, f"a JSON {kind_of(value)}, expected an object")
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


def read_object(
    fields: dict[str, Any],
    metrics: Sequence[str],
    *,
    strict: bool = False,
    booleans: Collection[str] = BOOLEAN_METRICS,
) -> DecodedRow:
    """Return the reading that a JSON object describes: the definition that `RowDecoder` must equal.

    Args:
        fields: of the object.
        metrics: M names.
        strict: whether a value of a metric that is no number costs the row; else it is missing.
        booleans: the metrics of which true and false are numbers.

    Raises:
        RejectionError: missing_field, wrong_type, bad_timestamp or (if strict) not_finite, naming the field.
    """
    ts = _read_ts(fields.get("ts"))
    device = fields.get("device")
    if device is None or device == "":
        raise RejectionError(Reason.MISSING_FIELD, "device is missing")
    if not isinstance(device, str):
        raise RejectionError(Reason.WRONG_TYPE, f"device is a {kind_of(device)}, expected a string")
    try:
        device.encode("utf-8")
    except UnicodeEncodeError as error:
        raise RejectionError(Reason.NOT_UTF8, "device holds an unpaired surrogate") from error
    if strict:
        return DecodedRow(
            ts, device, [check_value(name, fields.get(name), boolean=name in booleans) for name in metrics]
        )
    return DecodedRow(ts, device, *_read_values(fields, metrics, booleans))


def _read_values(
    fields: dict[str, Any], metrics: Sequence[str], booleans: Collection[str]
) -> tuple[list[float], tuple[UnreadValue, ...]]:
    """Return the value of each metric, NaN where it is missing, and those that could not be read."""
    values: list[float] = []
    unread: list[UnreadValue] = []
    for number, metric in enumerate(metrics):
        found = read_number(fields.get(metric), spec_of(metric, booleans))
        if not isinstance(found, NumberProblem):
            values.append(found)
            continue
        values.append(math.nan)
        if found is not NumberProblem.MISSING:
            unread.append(UnreadValue(number, found, value_text(fields[metric])))
    return values, tuple(unread)


def _read_ts(value: object) -> float:
    if value is None:
        raise RejectionError(Reason.MISSING_FIELD, "ts is missing")
    if isinstance(value, str):
        try:
            return parse_time(value) / 1e6
        except (ValueError, OverflowError) as error:
            raise RejectionError(Reason.BAD_TIMESTAMP, f"ts {value[:80]!r} is no point in time") from error
    if not isinstance(value, float):
        raise RejectionError(Reason.WRONG_TYPE, f"ts is a {kind_of(value)}, expected seconds since the epoch")
    if not math.isfinite(value):
        raise RejectionError(Reason.BAD_TIMESTAMP, f"ts is {value}")
    return value
