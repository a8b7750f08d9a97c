"""Build the HTML text of the page: escaped content in a template, with a policy that blocks everything else."""

import base64
import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from string import Template
from typing import Final

import pandas as pd

from plotting.report.incident_table import incident_section
from plotting.report.markup import escape, table_time
from plotting.report.pictures import ReportPicture
from plotting.report.run_numbers import RunNumbers
from plotting.report.script_data import anomaly_columns, limit_text, to_script_json
from plotting.report.words import WORDS
from plotting.style.appearance import Appearance
from plotting.style.texts import Texts

_HERE: Final = Path(__file__).parent
_STATIC_ROWS: Final = 200
"""Most rows of the table shown without JavaScript."""
_LISTED: Final = 10
"""Most rows of a breakdown; all others are summed in one row."""
_SEVERITIES: Final = ("info", "warning", "critical")


def build_page(
    numbers: RunNumbers, drawn: list[ReportPicture], where: str, metric: str, look: Appearance, *, whole: bool
) -> str:
    """Return the page.

    Args:
        numbers: numbers of the run.
        drawn: pictures of the run.
        where: name of the results, shown to the reader.
        metric: the metric of the pictures and of the headline.
        look: language, and units and labels of the metrics.
        whole: whether the whole run is shown; if not, numbers that always refer to the whole run are marked.
    """
    language, texts = look.language, look.texts
    words = WORDS[language]
    css, script, body = (_read(name) for name in ("page.css", "page.js", "page.html"))
    data = anomaly_columns(numbers.anomalies, texts, words) | {"words": dict(words), "known": list(_SEVERITIES)}
    parts = {
        "lang": language,
        "policy": security_policy(css, script),
        "css": css,
        "script": script,
        "data": to_script_json(data),
        "where": escape(where),
        "range": escape(_range(numbers, texts, words)),
        "cards": _cards(numbers, metric, texts, words, whole),
        "remarks": f"<p class=remark>{escape(words['overlapping'])}</p>" if numbers.overlapping else "",
        "breakdowns": _breakdowns(numbers, texts, words, whole),
        "incidents": incident_section(numbers.incidents, texts, words, language),
        "incidents_link": f'<a href="#incidents">{escape(words["incidents"])}</a> ' if len(numbers.incidents) else "",
        "figures": _figures(drawn, texts.listed_name(metric), words),
        "static": _static_table(numbers.anomalies, texts, words),
        "empty": f"<p>{escape(words['none_stored'])}</p>" if not len(numbers.anomalies) else "",
    }
    return Template(body).substitute({f"w_{key}": escape(text) for key, text in words.items()}, **parts)


def security_policy(css: str, script: str) -> str:
    """Return a Content-Security-Policy that allows only this style, this script and images within the page."""
    return (
        f"default-src 'none'; img-src data:; style-src '{_digest(css)}'; script-src '{_digest(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _read(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8").strip()


def _range(numbers: RunNumbers, texts: Texts, words: Mapping[str, str]) -> str:
    if numbers.span_us is None:
        return "–"
    return words["range"].format(start=texts.moment(numbers.span_us[0]), end=texts.moment(numbers.span_us[1]))


def _cards(numbers: RunNumbers, metric: str, texts: Texts, words: Mapping[str, str], whole: bool) -> str:
    note = "" if whole else words["whole_run"]
    shown = texts.listed_name(metric)
    cards = [
        (words["anomalies"], len(numbers.anomalies), "", "alarm" if len(numbers.anomalies) else ""),
        (words["devices"], numbers.devices, "", ""),
        (words["values"].format(metric=shown), numbers.values, "", ""),
        (words["windows"].format(metric=shown), numbers.windows, "", ""),
        (words["letters"], sum(numbers.dead_letters.values()), note, "alarm" if numbers.dead_letters else ""),
    ]
    if len(numbers.incidents):
        is_open = int(numbers.incidents["is_open"].sum())
        small = words["open_now"].format(count=texts.integer(is_open)) if is_open else ""
        cards.insert(1, (words["incidents"], len(numbers.incidents), small, "alarm" if is_open else ""))
    if numbers.decoded is not None:
        cards.insert(-3, (words["decoded"], numbers.decoded, note, ""))
    return "".join(
        f'<div class="card {kind}"><dt>{escape(name)}{f" <small>({escape(small)})</small>" if small else ""}</dt>'
        f"<dd>{escape(texts.integer(count))}</dd></div>"
        for name, count, small, kind in cards
    )


def _breakdowns(numbers: RunNumbers, texts: Texts, words: Mapping[str, str], whole: bool) -> str:
    reasons = words["by_reason"] + ("" if whole else f" ({words['whole_run']})")
    lists = []
    for heading, filtered, column in (
        (words["by_severity"], "severity", "severity"),
        (words["by_rule"], "rule", "rule_id"),
        (words["by_device"], "device", "device"),
    ):
        counts = [(str(name), int(n)) for name, n in numbers.anomalies[column].value_counts().items()]
        if column == "severity":  # most severe first, unknown severities last
            counts.sort(key=lambda item: -_SEVERITIES.index(item[0]) if item[0] in _SEVERITIES else 1)
        lists.append(_breakdown(heading, counts, filtered, texts, words))
    letters = sorted(numbers.dead_letters.items(), key=lambda item: (-item[1], item[0]))
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
        when = table_time(int(row.time_us))  # type: ignore[arg-type]
        severity = words[str(row.severity)] if row.severity in _SEVERITIES else str(row.severity)
        cells = (
            *(when, str(row.device), texts.listed_name(str(row.metric))),
            texts.quantity(float(row.value), str(row.metric)),  # type: ignore[arg-type]
            *(limit_text(row, texts, words), str(row.rule_id), severity),
        )
        rows.append("<tr>" + "".join(f"<td><bdi>{escape(cell)}</bdi></td>" for cell in cells) + "</tr>")
    note = words["noscript"].format(count=texts.integer(len(newest)), total=texts.integer(len(anomalies)))
    return (
        f"<p>{escape(note)}</p><div class=scroll tabindex=0><table class=anomalies><thead><tr>{head}</tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )
