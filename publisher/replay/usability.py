"""Notice that no row of a replay can be used by a job, and why."""

from collections import Counter
from typing import Any

import msgspec

from publisher.json_lines import NO_TIME, LineBatch
from telemetry.feed.default_feed import BOOLEAN_METRICS, READING_UNITS
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
    """Return why a job with any metrics of the reference data would reject a line; None if it would not.

    Args:
        text: the line; bytes that are not UTF-8 are surrogate escapes.
        time: its time, microseconds UTC, or `NO_TIME`.
    """
    try:
        fields: Any = msgspec.json.decode(text.encode())
    except UnicodeEncodeError:
        return Reason.NOT_UTF8
    except (msgspec.DecodeError, RecursionError):
        return Reason.NOT_JSON
    if not isinstance(fields, dict):
        return Reason.NOT_AN_OBJECT
    if fields.get("ts") is None:
        return Reason.MISSING_FIELD
    if time == NO_TIME:
        return Reason.BAD_TIMESTAMP
    if not fields.get("device"):
        return Reason.MISSING_FIELD
    if not all(_is_value(name, fields.get(name)) for name in READING_UNITS):
        return Reason.WRONG_TYPE
    return None


def _is_value(metric: str, value: object) -> bool:
    if isinstance(value, bool):
        return metric in BOOLEAN_METRICS
    return value is None or isinstance(value, int | float)
