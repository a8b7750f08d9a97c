"""Write the section of the page about incidents: a table, open ones first, then the newest first."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import pandas as pd

from plotting.report.markup import escape, table_time
from plotting.report.words import CONDITIONS
from plotting.style.texts import Texts

MOST_ROWS: Final = 200
_COLUMNS: Final = (
    "opened",
    "closed",
    "lasted",
    "severity",
    "rule",
    "device",
    "metric",
    "condition",
    "worst",
    "readings",
)
_SCORE: Final = "score"
"""A last column if a rule has learned; the sentence with the score is a row of its own, below that of the incident."""
_COMPARISONS: Final = ("above", "below", "outside", "inside")
_WITHOUT_UNIT: Final = ("rate", "count")
"""Statistics of a metric that do not have its unit."""


def incident_section(incidents: pd.DataFrame, texts: Texts, words: Mapping[str, str], language: str) -> str:
    """Return the section as HTML; "" without incidents.

    Args:
        incidents: as in `plotting.report.run_numbers.RunNumbers`.
        texts: number formats of the language.
        words: texts of the page.
        language: ``en`` or ``fr``.
    """
    if not len(incidents):
        return ""
    conditions = CONDITIONS[language]
    shown = incidents.head(MOST_ROWS)
    columns = (*_COLUMNS, _SCORE) if shown["score"].notna().any() else _COLUMNS
    head = "".join(f"<th scope=col>{escape(words[name])}</th>" for name in columns)
    rows = [_row(row, len(columns), texts, words, conditions) for row in shown.itertuples()]
    note = ""
    if len(shown) < len(incidents):
        count, total = texts.integer(len(shown)), texts.integer(len(incidents))
        note = f"<p class=remark>{escape(words['incidents_cut'].format(count=count, total=total))}</p>"
    named = 'aria-labelledby="incidents"'
    return (
        f'<section {named}><h2 id="incidents">{escape(words["incidents"])}</h2>{note}'
        f'<div class="scroll" tabindex="0" role="region" {named}><table class="anomalies incidents">'
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div></section>"
    )


def condition_text(row: Any, texts: Texts, words: Mapping[str, str], conditions: Mapping[str, str]) -> str:
    """Return the condition of an incident with its bounds: ``above 30 °C``, ``mean above 28 °C``, ``silent``."""
    statistic, _, comparison = row.condition.rpartition(" ")
    if comparison not in _COMPARISONS or pd.isna(row.threshold):
        return conditions.get(row.condition, row.condition)
    low, high = (_value(bound, row.metric, statistic, texts) for bound in (row.threshold, row.threshold_upper))
    said = words[comparison].format(low=low, high=high)
    return f"{conditions.get(statistic, statistic)} {said}".lstrip()


def _row(row: Any, columns: int, texts: Texts, words: Mapping[str, str], conditions: Mapping[str, str]) -> str:
    severity = words[row.severity] if row.severity in ("info", "warning", "critical") else row.severity
    cells = (
        _second(row.opened_us),
        ", ".join(_ending(row, words)),
        "–" if row.is_open else texts.duration(row.closed_us - row.opened_us),
        severity,
        row.rule_id,
        row.device or words["source"],
        texts.listed_name(row.metric),
        condition_text(row, texts, words, conditions),
        _value(row.worst, row.metric, row.condition.rpartition(" ")[0], texts),
        texts.integer(row.readings),
        score_text(row.score, texts),
    )
    kind = " class=open" if row.is_open else ""
    shown = "".join(f"<td><bdi>{escape(cell)}</bdi></td>" for cell in cells[:columns])
    return f"<tr{kind}>{shown}</tr>{_why(row.why, columns)}"


def score_text(score: float, texts: Texts) -> str:
    """Return a score with two digits, or as a whole number; "" for none."""
    return "" if pd.isna(score) else texts.number(float(f"{score:.2g}" if score < 100 else f"{score:.0f}"))


def _why(sentence: str | None, columns: int) -> str:
    """Return the row with the sentence of an incident, which the job writes in English; "" without one."""
    if pd.isna(sentence):
        return ""
    return f"<tr class=why><td colspan={columns} lang=en><bdi>{escape(str(sentence))}</bdi></td></tr>"


def _ending(row: Any, words: Mapping[str, str]) -> Iterator[str]:
    """Yield when and why an incident closed, or that it is open, and in which state."""
    if not row.is_open:
        yield _second(row.closed_us)
        if row.reason not in (None, "clear"):
            yield words.get(f"reason_{row.reason}", row.reason)
        return
    yield words["open"]
    if row.flapping:
        yield words["flapping"]
    if row.stale:
        yield words["stale"]


def _second(microseconds: int) -> str:
    return table_time(microseconds)[:19]


def _value(value: float | None, metric: str, statistic: str, texts: Texts) -> str:
    if value is None or pd.isna(value):
        return ""
    return texts.number(value) if statistic in _WITHOUT_UNIT else texts.quantity(value, metric)
