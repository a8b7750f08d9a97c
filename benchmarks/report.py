"""The figures as one aligned table for people, as Markdown, and as JSON for machines."""

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, Final

from benchmarks.contender import Timing
from benchmarks.data import Data

_HEADINGS: Final = (
    "rows",
    "median s",
    "rows/s",
    "slowest – fastest",
    "ratio",
    "steady rows/s",
    "steady ratio",
    "peak MB",
)


def ratio(timing: Timing, timings: Sequence[Timing], *, steady: bool = False) -> float | None:
    """Return how fast a contender is, over its base: rows per second, or runs where there are no rows.

    Its base is the contender of that name if it was measured, else the first measured one of its part.

    Args:
        timing: whose.
        timings: all that were measured.
        steady: whether to compare the steady states, not whole processes.
    """
    base = base_of(timing, timings)
    mine = timing.speed(steady=steady)
    theirs = base.speed(steady=steady) if base else None
    return mine / theirs if mine and theirs else None


def base_of(timing: Timing, timings: Sequence[Timing]) -> Timing | None:
    """Return the contender whose ratio is 1; None if nothing was measured that could be."""
    measured = [one for one in timings if one.seconds]
    named = [one for one in measured if one.contender.name == timing.contender.base]
    near = [one for one in measured if one.contender.part == timing.contender.part]
    return next(iter([*named, *near]), None)


def to_table(timings: Sequence[Timing], data: Data, facts: Mapping[str, str]) -> str:
    """Return the tables of all parts, aligned, under the machine's facts and the data's."""
    lines = heading(data, facts)
    for title, bases, rows in _parts(timings):
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines += ["", title, ""]
        for row in rows:
            cells = [row[0].ljust(widths[0])]
            cells += [cell.rjust(width) for cell, width in zip(row[1:-1], widths[1:-1], strict=True)]
            lines.append("  ".join([*cells, row[-1]]).rstrip())
        lines.append(f"ratio: over {bases}")
    return "\n".join([*lines, "", closing(timings)])


def to_markdown(timings: Sequence[Timing], data: Data, facts: Mapping[str, str]) -> str:
    """Return the same as Markdown; our own contenders are bold."""
    ours = {timing.contender.name for timing in timings if timing.contender.ours}
    lines = ["  \n".join(heading(data, facts))]
    for title, bases, (headings, *rows) in _parts(timings):
        lines += ["", f"## {title}", "", _cells(headings), _cells(["---", *["---:"] * (len(headings) - 2), "---"])]
        lines += [_cells([f"**{row[0]}**" if row[0] in ours else row[0], *row[1:]]) for row in rows]
        lines += ["", f"Ratio: over {bases}."]
    return "\n".join([*lines, "", closing(timings)]) + "\n"


def to_json(timings: Sequence[Timing], data: Data, facts: Mapping[str, str]) -> str:
    """Return the same as one JSON object, with what was measured in each round."""
    answers: dict[str, Any] = {
        part: {name: getattr(rows.answer, name) for name in rows.answer.__dataclass_fields__}
        for part, rows in (("whole", data.whole), ("part", data.part))
    }
    results = [_result(timing, timings) for timing in timings]
    return json.dumps({"machine": dict(facts), "data": {"title": data.title, **answers}, "results": results}, indent=2)


def heading(data: Data, facts: Mapping[str, str]) -> list[str]:
    """Return what was measured, and on what, as two lines."""
    answer = data.whole.answer
    return [
        ", ".join(f"{name} {value}" for name, value in facts.items()),
        f"{data.title}: {answer.rows:,} rows, {answer.anomalies:,} anomalies, {answer.windows:,} windows of 60 s, "
        f"{answer.aggregates:,} aggregates; every output was checked",
    ]


def closing(timings: Sequence[Timing]) -> str:
    """Return how to read the ratios, in one line."""
    rounds = max((len(timing.seconds) for timing in timings), default=0)
    return f"medians over rounds in turn, {rounds} in all; ratios are of rows/s, or of runs where no rows are given"


def _parts(timings: Sequence[Timing]) -> Iterator[tuple[str, str, list[list[str]]]]:
    """Yield of each part its title, the names of its bases and its rows, headings first; without empty columns."""
    for title, group in groupby(timings, key=lambda timing: timing.contender.part):
        some = list(group)
        rows = [_row(timing, timings) for timing in some]
        used = [column for column in range(len(_HEADINGS)) if any(row[column + 1] for row in rows)]
        bases = dict.fromkeys(base.contender.name for timing in some if (base := base_of(timing, timings)))
        table = [["", *(_HEADINGS[column] for column in used), ""]]
        table += [[row[0], *(row[column + 1] for column in used), row[-1]] for row in rows]
        yield title, ", ".join(f"‘{name}’" for name in bases) or "nothing", table


def _row(timing: Timing, timings: Sequence[Timing]) -> list[str]:
    contender = timing.contender
    remark = ", ".join([*([contender.remark] if contender.remark else []), *map(_detail, timing.details.items())])
    if not timing.seconds:
        return [contender.name, *[""] * len(_HEADINGS), contender.missing or "not measured"]
    figures = [f"{contender.rows:,}", f"{timing.median_s:.3f}"] if contender.rows else ["", f"{timing.median_s:.3f}"]
    if contender.rows:
        median, slowest, fastest = timing.rows_per_second
        figures += [f"{median:,.0f}", f"{slowest:,.0f} – {fastest:,.0f}"]
    else:
        figures += ["", ""]
    steady = timing.speed(steady=True) if contender.rows else None
    figures.append(_number(ratio(timing, timings)))
    figures += [f"{steady:,.0f}", _number(ratio(timing, timings, steady=True))] if steady else ["", ""]
    figures.append(f"{timing.peak_mb:,.0f}" if timing.peak_mb else "")
    return [contender.name, *figures, remark]


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}"


def _detail(named: tuple[str, float]) -> str:
    return f"{named[0]} {named[1]:,.0f}"


def _cells(row: Sequence[str]) -> str:
    return f"| {' | '.join(row)} |"


def _result(timing: Timing, timings: Sequence[Timing]) -> dict[str, Any]:
    contender = timing.contender
    base = base_of(timing, timings)
    named = {"name": contender.name, "part": contender.part, "rows": contender.rows, "ours": contender.ours}
    if not timing.seconds:
        return named | {"missing": contender.missing or "not measured", "remark": contender.remark}
    return named | {
        "seconds": timing.seconds,
        "median_seconds": timing.median_s,
        "rows_per_second": timing.rows_per_second[0] if contender.rows else None,
        "ratio": ratio(timing, timings),
        "ratio_to": base.contender.name if base else None,
        "steady_seconds": [sample.steady_s for sample in timing.samples],
        "steady_ratio": ratio(timing, timings, steady=True),
        "peak_mb": [sample.peak_mb for sample in timing.samples],
        "details": [dict(sample.details) for sample in timing.samples if sample.details],
        "memory": [list(sample.memory) for sample in timing.samples if sample.memory],
        "remark": contender.remark,
    }
