"""Show how foreign telemetry is read: the first readings, and examples of all that is not read."""

from collections import Counter
from collections.abc import Sequence
from typing import Final

import numpy as np

from publisher.csv_input import CsvChunk, CsvTable, UnparsedLines
from publisher.explore.report import NotRead, Preview
from telemetry.feed.formats.value_columns import PROBLEM_OF_CODE
from telemetry.feed.readings.feed_rows import FeedRows
from telemetry.text.timestamps import MICROS, format_time

_MOST_FIRST: Final = 5
_LONGEST_EXAMPLE: Final = 120


class FeedPreview:
    """Collects a preview, and turns readings into rows of the canonical form.

    Args:
        metrics: names of the metrics that are read.
    """

    def __init__(self, metrics: Sequence[str]) -> None:
        """Begin without readings."""
        self._metrics = tuple(metrics)
        self._first: list[dict[str, str]] = []
        self._counts: Counter[tuple[str, str]] = Counter()  # by kind and reason
        self._examples: dict[tuple[str, str], str] = {}

    def chunks(self, rows: FeedRows) -> list[CsvChunk]:
        """Return readings as rows of CSV in the canonical form, and the rows that are no readings."""
        self._note(rows)
        chunks: list[CsvChunk] = []
        if len(rows):
            names = np.array(rows.devices, object)[rows.device].tolist()
            times = [f"{time_us / MICROS:.6f}" for time_us in rows.time_us.tolist()]
            values = [["" if value != value else repr(value) for value in column] for column in rows.values.tolist()]
            for metric, row in np.argwhere(rows.problems).tolist() if rows.problems is not None else ():
                values[metric][row] = rows.text(metric, row)
            cells = [list(row) for row in zip(times, names, *values, strict=True)]
            chunks.append(CsvTable(("ts", "device", *self._metrics), cells))
        if rows.rejected:
            chunks.append(UnparsedLines([one.content.decode("utf-8", "surrogateescape") for one in rows.rejected]))
        return chunks

    def result(self, feed: str, questions: Sequence[str]) -> Preview:
        """Return the preview of all that was read."""
        rejected, unread = ([
            NotRead(reason, count, self._examples[kind, reason])
            for (kind, reason), count in self._counts.most_common()
            if kind == wanted
        ] for wanted in ("row", "value"))  # fmt: skip
        return Preview(feed, list(questions), self._first, rejected, unread)

    def _note(self, rows: FeedRows) -> None:
        for row in range(min(len(rows), _MOST_FIRST - len(self._first))):
            shown = {"time": format_time(int(rows.time_us[row])), "device": rows.devices[rows.device[row]]}
            values = zip(self._metrics, rows.values[:, row].tolist(), strict=True)
            self._first.append(shown | {name: f"{value:g}" for name, value in values if value == value})
        for one in rows.rejected:
            content = one.content.decode("utf-8", "backslashreplace").strip()
            self._count("row", one.reason.value, f"{content[:_LONGEST_EXAMPLE]} ({one.error})", 1)
        for metric, row in np.argwhere(rows.problems).tolist() if rows.problems is not None else ():
            assert rows.problems is not None
            problem = f"{self._metrics[metric]} {PROBLEM_OF_CODE[rows.problems[metric, row]]}"
            known = ("value", problem) in self._examples
            self._count("value", problem, "" if known else rows.text(metric, row)[:_LONGEST_EXAMPLE], 1)

    def _count(self, kind: str, reason: str, example: str, number: int) -> None:
        self._counts[kind, reason] += number
        self._examples.setdefault((kind, reason), example)
