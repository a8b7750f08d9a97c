"""Format the results as aligned tables, Markdown and JSON."""

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, Final

from benchmarks.cases import CaseTiming
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


def ratio(timing: CaseTiming, timings: Sequence[CaseTiming], *, steady: bool = False) -> float | None:
    """Return rows per second, or runs per second without rows, relative to the baseline; None if not measured.

    Args:
        timing: timing of the case.
        timings: timings of all cases.
        steady: whether to compare the steady rates instead of whole processes.
    """
    baseline = baseline_of(timing, timings)
    mine = timing.speed(steady=steady)
    theirs = baseline.speed(steady=steady) if baseline else None
    return mine / theirs if mine and theirs else None


def baseline_of(timing: CaseTiming, timings: Sequence[CaseTiming]) -> CaseTiming | None:
    """Return the case whose ratio is 1: the named baseline if measured, else the first measured case of the group."""
    measured = [one for one in timings if one.seconds]
    named = [one for one in measured if one.case.name == timing.case.baseline]
    same_group = [one for one in measured if one.case.group == timing.case.group]
    return next(iter([*named, *same_group]), None)


def to_table(timings: Sequence[CaseTiming], data: Data, facts: Mapping[str, str]) -> str:
    """Return the aligned tables of all groups, below the facts about machine and data."""
    lines = heading(data, facts)
    for title, baselines, rows in _tables(timings):
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines += ["", title, ""]
        for row in rows:
            cells = [row[0].ljust(widths[0])]
            cells += [cell.rjust(width) for cell, width in zip(row[1:-1], widths[1:-1], strict=True)]
            lines.append("  ".join([*cells, row[-1]]).rstrip())
        lines.append(f"ratio: relative to {baselines}")
    return "\n".join([*lines, "", closing(timings)])


def to_markdown(timings: Sequence[CaseTiming], data: Data, facts: Mapping[str, str]) -> str:
    """Return the tables as Markdown, with the cases of this project in bold."""
    ours = {timing.case.name for timing in timings if timing.case.ours}
    lines = ["  \n".join(heading(data, facts))]
    for title, baselines, (headings, *rows) in _tables(timings):
        lines += ["", f"## {title}", "", _cells(headings), _cells(["---", *["---:"] * (len(headings) - 2), "---"])]
        lines += [_cells([f"**{row[0]}**" if row[0] in ours else row[0], *row[1:]]) for row in rows]
        lines += ["", f"Ratio: relative to {baselines}."]
    return "\n".join([*lines, "", closing(timings)]) + "\n"


def to_json(timings: Sequence[CaseTiming], data: Data, facts: Mapping[str, str]) -> str:
    """Return the results as one JSON object, with the measurements of each round."""
    totals: dict[str, Any] = {
        name: {field: getattr(rows.totals, field) for field in rows.totals.__dataclass_fields__}
        for name, rows in (("whole", data.whole), ("part", data.subset))
    }
    results = [_result(timing, timings) for timing in timings]
    return json.dumps({"machine": dict(facts), "data": {"title": data.title, **totals}, "results": results}, indent=2)


def heading(data: Data, facts: Mapping[str, str]) -> list[str]:
    """Return two lines about the machine and the data."""
    totals = data.whole.totals
    return [
        ", ".join(f"{name} {value}" for name, value in facts.items()),
        f"{data.title}: {totals.rows:,} rows, {totals.anomalies:,} anomalies, {totals.windows:,} windows of 60 s, "
        f"{totals.aggregates:,} aggregates; every output was checked",
    ]


def closing(timings: Sequence[CaseTiming]) -> str:
    """Return one line that explains the ratios."""
    rounds = max((len(timing.seconds) for timing in timings), default=0)
    return f"medians over {rounds} alternating rounds; ratios are of rows/s, or of runs per second without rows"


def _tables(timings: Sequence[CaseTiming]) -> Iterator[tuple[str, str, list[list[str]]]]:
    """Yield title, names of the baselines, and table rows with headings first and without empty columns, by group."""
    for title, group in groupby(timings, key=lambda timing: timing.case.group):
        in_group = list(group)
        rows = [_row(timing, timings) for timing in in_group]
        used = [column for column in range(len(_HEADINGS)) if any(row[column + 1] for row in rows)]
        baselines = dict.fromkeys(
            baseline.case.name for timing in in_group if (baseline := baseline_of(timing, timings))
        )
        table = [["", *(_HEADINGS[column] for column in used), ""]]
        table += [[row[0], *(row[column + 1] for column in used), row[-1]] for row in rows]
        yield title, ", ".join(f"‘{name}’" for name in baselines) or "nothing", table


def _row(timing: CaseTiming, timings: Sequence[CaseTiming]) -> list[str]:
    case = timing.case
    remark = ", ".join([*([case.remark] if case.remark else []), *map(_detail, timing.details.items())])
    if not timing.seconds:
        return [case.name, *[""] * len(_HEADINGS), case.missing or "not measured"]
    figures = [f"{case.rows:,}", f"{timing.median_s:.3f}"] if case.rows else ["", f"{timing.median_s:.3f}"]
    if case.rows:
        median, slowest, fastest = timing.rows_per_second
        figures += [f"{median:,.0f}", f"{slowest:,.0f} – {fastest:,.0f}"]
    else:
        figures += ["", ""]
    steady = timing.speed(steady=True) if case.rows else None
    figures.append(_number(ratio(timing, timings)))
    figures += [f"{steady:,.0f}", _number(ratio(timing, timings, steady=True))] if steady else ["", ""]
    figures.append(f"{timing.peak_mb:,.0f}" if timing.peak_mb else "")
    return [case.name, *figures, remark]


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}"


def _detail(named: tuple[str, float]) -> str:
    return f"{named[0]} {named[1]:,.0f}"


def _cells(row: Sequence[str]) -> str:
    return f"| {' | '.join(row)} |"


def _result(timing: CaseTiming, timings: Sequence[CaseTiming]) -> dict[str, Any]:
    case = timing.case
    baseline = baseline_of(timing, timings)
    named = {"name": case.name, "part": case.group, "rows": case.rows, "ours": case.ours}
    if not timing.seconds:
        return named | {"missing": case.missing or "not measured", "remark": case.remark}
    return named | {
        "seconds": timing.seconds,
        "median_seconds": timing.median_s,
        "rows_per_second": timing.rows_per_second[0] if case.rows else None,
        "ratio": ratio(timing, timings),
        "ratio_to": baseline.case.name if baseline else None,
        "steady_seconds": [sample.steady_s for sample in timing.samples],
        "steady_ratio": ratio(timing, timings, steady=True),
        "peak_mb": [sample.peak_mb for sample in timing.samples],
        "details": [dict(sample.details) for sample in timing.samples if sample.details],
        "memory": [list(sample.memory) for sample in timing.samples if sample.memory],
        "remark": case.remark,
    }
