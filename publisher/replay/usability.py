"""Notice that no row of a replay can be used by a job, and why."""

import json
from collections import Counter
from typing import Any

import msgspec

from publisher.json_lines import NO_TIME, LineBatch
from telemetry.model.dead_letters import Reason


class Usability:
    """Judgement of rows until one is found that a job can use; the rest is not looked at.

    Attributes:
        found: whether a usable row was found.
        reasons: number of rows by the reason why a job would reject them.
    """

    def __init__(self) -> None:
        """Begin without any row."""
        self.found = False
        self.reasons: Counter[Reason] = Counter()
        self._examples: dict[Reason, str] = {}

    def observe(self, batch: LineBatch) -> None:
        """Judge rows."""
        if self.found:
            return
        for text, time in zip(batch.texts, batch.times.tolist(), strict=True):
            reason = find_problem(text, time)
            if reason is None:
                self.found = True
                return
            self.reasons[reason] += 1
            self._examples.setdefault(reason, text)

    def commonest(self) -> tuple[str, int, str]:
        """Return the commonest reason, its number of rows and one of them; ("", 0, "") if there was no row."""
        if not self.reasons:
            return "", 0, ""
        reason, count = self.reasons.most_common(1)[0]
        return reason.value, count, self._examples[reason]


def find_problem(text: str, time: int) -> Reason | None:
    """Return why a job would reject a line; None if it would not. A value that cannot be read costs no row.

    Args:
        text: the line; bytes that are not UTF-8 are surrogate escapes.
        time: its time, microseconds UTC, or `NO_TIME`.
    """
    try:
        fields = _decode(text.encode())
    except UnicodeEncodeError:
        return Reason.NOT_UTF8
    except (ValueError, RecursionError):
        return Reason.NOT_JSON
    if not isinstance(fields, dict):
        return Reason.NOT_AN_OBJECT
    if fields.get("ts") is None:
        return Reason.MISSING_FIELD
    if time == NO_TIME:
        return Reason.BAD_TIMESTAMP
    if not fields.get("device"):
        return Reason.MISSING_FIELD
    return None


def _decode(line: bytes) -> Any:
    """Return a JSON document; numbers may be too large, and NaN.

    Raises:
        ValueError: if it is none.
    """
    try:
        return msgspec.json.decode(line)
    except msgspec.DecodeError:
        return json.loads(line, parse_int=float)
