import pytest

from telemetry.feed.formats.records import BadPart
from telemetry.feed.formats.senml import SenmlReader


def read(payload: bytes) -> tuple[list[object], list[str]]:
    records, bad = SenmlReader().read(payload)
    assert all((record.first, record.end) == (0, len(payload)) for record in records)
    return [record.value for record in records], [part.problem for part in bad]


def test_base_fields_are_resolved():
    payload = b"""[
      {"bn": "urn:dev:ow:10e2073a01080063:", "bt": 1.276020076e9, "bu": "A", "bver": 5,
       "n": "voltage", "u": "V", "v": 120.1},
      {"n": "current", "t": -5, "v": 1.2},
      {"n": "label", "vs": "on", "ut": 60}
    ]"""
    name = "urn:dev:ow:10e2073a01080063:"
    assert read(payload) == (
        [
            {"n": f"{name}voltage", "u": "V", "v": 120.1, "t": 1276020076.0},
            {"n": f"{name}current", "u": "A", "v": 1.2, "t": 1276020071.0},
            {"n": f"{name}label", "u": "A", "vs": "on", "ut": 60, "t": 1276020076.0},
        ],
        [],
    )


def test_base_values_are_added():
    assert read(b'[{"bn": "a", "bv": 20, "bs": 100, "v": 1.5}, {"n": "b"}, {"s": 3}]') == (
        [{"n": "a", "v": 21.5}, {"n": "ab", "v": 20}, {"n": "a", "s": 103}],
        [],
    )


def test_a_base_holds_until_the_next_one():
    assert read(b'[{"bn": "a", "v": 1}, {"bn": "b", "v": 2}, {"v": 3}]')[0] == [
        {"n": "a", "v": 1},
        {"n": "b", "v": 2},
        {"n": "b", "v": 3},
    ]


def test_a_record_with_base_fields_only_carries_no_value():
    assert read(b'[{"bn": "a", "bt": 1e9}, {"v": 1}]') == ([{"n": "a", "v": 1, "t": 1e9}], [])


def test_small_times_are_relative():
    assert read(b'[{"n": "a", "v": 1, "t": -30}, {"n": "b", "v": 2}]')[0] == [
        {"n": "a", "v": 1, "relative_t": -30},
        {"n": "b", "v": 2},
    ]


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        (b'{"n": "x"}', "a record without a value"),
        (b'{"n": "x", "v": "1"}', "v is not a number"),
        (b'{"n": 5, "v": 1}', "n is not text"),
        (b'{"v": 1}', "a record without a name"),
        (b'{"n": "x", "v": 1, "t": true}', "t is not a number"),
        (b'{"n": "x", "v": 1, "new_": 1}', "the label 'new_' must be understood, and is not"),
        (b"7", "Expected `object | array`, got `int`"),
    ],
)
def test_a_bad_record_keeps_the_pack(entry, problem):
    assert read(b'[{"n": "a", "v": 1}, ' + entry + b"]") == ([{"n": "a", "v": 1}], [problem])


def test_a_newer_version_is_not_read():
    payload = b'[{"bver": 11, "n": "a", "v": 1}]'
    assert SenmlReader().read(payload) == ([], [BadPart(0, len(payload), "version 11, at most 10 is read")])
