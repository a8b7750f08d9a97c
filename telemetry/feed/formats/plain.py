"""Turn values of Python and its libraries into plain ones: dicts, lists, numbers, texts, booleans and None."""

import base64
import datetime
import decimal
import uuid
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

MAX_DEPTH: Final = 64
MAX_VALUES: Final = 1_000_000
"""Most values in one payload; formats without text can hold many in a few bytes."""


class PlainValueError(ValueError):
    """A value that is too deep, too large or of a type that is not known."""


class Budget:
    """Counts the values of one payload."""

    def __init__(self, most: int = MAX_VALUES) -> None:
        """Take the largest number of values."""
        self._left = most

    def spend(self, values: int) -> None:
        """Count values.

        Raises:
            PlainValueError: if there are too many.
        """
        self._left -= values
        if self._left < 0:
            raise PlainValueError(f"more than {MAX_VALUES} values in a payload")


def to_plain(value: Any, budget: Budget, depth: int = 0) -> Any:
    """Return a value as a plain one.

    Times become ISO 8601 text, bytes base64 text, decimals the nearest double; names are texts.

    Raises:
        PlainValueError: if it is nested too deeply, holds too many values or one of another type.
    """
    if depth > MAX_DEPTH:
        raise PlainValueError("nested too deeply")
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()  # without unpaired surrogates
    if isinstance(value, Mapping):
        budget.spend(len(value) + 1)
        return {to_plain(str(name), budget): to_plain(inner, budget, depth + 1) for name, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset | np.ndarray):
        if isinstance(value, np.ndarray):
            value = value.tolist() if value.ndim else [value.item()]
        budget.spend(len(value) + 1)
        return [to_plain(inner, budget, depth + 1) for inner in value]
    return _scalar(value)


def _scalar(value: Any) -> Any:
    if isinstance(value, np.generic):
        item = value.item()
        return item if item is None or isinstance(item, bool | int | float | str) else _scalar(item)
    if isinstance(value, bytes | bytearray | memoryview):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, datetime.datetime | datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, datetime.timedelta):
        return value.total_seconds()
    if isinstance(value, decimal.Decimal):
        return float(value)
    if isinstance(value, uuid.UUID):
        return str(value)
    raise PlainValueError(f"a value of type {type(value).__name__}")
