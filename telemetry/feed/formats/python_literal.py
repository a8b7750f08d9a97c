"""Read dicts as Python prints them: ``{'temp': 21.5, 'ok': True, 'co': None, 'humidity': nan}``.

The texts are parsed and never evaluated. Besides literals they may hold nan and inf, which are missing values, JSON's
names, and what NumPy, decimal and datetime print: ``np.float64(21.5)``, ``Decimal('21.5')``,
``datetime.datetime(2020, 7, 12, 0, 1)``.
"""

import ast
import datetime
import math
import warnings
from typing import Any, Final

from telemetry.feed.formats.json_text import ByteSpan
from telemetry.feed.formats.plain import Budget, to_plain
from telemetry.feed.formats.records import (
    LIBRARY_ERRORS,
    BadPart,
    FeedRecord,
    describe,
    keep_whole_if_nothing_read,
)

MAX_LITERAL_BYTES: Final = 262_144
"""Longest text that is parsed at once: its tree takes some hundred times as much memory."""
_MAX_DEPTH: Final = 64
_SOURCE: Final = "<python-literal>"
warnings.filterwarnings("ignore", module=_SOURCE)  # of the parser, about payloads such as "1if"
_NAMES: Final = {
    **dict.fromkeys(("nan", "NaN", "NAN", "inf", "Infinity", "null", "NaT", "NA"), None),
    "true": True,
    "false": False,
}
_NUMBERS: Final = ("Decimal", "float", "int")


class LiteralError(ValueError):
    """A text that is no literal."""


class PythonLiteralReader:
    """Reads each dict as a record: one on each line, one over several lines, or a list of them."""

    def read(self, payload: bytes) -> tuple[list[FeedRecord], list[BadPart]]:
        """Return the records of a payload and the lines that are none."""
        lines = _lines_of(payload)
        if len(lines) > 1 and len(payload) <= MAX_LITERAL_BYTES:
            whole = ByteSpan(lines[0].first, lines[-1].end)
            records, problem = _read_part(payload, whole)
            if records:
                return records, [BadPart(*whole, problem)] if problem else []
        records, bad = [], []
        for line in lines:
            found, problem = _read_part(payload, line)
            records += found
            if problem:
                bad.append(BadPart(*line, problem))
        return keep_whole_if_nothing_read(payload, records, bad)


def _lines_of(payload: bytes) -> list[ByteSpan]:
    lines: list[ByteSpan] = []
    first = 0
    for line in payload.split(b"\n"):
        text = line.strip()
        if text:
            begin = first + len(line) - len(line.lstrip())
            lines.append(ByteSpan(begin, begin + len(text)))
        first += len(line) + 1
    return lines


def _read_part(payload: bytes, part: ByteSpan) -> tuple[list[FeedRecord], str]:
    """Return the records of a part, and the problem with it or ""."""
    try:
        value = parse_literal(payload[part.first : part.end])
    except LiteralError as error:
        return [], describe(error)
    values = value if isinstance(value, list) else [value]
    records = [FeedRecord(item, *part) for item in values if isinstance(item, dict)]
    return records, "" if len(records) == len(values) > 0 else "not a dict, and not a list of dicts"


def parse_literal(content: bytes) -> Any:
    """Return the plain value of a literal.

    Raises:
        LiteralError: if it is none, or too long or too deep.
    """
    if len(content) > MAX_LITERAL_BYTES:
        raise LiteralError(f"literal of {len(content)} bytes, at most {MAX_LITERAL_BYTES} are read")
    try:
        text = content.decode()
        tree = ast.parse(text, _SOURCE, mode="eval")
        return to_plain(_value(tree.body, 0), Budget())
    except UnicodeDecodeError as error:
        raise LiteralError(f"not UTF-8: {error}") from error
    except (SyntaxError, *LIBRARY_ERRORS) as error:
        raise LiteralError(f"no Python literal: {describe(error)}") from error


def _value(node: ast.expr, depth: int) -> Any:
    if depth > _MAX_DEPTH:
        raise LiteralError("nested too deeply")
    match node:
        case ast.Constant(value=float() as number):
            return number if math.isfinite(number) else None
        case ast.Constant(value=None | bool() | int() | str() | bytes() as value):
            return value
        case ast.Name(id=name) if name in _NAMES:
            return _NAMES[name]
        case ast.UnaryOp(op=ast.USub() | ast.UAdd() as sign, operand=operand):
            number = _value(operand, depth + 1)
            if number is not None and (isinstance(number, bool) or not isinstance(number, int | float)):
                raise LiteralError("a sign before no number")
            return -number if number is not None and isinstance(sign, ast.USub) else number
        case ast.List(elts=elements) | ast.Tuple(elts=elements) | ast.Set(elts=elements):
            return [_value(element, depth + 1) for element in elements]
        case ast.Dict(keys=keys, values=values):
            return {_key(key): _value(value, depth + 1) for key, value in zip(keys, values, strict=True)}
        case ast.Call(func=function, args=arguments, keywords=keywords):
            return _call(function, [_value(argument, depth + 1) for argument in arguments], len(keywords))
        case _:
            raise LiteralError(f"not a literal: {type(node).__name__}")


def _key(node: ast.expr | None) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str | int | float):
        return str(node.value)
    raise LiteralError("a name that is no text")


def _call(function: ast.expr, arguments: list[Any], keywords: int) -> Any:
    """Return the value of a call that a library prints for one of its values."""
    name = ast.unparse(function)
    one = arguments[0] if len(arguments) == 1 and not keywords else None
    if name.startswith(("np.", "numpy.")) and isinstance(one, int | float | str | list | None) and arguments:
        return one
    if name in _NUMBERS and isinstance(one, int | float | str):
        number = float(one)
        return number if math.isfinite(number) else None
    if name == "OrderedDict" and isinstance(one, dict):
        return one
    if name in ("datetime.datetime", "datetime") and 3 <= len(arguments) <= 7 and not keywords:
        return datetime.datetime(*arguments).isoformat()
    raise LiteralError(f"a call of {name[:40]}")
