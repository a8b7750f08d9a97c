"""Write the report of a backtest as one JSON document."""

import json
from dataclasses import asdict
from typing import Any, Final

from pipeline.backtest.past_incidents import PastIncident
from pipeline.backtest.run_backtest import BacktestReport, JudgedRules
from pipeline.backtest.score import KindScore, LabelScore, RuleScore
from telemetry.text.timestamps import format_time

_SECOND_US: Final = 1e6


def report_document(report: BacktestReport, picture: str = "") -> str:
    """Return the report as a JSON document. Times are RFC 3339 UTC, lengths seconds, shares 0 to 1.

    Args:
        report: the report.
        picture: path of the picture that was drawn; "" for none.
    """
    document: dict[str, Any] = {
        "sources": report.sources,
        "readings": report.readings,
        "devices": report.devices,
        "rejected": report.rejected,
        "first_time": format_time(report.first_us),
        "last_time": format_time(report.last_us),
        "rules": _judged(report.judged),
    }
    if report.against is not None and report.difference is not None:
        document["against"] = _judged(report.against)
        document["added"] = list(map(_incident, report.difference.added))
        document["dropped"] = list(map(_incident, report.difference.dropped))
    if report.labels is not None:
        document |= {"faults": len(report.labels.faults), "faults_outside": report.faults_outside}
        document["benign_events"] = len(report.labels.benign)
    if picture:
        document["picture"] = picture
    return json.dumps(document, indent=2, ensure_ascii=False)


def _judged(judged: JudgedRules) -> dict[str, Any]:
    found: dict[str, Any] = {
        "file": judged.name,
        "version": judged.rules.version,
        "incidents": len(judged.incidents),
        "by_rule": [
            {
                "rule": one.rule_id,
                "severity": one.severity,
                "incidents": one.incidents,
                "per_day": one.per_day,
                "median_length_s": _seconds(one.median_us),
                "open_share": one.open_share,
                "still_open": one.still_open,
            }
            for one in judged.figures
        ],
    }
    return found if judged.score is None else found | {"score": _score(judged.score)}


def _score(score: LabelScore) -> dict[str, Any]:
    return {
        "by_kind": list(map(_kind, score.total.kinds[:-1])),
        "by_rule": [{"rule": one.rule_id, **_rule(one)} for one in score.rules],
        "total": _rule(score.total),
    }


def _rule(one: RuleScore) -> dict[str, Any]:
    counts = {"incidents": one.incidents, "true": one.true, "late": one.late, "false": one.false}
    whole = {name: value for name, value in _kind(one.kinds[-1]).items() if name != "kind"}
    return {**counts, "precision": one.precision, **whole, "by_kind": list(map(_kind, one.kinds[:-1])),
            "benign": list(map(asdict, one.benign))}  # fmt: skip


def _kind(one: KindScore) -> dict[str, Any]:
    counts = {"kind": one.kind, "faults": one.faults, "found": one.found, "recall": one.recall}
    return {**counts, "median_delay_s": _seconds(one.median_us)}


def _incident(one: PastIncident) -> dict[str, Any]:
    times = {"opened_at": format_time(one.opened_us), "told_at": list(map(format_time, one.told_us))}
    closed = {"closed_at": None if one.closed_us is None else format_time(one.closed_us)}
    plain = {name: value for name, value in asdict(one).items() if not name.endswith("_us")}
    return {**plain, **times, **closed}


def _seconds(microseconds: float | None) -> float | None:
    return None if microseconds is None else microseconds / _SECOND_US
