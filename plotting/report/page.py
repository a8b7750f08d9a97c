"""The page as text: the template, filled with what is escaped, under a policy that lets nothing else run or load."""

import base64
import hashlib
import html
from collections.abc import Iterable, Mapping
from pathlib import Path
from string import Template
from typing import Final

import pandas as pd

from plotting.report.embed import columns_of, limit_text, to_script
from plotting.report.facts import Facts
from plotting.report.pictures import ReportPicture
from plotting.report.words import WORDS
from plotting.style.texts import TEXTS, Texts, visible
from telemetry.text.timestamps import format_time

_HERE: Final = Path(__file__).parent
_STATIC_ROWS: Final = 200
"""Rows of the table where no script runs."""
_LISTED: Final = 10
"""Lines of a breakdown; what is left is summed up."""
_SEVERITIES: Final = ("info", "warning", "critical")


def build_page(facts: Facts, drawn: list[ReportPicture], where: str, metric: str, language: str, *, whole: bool) -> str:
    """Return the page.

    Args:
        facts: what the run says.
        drawn: its pictures.
        where: the results, for a person.
        metric: the metric of the pictures and of the headline.
        language: ``en`` or ``fr``.
        whole: whether the whole run is shown; if not, the numbers that no time range can divide are marked.
    """
    texts, words = TEXTS[language], WORDS[language]
    css, script, body = (_read(name) for name in ("page.css", "page.js", "page.html"))
    data = columns_of(facts.anomalies, texts, words) | {"words": dict(words), "known": list(_SEVERITIES)}
    parts = {
        "lang": language,
        "policy": policy(css, script),
        "css": css,
        "script": script,
        "data": to_script(data),
        "where": escape(where),
        "range": escape(_range(facts, texts, words)),
        "cards": _cards(facts, metric, texts, words, whole),
        "remarks": f"<p class=remark>{escape(words['overlapping'])}</p>" if facts.overlapping else "",
        "breakdowns": _breakdowns(facts, texts, words, whole),
        "figures": _figures(drawn, metric, words),
        "static": _static_table(facts.anomalies, texts, words),
        "empty": f"<p>{escape(words['none_stored'])}</p>" if not len(facts.anomalies) else "",
    }
    return Template(body).substitute({f"w_{key}": escape(text) for key, text in words.items()}, **parts)


def escape(text: str) -> str:
    """Return text as it must stand in HTML, in an attribute too; control characters are made visible."""
    return html.escape(visible(text))


def policy(css: str, script: str) -> str:
    """Return a Content-Security-Policy that allows this style and this script, pictures within the page, no more."""
    return (
        f"default-src 'none'; img-src data:; style-src '{_digest(css)}'; script-src '{_digest(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _read(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8").strip()


def _range(facts: Facts, texts: Texts, words: Mapping[str, str]) -> str:
    if facts.span_us is None:
        return "–"
    return words["range"].format(start=texts.moment(facts.span_us[0]), end=texts.moment(facts.span_us[1]))


def _cards(facts: Facts, metric: str, texts: Texts, words: Mapping[str, str], whole: bool) -> str:
    note = "" if whole else words["whole_run"]
    cards = [
        (words["anomalies"], len(facts.anomalies), "", "alarm" if len(facts.anomalies) else ""),
        (words["devices"], facts.devices, "", ""),
        (words["values"].format(metric=metric), facts.values, "", ""),
        (words["windows"].format(metric=metric), facts.windows, "", ""),
        (words["letters"], sum(facts.dead_letters.values()), note, "alarm" if facts.dead_letters else ""),
    ]
    if facts.decoded is not None:
        cards.insert(2, (words["decoded"], facts.decoded, note, ""))
    return "".join(
        f'<div class="card {kind}"><dt>{escape(name)}{f" <small>({escape(small)})</small>" if small else ""}</dt>'
        f"<dd>{escape(texts.integer(count))}</dd></div>"
        for name, count, small, kind in cards
    )


def _breakdowns(facts: Facts, texts: Texts, words: Mapping[str, str], whole: bool) -> str:
    reasons = words["by_reason"] + ("" if whole else f" ({words['whole_run']})")
    lists = []
    for heading, filtered, column in (
        (words["by_severity"], "severity", "severity"),
        (words["by_rule"], "rule", "rule_id"),
        (words["by_device"], "device", "device"),
    ):
        counts = [(str(name), int(n)) for name, n in facts.anomalies[column].value_counts().items()]
        if column == "severity":  # the worst first, the unknown last
            counts.sort(key=lambda item: -_SEVERITIES.index(item[0]) if item[0] in _SEVERITIES else 1)
        lists.append(_breakdown(heading, counts, filtered, texts, words))
    letters = sorted(facts.dead_letters.items(), key=lambda item: (-item[1], item[0]))
    lists.append(_breakdown(reasons, letters, "", texts, words))
    if not letters:
        lists[-1] = f"<section><h3>{escape(reasons)}</h3><p>{escape(words['letters_none'])}</p></section>"
    return "".join(lists)


def _breakdown(
    heading: str, counts: list[tuple[str, int]], filtered: str, texts: Texts, words: Mapping[str, str]
) -> str:
    if not counts:
        return ""
    rows = []
    for name, count in counts[:_LISTED]:
        label = words.get(name, name) if filtered == "severity" and name in _SEVERITIES else name
        text = f"<bdi>{escape(label)}</bdi>"
        if filtered:
            only = escape(words["only"].format(name=label))
            text = (
                f'<button type="button" class="link" data-filter="{filtered}" data-name="{escape(name)}" '
                f'title="{only}">{text}</button>'
            )
        rows.append(f"<tr><th scope=row>{text}</th><td>{escape(texts.integer(count))}</td></tr>")
    if len(counts) > _LISTED:
        more = words["more"].format(count=texts.integer(len(counts) - _LISTED))
        rest = sum(count for _, count in counts[_LISTED:])
        rows.append(f"<tr><th scope=row>{escape(more)}</th><td>{escape(texts.integer(rest))}</td></tr>")
    return f"<section><h3>{escape(heading)}</h3><table>{''.join(rows)}</table></section>"


def _figures(drawn: Iterable[ReportPicture], metric: str, words: Mapping[str, str]) -> str:
    found = "".join(
        f'<figure tabindex="0"><img alt="{escape(picture.alt)}" width="{picture.size[0]}" height="{picture.size[1]}" '
        f'src="data:image/png;base64,{base64.b64encode(picture.png).decode()}"></figure>'
        for picture in drawn
    )
    return found or f"<p>{escape(words['no_pictures'].format(metric=metric))}</p>"


def _static_table(anomalies: pd.DataFrame, texts: Texts, words: Mapping[str, str]) -> str:
    newest = anomalies.iloc[::-1].head(_STATIC_ROWS)
    if not len(newest):
        return ""
    names = ("time", "device", "metric", "value", "limit", "rule", "severity")
    head = "".join(f"<th scope=col>{escape(words[name])}</th>" for name in names)
    rows = []
    for row in newest.itertuples():
        when = format_time(int(row.time_us)).replace("T", " ").rstrip("Z").removesuffix(".000000")  # type: ignore[arg-type]
        severity = words[str(row.severity)] if row.severity in _SEVERITIES else str(row.severity)
        cells = (
            *(when, str(row.device), str(row.metric), texts.quantity(float(row.value), str(row.metric))),  # type: ignore[arg-type]
            *(limit_text(row, texts, words), str(row.rule_id), severity),
        )
        rows.append("<tr>" + "".join(f"<td><bdi>{escape(cell)}</bdi></td>" for cell in cells) + "</tr>")
    note = words["noscript"].format(count=texts.integer(len(newest)), total=texts.integer(len(anomalies)))
    return (
        f"<p>{escape(note)}</p><div class=scroll tabindex=0><table class=anomalies><thead><tr>{head}</tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )
