"""Transitions are reduced to incidents, with every time at which one opened."""

from pipeline.backtest.past_incidents import IncidentCollector, PastIncident
from telemetry.rules.bounds import Bounds
from telemetry.rules.conditions import Silence, Threshold
from telemetry.rules.incident_policy import IncidentPolicy
from telemetry.rules.rule import Rule
from telemetry.rules.rule_set import RuleSet
from tests.support.incident_oracle import Sample
from tests.support.incidents import SECOND, at, rows_of, temps
from transforms.incidents.advance import advance
from transforms.incidents.change_rules import with_rules

RULES = RuleSet(
    [
        Rule("hot", "temp", Threshold(Bounds("above", 30.0)), severity="critical"),
        Rule("silent", "", Silence(60 * SECOND)),
    ],
    IncidentPolicy(reopen_us=30 * SECOND),
)


def collected(samples: list[Sample], *watermarks: float) -> list[PastIncident]:
    collector = IncidentCollector()
    state, before = with_rules(RULES)[0], -1
    for second in watermarks:
        now = [one for one in samples if before <= one.time < at(second)]
        state, batch = advance(RULES, state, rows_of(now), at(second))
        collector.add(batch)
        before = at(second)
    return collector.incidents()


def test_an_incident_that_opens_again_is_one():
    (found,) = collected(temps(31, 20, 33, 20, 20, 31.5, 20), 15, 100)[:1]
    assert (found.rule_id, found.device, found.metric, found.severity) == ("hot", "a", "temp", "critical")
    assert (found.opened_us, found.told_us, found.closed_us) == (at(0), (at(0), at(20), at(50)), at(60))
    assert (found.worst, found.readings) == (33.0, 3)
    assert found.series == ("hot", "a", "temp")
    assert found.end_us(at(99)) == at(60)


def test_a_silence_opens_before_it_is_told_and_lasts_while_it_is_open():
    (found,) = collected(temps(20, 20), 100)
    assert (found.rule_id, found.opened_us, found.told_us, found.closed_us) == ("silent", at(10), (at(70),), None)
    assert (found.worst, found.readings, found.end_us(at(99))) == (None, 0, at(99))


def test_incidents_are_in_the_order_of_their_openings():
    samples = [*temps(31, 31, device="b"), *temps((5, 31), (6, 20), (7, 31), device="a")]
    assert [(one.device, one.told_us) for one in collected(samples, 50)] == [("b", (at(0),)), ("a", (at(5), at(7)))]
