"""The figures as one aligned table for people, and as JSON for machines."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from benchmarks.contender import Timing
from benchmarks.data import Data

_HEADINGS: Final = ("", "rows", "median s", "rows/s", "slowest – fastest", "ratio", "")


def to_table(timings: Sequence[Timing], data: Data, facts: Mapping[str, str], base: str) -> str:
    """Return the table, under the machine's facts and the data's.

    Args:
        timings: what was measured, one line each.
        data: on what.
        facts: about the machine.
        base: name of the contender whose ratio is 1; the first one if it did not run.
    """
    unit = _base_rate(timings, base)
    rows = [_HEADINGS, *(_row(timing, unit) for timing in timings)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADINGS))]
    lines = []
    for row in rows:
        cells = [
            row[0].ljust(widths[0]),
            *(cell.rjust(width) for cell, width in zip(row[1:-1], widths[1:-1], strict=True)),
        ]
        lines.append("  ".join([*cells, row[-1]]).rstrip())
    answer = data.whole.answer
    return "\n".join(
        [
            ", ".join(f"{name} {value}" for name, value in facts.items()),
            f"{data.title}: {answer.rows:,} rows, {answer.anomalies:,} anomalies, {answer.windows:,} windows of 60 s, "
            f"{answer.aggregates:,} aggregates; every output was checked",
            "",
            *lines,
            "",
            f"ratio: rows/s over those of '{_base(timings, base).contender.name}'; "
            f"medians over rounds in turn, {len(timings[0].seconds)} in all",
        ]
    )  # fmt: skip


def to_json(timings: Sequence[Timing], data: Data, facts: Mapping[str, str], base: str) -> str:
    """Return the same as one JSON object, with the seconds of each round."""
    unit = _base_rate(timings, base)
    answers: dict[str, Any] = {
        part: {name: getattr(rows.answer, name) for name in rows.answer.__dataclass_fields__}
        for part, rows in (("whole", data.whole), ("part", data.part))
    }
    results = [
        {
            "name": timing.contender.name,
            "rows": timing.contender.rows,
            "seconds": timing.seconds,
            "median_seconds": timing.median_s,
            "rows_per_second": timing.rows_per_second[0],
            "ratio": timing.rows_per_second[0] / unit,
            "remark": timing.contender.remark,
        }
        for timing in timings
    ]
    content = {"machine": dict(facts), "data": {"title": data.title, **answers}, "results": results}
    return json.dumps(content, indent=2)


def _row(timing: Timing, unit: float) -> tuple[str, ...]:
    median, slowest, fastest = timing.rows_per_second
    return (
        timing.contender.name,
        f"{timing.contender.rows:,}",
        f"{timing.median_s:.3f}",
        f"{median:,.0f}",
        f"{slowest:,.0f} – {fastest:,.0f}",
        f"{median / unit:.3g}",
        timing.contender.remark,
    )


def _base(timings: Sequence[Timing], base: str) -> Timing:
    return next((timing for timing in timings if timing.contender.name == base), timings[0])


def _base_rate(timings: Sequence[Timing], base: str) -> float:
    return _base(timings, base).rows_per_second[0]
