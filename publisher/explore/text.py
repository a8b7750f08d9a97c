"""Render a report as plain text in aligned columns, about 100 characters wide at most."""

import itertools
from collections.abc import Iterator, Sequence
from typing import Final

from publisher.explore.report import GapEntry, Preview, Report

_WIDEST_NAME: Final = 32
_UNITS: Final = ((86_400.0, "d"), (3_600.0, "h"), (60.0, "min"), (1.0, "s"))


def render(report: Report) -> str:
    """Return the text of a report, ending with a line break."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: Report) -> Iterator[str]:
    counts, time = report.counts, report.time
    for path in report.inputs:
        yield f"input  {_shown(path, 90)}"
    yield ""
    if report.read_as is not None:
        yield from _preview(report.read_as)
    facts = [
        ("rows", counts.rows),
        ("  readings that the job decodes", counts.readings),
        ("  without a readable time", counts.without_time),
        ("  without a device", counts.without_device),
        ("  too long to be read", counts.unreadable),
        ("lines that do not match the header", counts.odd_lines),
        ("rows identical to the row before", counts.repeated),
    ]
    yield from _table([(label, f"{number:,}") for label, number in facts], "<>")
    if time.first_time is not None:
        yield ""
        yield f"time   {time.first_time} to {time.last_time}, {_duration(time.seconds)}"
        back = f", by up to {_duration(time.furthest_back_seconds)}" if time.out_of_order else ""
        yield f"       out of order: {time.out_of_order:,}{back}"
        yield ""
        yield from _devices(report)
        yield from _gaps("longest gaps without readings", time.gaps)
        yield from _gaps("longest gaps between readings of a device", time.device_gaps)
    yield ""
    yield from _metrics(report)
    yield ""
    yield from _rules(report)


def _preview(preview: Preview) -> Iterator[str]:
    """Yield the feed, the first readings and all that is not read."""
    if preview.feed:
        yield "proposed feed (--write-feed FILE writes it)"
        yield from (f"  {line}" for line in preview.feed.splitlines())
        yield ""
    if preview.first:
        yield "first readings, as they are read"
        names = list(dict.fromkeys(name for row in preview.first for name in row))
        body = [[_shown(row.get(name, "-")) for name in names] for row in preview.first]
        yield from _table([[_shown(name) for name in names], *body], "<<" + ">" * (len(names) - 2))
        yield ""
    for title, entries in (("not read: rows", preview.rejected), ("not read: values", preview.unread)):
        if entries:
            yield title
            yield from _table([(f"{one.count:,}", one.reason, _shown(one.example, 110)) for one in entries], "><<")
            yield ""


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
        yield f"and {report.device_count - len(report.devices):,} more devices, each with at most as many readings"


def _gaps(title: str, gaps: Sequence[GapEntry]) -> Iterator[str]:
    if gaps:
        yield ""
        yield title
        cells = [(_duration(gap.seconds), gap.start, "to", gap.end, _shown(gap.device or "")) for gap in gaps]
        yield from _table(cells, "><<<<")


def _metrics(report: Report) -> Iterator[str]:
    head = ("metric", "unit", "values", "missing", "not numbers", "min", "mean", "max")
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
    if body:
        yield from _table([head, *body], "<<<>>>")
    yield f"{report.flagged:,} of {report.counts.readings:,} readings are flagged"


def _table(rows: Sequence[Sequence[str]], alignments: str) -> Iterator[str]:
    """Yield rows of cells; `alignments` has ``<`` (left) or ``>`` (right) for each column."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (f"{cell:{side}{width}}" for cell, side, width in zip(row, alignments, widths, strict=True))
        yield "  ".join(cells).rstrip()


def _shown(name: str, widest: int = _WIDEST_NAME) -> str:
    """Return a name with unprintable characters replaced, shortened to `widest` characters."""
    safe = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in name)
    return safe if len(safe) <= widest else safe[: widest - 1] + "…"


def _duration(seconds: float) -> str:
    """Format a duration in its two largest units: ``1 d 2 h``, ``3 min 4 s``, ``3.20 s``."""
    if seconds < 60:
        return f"{seconds:#.3g} s"
    for (size, unit), (smaller, below) in itertools.pairwise(_UNITS):
        if seconds >= size:
            whole, rest = divmod(round(seconds / smaller), round(size / smaller))
            return f"{whole:,} {unit} {rest} {below}"
    raise AssertionError("unreachable")
