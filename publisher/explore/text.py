"""A report as plain text for a person: aligned columns, at most some 100 characters wide."""

import itertools
from collections.abc import Iterator, Sequence
from typing import Final

from publisher.explore.report import GapEntry, Report

_WIDEST_NAME: Final = 32
_UNITS: Final = ((86_400.0, "d"), (3_600.0, "h"), (60.0, "min"), (1.0, "s"))


def render(report: Report) -> str:
    """Return the text of a report, with a line break at its end."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: Report) -> Iterator[str]:
    counts, time = report.counts, report.time
    for path in report.inputs:
        yield f"input  {_shown(path, 90)}"
    yield ""
    facts = [
        ("rows", counts.rows),
        ("  readings, which the job would decode", counts.readings),
        ("  without a readable time", counts.without_time),
        ("  without a device", counts.without_device),
        ("  with a cell that is no number", counts.unreadable),
        ("lines that fit no header", counts.odd_lines),
        ("rows that repeat the row before them", counts.repeated),
    ]
    yield from _table([(label, f"{number:,}") for label, number in facts], "<>")
    if time.first_time is not None:
        yield ""
        yield f"time   {time.first_time} to {time.last_time}, {_duration(time.seconds)}"
        back = f", by up to {_duration(time.furthest_back_seconds)}" if time.out_of_order else ""
        yield f"       earlier than the reading before: {time.out_of_order:,}{back}"
        yield ""
        yield from _devices(report)
        yield from _gaps("longest times without a reading", time.gaps)
        yield from _gaps("longest times without a reading of the device", time.device_gaps)
    yield ""
    yield from _metrics(report)
    yield ""
    yield from _rules(report)


def _devices(report: Report) -> Iterator[str]:
    title = "1 device" if report.device_count == 1 else f"{report.device_count:,} devices"
    head = (title, "readings", "share", "usual interval", "longest gap", "out of order")
    body = [
        (
            _shown(entry.device),
            f"{entry.readings:,}",
            f"{entry.share:.1%}",
            "-" if entry.usual_interval_seconds is None else _duration(entry.usual_interval_seconds),
            _duration(entry.longest_gap_seconds) if entry.longest_gap_seconds else "-",
            f"{entry.out_of_order:,}",
        )
        for entry in report.devices
    ]
    yield from _table([head, *body], "<>>>>>")
    if report.device_count > len(report.devices):
        yield f"and {report.device_count - len(report.devices):,} more with no more readings than these"


def _gaps(title: str, gaps: Sequence[GapEntry]) -> Iterator[str]:
    if gaps:
        yield ""
        yield title
        cells = [(_duration(gap.seconds), gap.start, "to", gap.end, _shown(gap.device or "")) for gap in gaps]
        yield from _table(cells, "><<<<")


def _metrics(report: Report) -> Iterator[str]:
    head = ("metric", "unit", "values", "missing", "no number", "min", "mean", "max")
    body = [
        (
            _shown(entry.metric),
            entry.unit or "",
            f"{entry.values:,}",
            f"{entry.missing:,}",
            f"{entry.not_numbers:,}",
            *("-" if value is None else f"{value:.5g}" for value in (entry.min, entry.mean, entry.max)),
        )
        for entry in report.metrics
    ]
    yield from _table([head, *body], "<<>>>>>>")


def _rules(report: Report) -> Iterator[str]:
    head = ("rule", "severity", "condition", "readings", "share", "devices")
    body = [
        (_shown(entry.rule_id), entry.severity, entry.condition, f"{entry.readings:,}", f"{entry.share:.2%}",
         f"{entry.devices:,}")
        for entry in report.rules
    ]  # fmt: skip
    yield from _table([head, *body], "<<<>>>")
    yield f"{report.flagged:,} of {report.counts.readings:,} readings would be flagged"


def _table(rows: Sequence[Sequence[str]], aligned: str) -> Iterator[str]:
    """Yield rows of cells with their columns aligned left (``<``) or right (``>``)."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (f"{cell:{side}{width}}" for cell, side, width in zip(row, aligned, widths, strict=True))
        yield "  ".join(cells).rstrip()


def _shown(name: str, widest: int = _WIDEST_NAME) -> str:
    """Return a name that cannot upset the layout: printable and not too long."""
    safe = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in name)
    return safe if len(safe) <= widest else safe[: widest - 1] + "…"


def _duration(seconds: float) -> str:
    """Write a duration in its two largest units: ``1 d 2 h``, ``3 min 4 s``, ``3.20 s``."""
    if seconds < 60:
        return f"{seconds:#.3g} s"
    for (size, unit), (smaller, below) in itertools.pairwise(_UNITS):
        if seconds >= size:
            whole, rest = divmod(round(seconds / smaller), round(size / smaller))
            return f"{whole:,} {unit} {rest} {below}"
    raise AssertionError("unreachable")
