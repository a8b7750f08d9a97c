"""Sum the figures of rounds by kind of fault, as a table and as JSON."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

from benchmarks.torture.rounds import Outcome

_COLUMNS: Final = (
    "fault",
    "rounds",
    "starts",
    "kills",
    "rows",
    "lost",
    "extra",
    "wrong windows",
    "wrong records",
    "failed checks",
    "other problems",
    "worst recovery",
)


def to_table(outcomes: Sequence[Outcome]) -> str:
    """Return a Markdown table, one line for each kind of fault and one for all."""
    kinds = list(dict.fromkeys(one.scenario.kind for one in outcomes))
    lines = [_line(kind, [one for one in outcomes if one.scenario.kind == kind]) for kind in kinds]
    lines.append(_line("all", outcomes))
    rule = "|".join(["---"] + ["---:"] * (len(_COLUMNS) - 1))
    return "\n".join([f"| {' | '.join(_COLUMNS)} |", f"|{rule}|", *(f"| {' | '.join(line)} |" for line in lines)])


def to_json(outcomes: Sequence[Outcome], seed: int, facts: Mapping[str, str]) -> str:
    """Return all figures of all rounds."""
    rounds: list[dict[str, Any]] = [asdict(one) | {"title": one.scenario.title} for one in outcomes]
    return json.dumps({"seed": seed, "machine": dict(facts), "rounds": rounds}, indent=1)


def has_failed(outcome: Outcome) -> bool:
    """Return whether a round found a fault of the product."""
    return not (outcome.verdict.is_clean and outcome.verdict.reconciled)


def _line(name: str, outcomes: Sequence[Outcome]) -> list[str]:
    verdicts = [one.verdict for one in outcomes]
    numbers = (
        len(outcomes),
        sum(one.starts for one in outcomes),
        sum(one.kills for one in outcomes),
        sum(one.rows for one in outcomes),
        sum(one.lost for one in verdicts),
        sum(one.extra for one in verdicts),
        sum(one.wrong_windows for one in verdicts),
        sum(one.wrong_records for one in verdicts),
        sum(not one.reconciled for one in verdicts),
        sum(bool(one.problems) for one in verdicts),
    )
    worst = max((seconds for one in outcomes for seconds in one.recovery_s), default=None)
    return [name, *(f"{number:,}" for number in numbers), "–" if worst is None else f"{worst:.1f} s"]
