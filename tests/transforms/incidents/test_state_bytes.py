"""The state of incidents as bytes: columns whose entries are several values, states of before, and their size."""

from dataclasses import replace

import numpy as np
import pytest

from telemetry.rules.parse import parse_rules
from tests.support.incidents import SECOND, START, step, temps
from tests.support.learned_situations import KINDS, five_minutely, noise, rules_of
from transforms.incidents.advance import advance
from transforms.incidents.change_rules import with_rules
from transforms.incidents.incident_state import IncidentState
from transforms.incidents.state_bytes import decode_incident_state, encode_incident_state
from transforms.incidents.watched_rows import WatchedRows

BEFORE_WIDTHS = bytes.fromhex(
    "010098cf0005af318351fcc0cf0005af317ed9940092a161a16294a2623102c40100c40094a2693802c400c41000ee3b8131af050080b105"
    "8331af050094a2693802c400c410802a727f31af050080b1058331af050082a3686f749bac633730353762623066613962a474656d70a777"
    "61726e696e67a561626f7665d3c000000000000000c086a873696e63655f757394a2693802c400c410802a727f31af050080b1058331af05"
    "00ab62726561636865645f757394a2693802c400c41000ee3b8131af050080b1058331af0500a5776f72737494a2663802c400c410000000"
    "0000003f400000000000804040a872656164696e677394a2693402c400c4080400000001000000a5706861736594a2753102c400c4020101"
    "a46f70656e94a2623102c400c40201019394a2693400c400c40094a2693800c400c40094a2663800c400c4008082009bcf0005af317f722a"
    "8001cf0005af317f722a80c0c3c200c0d3c000000000000000d3c00000000000000090019bcf0005af318305b18001cf0005af318305b180"
    "c0c3c200c0d3c000000000000000d3c0000000000000009090a66d6964646c659bac656664616439346136643635a474656d70a77761726e"
    "696e67ac6d656469616e2061626f7665d3c000000000000000c088a873696e63655f757394a2693802c40100c400ab62726561636865645f"
    "757394a2693802c40100c400a5776f72737494a2663802c40100c400a872656164696e677394a2693402c40100c400a5706861736594a275"
    "3102c40100c400a46f70656e94a2623102c40100c400a977696e646f775f757394a2693802c400c4100094d97e31af05000094d97e31af05"
    "00a5636f756e7494a2693402c400c40805000000030000009394a2693408c40107c40c01000000010000000100000094a2693808c40100c4"
    "0094a2663808c400c4400000000000003c400000000000003f400000000000803e400000000000803e400000000000803e40000000000000"
    "34400000000000803440000000000080404080809080"
)
"""The state of `HOT` after `FIRST`, as the commit before the first rule that learns encoded it."""
HOT = """
version: 2
rules:
- {id: hot, metric: temp, above: 30, clear: 29, keep: 1m}
- {id: middle, metric: temp, window: {statistic: median, length: 5m}, above: 29}
"""
FIRST = [*temps(28, 31, 30.5, 30.5, 30.5), *temps(20, (15, 20.5), (70, 33), device="b")]
LATER = [*temps((80, 31), (100, 28), (170, 28), (400, 28)), *temps((85, 34), (400, 34), device="b")]
MINUTE = 60 * SECOND


def assert_same(found: IncidentState, expected: IncidentState) -> None:
    """Compare states with the types and shapes of their columns."""
    for name in ("watermark_us", "start_us", "devices", "codes", "sources"):
        assert getattr(found, name) == getattr(expected, name)
    for name in ("expected", "seen_us", "first_us"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))
    assert found.rules.keys() == expected.rules.keys()
    for rule, remembered in found.rules.items():
        other = expected.rules[rule]
        assert {name: (column.dtype, column.shape) for name, column in remembered.columns.items()} == {
            name: (column.dtype, column.shape) for name, column in other.columns.items()
        }
        for name, column in remembered.columns.items():
            np.testing.assert_array_equal(column, other.columns[name], err_msg=f"{rule} {name}")
        for name in ("slot", "time_us", "value"):
            np.testing.assert_array_equal(getattr(remembered.kept, name), getattr(other.kept, name))
        np.testing.assert_array_equal(remembered.members, other.members)
        assert (remembered.episodes, remembered.version) == (other.episodes, other.version)


@pytest.mark.parametrize("devices", [0, 1, 3])
def test_columns_of_several_values_are_encoded_and_decoded(devices: int) -> None:
    """Hours and bins, as they are at the beginning and after two days; without a device, too."""
    rules = rules_of(*KINDS)
    state, _ = with_rules(rules, expected=[f"d{number}" for number in range(devices)])
    assert_same(decode_incident_state(encode_incident_state(state)), state)
    samples = [one for number in range(devices) for one in five_minutely(noise(2, seed=number), f"d{number}")]
    state, _ = step(rules, state, samples, 2 * 86_400)
    hours, bins = state.rules["hourly"].columns["hours"], state.rules["novel"].columns["bins"]
    assert (hours.shape, hours.dtype.name) == ((devices, 24), "float32")
    assert (bins.shape, bins.dtype.name) == ((devices, 64), "uint16")
    if devices:
        assert not np.isnan(hours).all()
        assert bins.any()
    assert_same(decode_incident_state(encode_incident_state(state)), state)


def test_a_state_from_before_columns_had_widths_goes_on() -> None:
    rules = parse_rules(HOT)
    state, _ = step(rules, with_rules(rules)[0], FIRST, 75)
    decoded = decode_incident_state(BEFORE_WIDTHS)
    assert_same(decoded, state)
    _, told = step(rules, decoded, LATER, 700)
    assert told == step(rules, state, LATER, 700)[1]
    assert {(one["rule_id"], one["state"]) for one in told} == {
        ("hot", "updated"),
        ("hot", "closed"),
        ("middle", "opened"),
        ("middle", "closed"),
    }


def test_a_series_of_all_rules_takes_at_most_512_bytes() -> None:
    """After two days of readings each minute, noise of which nothing repeats; of 1,000 series each takes less."""
    series, minutes = 100, 2 * 1440
    generator = np.random.default_rng(5)
    values = np.round(generator.normal(20.0, 0.5, series * minutes), 2)
    rows = WatchedRows(
        metrics=("temp",),
        devices=tuple(f"device-{number:05d}" for number in range(series)),
        device=np.tile(np.arange(series, dtype=np.int32), minutes),
        event_us=START + MINUTE * np.repeat(np.arange(minutes), series),
        values=values[np.newaxis],
    )
    kinds = ("jump", "hourly", "drift", "novel", "stuck")
    rules = rules_of(*kinds, silent="metric: temp, silence: {intervals: 10}")
    state, _ = advance(rules, with_rules(rules)[0], rows, int(rows.event_us[-1]) + 1)
    empty = encode_incident_state(replace(with_rules(rules)[0], watermark_us=0))
    assert 300 * series < len(encode_incident_state(state)) - len(empty) <= 512 * series
