"""Incidents of rules of which some learn: the oracle tells of the others, a plain evaluation at once of those."""

from typing import Any

from telemetry.rules.rule_set import RuleSet
from telemetry.rules.unusual import LearnedStuck, Unusual
from tests.support.incident_oracle import Job, Sample
from tests.support.incidents import evaluate


def told_by_oracle(rules: RuleSet, samples: list[Sample], roster: tuple[str, ...]) -> list[dict[str, Any]]:
    """Return the transitions up to the last reading."""
    watermark = max(one.time for one in samples) + 1
    place = {rule.id: number for number, rule in enumerate(rules.rules)}
    learning = {rule.id for rule in rules.rules if isinstance(rule.condition, Unusual | LearnedStuck)}
    others = RuleSet([rule for rule in rules.rules if rule.id not in learning], rules.incidents, rules.roster)
    job = Job(others, samples, watermark, roster)
    learned = [one for one in evaluate(rules, samples, [watermark], roster) if one["rule_id"] in learning]
    told = [{**one, "rule": place[one["rule_id"]]} for one in (*job.run(), *learned)]
    told.sort(key=lambda one: (one["event_time"], one["device"], one["rule"], one["sequence"]))
    job.mark_first(told)
    return told
