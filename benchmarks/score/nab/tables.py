"""Show the scores on NAB as tables in Markdown."""

from collections.abc import Iterator, Sequence

from benchmarks.score.nab.profiles import PROFILES
from benchmarks.score.nab.published import PUBLISHED, WINDOWED_GAUSSIAN
from benchmarks.score.nab.report import GroupScore, NabReport


def tables(report: NabReport) -> Iterator[str]:
    """Yield the lines of the tables: all series and halves, published scores, categories."""
    yield "\n## NAB"
    yield ""
    yield _check_line(report)
    yield ""
    yield from _head("")
    yield _row("incidents of the job", report.overall)
    for name, half in report.halves.items():
        yield _row(f"… on the {name} half", half)
    yield _row("blind alarm, every 5 % of a file", report.blind)
    if report.check.is_published:
        for other in PUBLISHED:
            yield f"| {other.name}, published | {_cells(other.scores)} | | |"
    yield ""
    yield "Differences below 3 points are noise: one window is worth 0.9 points on all series, 1.7 on a half."
    yield "Published scores are those of the best threshold over all series; incidents and blind alarms have none."
    yield ""
    yield from _head("folder")
    for name, group in report.categories.items():
        yield _row(name, group)


def _check_line(report: NabReport) -> str:
    if not report.check.is_published:
        return "These are not all series of the benchmark, so that no published score applies."
    exact = " / ".join(f"{score:.8f}" for score in report.check.gaussian if score is not None)
    stored = " / ".join(f"{score:.8f}" for score in WINDOWED_GAUSSIAN.scores)
    return f"The scorer gives the windowed Gaussian {exact}, published {stored}, and the null detector 0."


def _head(title: str) -> Iterator[str]:
    names = " | ".join(profile.name for profile in PROFILES)
    yield f"| {title} | {names} | windows hit | false alarms |"
    yield f"|---|{'--:|' * (len(PROFILES) + 2)}"


def _row(name: str, group: GroupScore) -> str:
    counts = group.counts
    return f"| {name} | {_cells(group.scores)} | {counts.hit} of {counts.windows} | {counts.false_alarms:,} |"


def _cells(scores: Sequence[float | None]) -> str:
    return " | ".join("–" if score is None else f"{score:.2f}" for score in scores)
