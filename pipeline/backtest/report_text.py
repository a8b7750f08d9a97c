"""Write the report of a backtest as tables and lines for a person."""

from collections.abc import Iterator, Sequence
from typing import Final

from pipeline.backtest.past_incidents import PastIncident
from pipeline.backtest.run_backtest import BacktestReport, JudgedRules
from pipeline.backtest.score import KindScore, LabelScore
from telemetry.text.durations import spoken_duration
from telemetry.text.timestamps import format_time

MOST_SHOWN: Final = 5
_NONE: Final = "–"


def report_text(report: BacktestReport) -> str:
    """Return the report as text."""
    span = f"{format_time(report.first_us)[:19]}Z to {format_time(report.last_us)[:19]}Z"
    counted = f"{_counted(report.readings, 'reading')} of {_counted(report.devices, 'device')}"
    lines = [", ".join(report.sources), f"{counted}, {span} ({spoken_duration(report.last_us - report.first_us)})"]
    if report.rejected:
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in sorted(report.rejected.items()))
        lines.append(f"rows that could not be used: {reasons}")
    for judged in (report.judged, report.against):
        if judged is not None:
            lines += ["", *_figures(judged)]
    lines += _difference(report)
    if report.labels is not None:
        for judged in (report.judged, report.against):
            if judged is not None and judged.score is not None:
                lines += ["", *_score(judged.name, judged.score)]
        if report.faults_outside:
            lines.append(f"labelled faults outside the time of the readings, left out: {report.faults_outside:,}")
    return "\n".join(lines)


def _figures(judged: JudgedRules) -> list[str]:
    heading = ("rule", "severity", "incidents", "a day", "median length", "time open", "still open")
    rows = [
        (
            one.rule_id,
            one.severity,
            f"{one.incidents:,}",
            _NONE if one.per_day is None else f"{one.per_day:,.1f}",
            _spoken(one.median_us),
            _percent(one.open_share),
            f"{one.still_open:,}",
        )
        for one in judged.figures
    ]
    return [f"{judged.name}, version {judged.rules.version}", *_table(heading, rows, left=2)]


def _difference(report: BacktestReport) -> Iterator[str]:
    if report.against is None or report.difference is None:
        return
    yield ""
    added, dropped = report.difference.added, report.difference.dropped
    yield (
        f"{report.against.name} instead of {report.judged.name}: {_counted(len(report.judged.incidents), 'incident')} "
        f"become {len(report.against.incidents):,}; {len(added):,} added, {len(dropped):,} dropped"
    )
    for word, some in (("added", added), ("dropped", dropped)):
        for one in some[:MOST_SHOWN]:
            yield f"  {word}  {_sentence(one)}"
        if len(some) > MOST_SHOWN:
            yield f"  {word}  and {len(some) - MOST_SHOWN:,} more"


def _sentence(one: PastIncident) -> str:
    ended = "still open" if one.closed_us is None else f"{spoken_duration(one.closed_us - one.opened_us)} long"
    metric = f" {one.metric}" if one.metric else ""
    worst = "" if one.worst is None else f", worst {one.worst:g}"
    return f"{format_time(one.opened_us)[:19]}Z {one.rule_id} of {one.device or 'the source'}{metric}, {ended}{worst}"


def _score(name: str, score: LabelScore) -> Iterator[str]:
    yield f"{name} against the labels"
    rows = [(one.kind or "all", f"{one.faults:,}", f"{one.found:,}", *_found(one)) for one in score.total.kinds]
    yield from _table(("kind", "faults", "found", "recall", "median delay"), rows, left=1)
    yield ""
    if score.total.benign:
        events = [(one.kind, f"{one.events:,}", f"{one.alarmed:,}") for one in score.total.benign]
        yield from _table(("benign event", "events", "with a false incident"), events, left=1)
        yield ""
    kinds = [one.kind for one in score.total.kinds[:-1]]
    wrong = [f"in {one.kind}" for one in score.total.benign]
    heading = ("rule", "incidents", "true", "late", "false", *wrong, "precision", *kinds)
    yield from _table(
        heading,
        [
            (
                one.rule_id or "all",
                f"{one.incidents:,}",
                f"{one.true:,}",
                f"{one.late:,}",
                f"{one.false:,}",
                *(f"{event.alarmed:,}" for event in one.benign),
                _percent(one.precision),
                *(_NONE if not kind.found else " ".join(_found(kind)) for kind in one.kinds[:-1]),
            )
            for one in (*score.rules, score.total)
        ],
        left=1,
    )


def _found(one: KindScore) -> tuple[str, str]:
    return _percent(one.recall), _spoken(one.median_us)


def _spoken(microseconds: float | None) -> str:
    return _NONE if microseconds is None else spoken_duration(microseconds)


def _percent(share: float | None) -> str:
    return _NONE if share is None else f"{100 * share:.3g} %"


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _table(heading: Sequence[str], rows: Sequence[Sequence[str]], left: int) -> list[str]:
    """Return rows below a heading; the first `left` columns are flush left, the others flush right."""
    widths = [max(map(len, column)) for column in zip(heading, *rows, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if number < left else cell.rjust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in (heading, *rows)
    ]
