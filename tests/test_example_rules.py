"""The example of a rules file: it shows every condition, passes its tests, and finds the simulator's faults."""

from collections import Counter
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pytest

from publisher.simulate.episodes import SimulatedEpisode
from publisher.simulate.stream import Simulation, generate, prepare
from telemetry.cli.main import main
from telemetry.rules.conditions import Combination, Rate, Silence, Stuck, Threshold, WindowStatistic
from telemetry.rules.parse import load_rules
from tests.support.sources import ROOT
from transforms.incidents.advance import advance
from transforms.incidents.change_rules import with_rules
from transforms.incidents.watched_rows import WatchedRows

KINDS: Final = ("spike", "drift", "stuck", "silence", "shift")
RULES: Final = str(ROOT / "demo" / "rules.yaml")
SECOND: Final = 1_000_000
AFTER: Final = 600 * SECOND
"""How long after a fault an incident may still be opened because of it: the longest window."""
ALWAYS: Final = {
    "spike": {"temp-high", "temp-jump", "temp-drop", "hot-not-dry"},
    "drift": {"temp-high", "temp-drop", "hot-not-dry"},
    "stuck": {"temp-stuck"},
    "silence": {"silent"},
    "shift": {"temp-jump", "temp-drop"},
}
"""Rules that open an incident at each fault of a kind."""
SOMETIMES: Final = {
    "drift": {"temp-drift", "temp-mean", "temp-often-high"},
    "shift": {"temp-drift", "temp-high", "temp-low", "temp-mean", "temp-often-high", "hot-not-dry"},
}
"""Rules that open one as well if the fault is large enough."""


def test_it_shows_every_condition_and_every_time() -> None:
    rules = load_rules(RULES).rules
    assert {type(rule.condition) for rule in rules} == {Threshold, Rate, Stuck, Silence, WindowStatistic, Combination}
    thresholds = [rule for rule in rules if isinstance(rule.condition, Threshold)]
    assert any(rule.bounds is not None and rule.bounds.has_clear and rule.keep_us for rule in thresholds)
    assert any(rule.for_us for rule in thresholds)
    assert {(c.statistic, c.quantile) for rule in rules if isinstance(c := rule.condition, WindowStatistic)} == {
        ("mean", None),
        ("quantile", 0.95),
    }


def test_it_passes_its_tests_which_test_every_rule(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "test", str(ROOT / "demo" / "rules.test.yaml")]) == 0, capsys.readouterr().out
    assert capsys.readouterr().out == "15 tests in 1 file: 15 passed, 0 failed\n"
    text = (ROOT / "demo" / "rules.test.yaml").read_text(encoding="utf-8")
    assert [rule.id for rule in load_rules(RULES).rules if f"{{rule: {rule.id}, " not in text] == []


def openings(simulation: Simulation) -> tuple[list[tuple[SimulatedEpisode, str, int, int]], list[dict[str, Any]]]:
    """Return the faults with their device and time, microseconds, and the first transition of each incident."""
    scene = prepare(simulation)
    climate = scene.climate
    table = pa.Table.from_batches(generate(simulation, scene))
    devices = table.column("device").combine_chunks().dictionary_encode()
    rules = load_rules(RULES)
    rows = WatchedRows(
        rules.metrics,
        tuple(devices.dictionary.to_pylist()),
        devices.indices.to_numpy(),
        np.rint(table.column("ts").to_numpy() * SECOND).astype(np.int64),
        np.array([table.column(metric).to_numpy() for metric in rules.metrics]),
    )
    state, _ = with_rules(rules)
    _, transitions = advance(rules, state, rows, int(rows.event_us.max()) + 1)
    assert transitions is not None
    at = transitions.schema.get_field_index("event_time")
    transitions = transitions.set_column(at, "event_time", transitions.column(at).view(pa.int64()))
    first = [one for one in transitions.select(["rule_id", "device", "event_time", "sequence"]).to_pylist()
             if one["sequence"] == 1]  # fmt: skip
    faults = [
        (fault, climate.names[fault.device], climate.round_start_us(fault.first), climate.round_start_us(fault.end))
        for fault in scene.plan.faults
    ]
    return faults, first


@pytest.mark.parametrize(("seed", "devices"), [(0, 3), (7, 4), (21, 6)])
def test_it_finds_every_fault_and_invents_none(seed: int, devices: int) -> None:
    start_us = 1_594_512_000 * SECOND
    faults, found = openings(Simulation(100_000, devices, seed, start_us, 5 * SECOND, KINDS))
    assert {fault.kind for fault, *_ in faults} == set(KINDS)
    caused: Counter[int] = Counter()
    for number, (fault, device, begin_us, end_us) in enumerate(faults):
        mine = {
            place: one["rule_id"]
            for place, one in enumerate(found)
            if one["device"] == device and begin_us <= one["event_time"] <= end_us + AFTER
        }
        assert set(mine.values()) >= ALWAYS[fault.kind], (number, fault)
        caused.update(
            place for place, rule in mine.items() if rule in ALWAYS[fault.kind] | SOMETIMES.get(fault.kind, set())
        )
    assert [one for place, one in enumerate(found) if not caused[place]] == []
    kinds = Counter(fault.kind for fault, *_ in faults)
    rules = Counter(one["rule_id"] for one in found)
    assert (rules["silent"], rules["temp-stuck"]) == (kinds["silence"], kinds["stuck"])
    assert rules["temp-jump"] == kinds["spike"] + kinds["shift"]
