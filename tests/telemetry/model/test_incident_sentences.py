"""Sentences of transitions."""

from typing import Any

import pytest

from telemetry.model.incident_sentences import line, number, sentence
from tests.support.records import transition

OPEN, CLOSED = "since 2020-07-12T00:00:00Z", "from 2020-07-12T00:00:00Z to 2020-07-12T00:01:00Z"
WHY = "34.1 °C; 21.0 at the reading before"
LEARNED: dict[str, Any] = {"condition": "jump", "threshold": None, "why": WHY}
VALUELESS: dict[str, Any] = {"value": None, "worst": None, "threshold": None}


@pytest.mark.parametrize(
    ("sequence", "changes", "expected"),
    [
        (0, {}, f"temp-high: temp of b8:27:eb above 30, worst 30.5, {OPEN}"),
        (1, {"state": "closed"}, f"temp-high: temp of b8:27:eb above 30, worst 31.5, {CLOSED}"),
        (
            1,
            {"state": "closed", "reason": "shelved", **VALUELESS},
            f"temp-high: temp of b8:27:eb above, {CLOSED} (shelved)",
        ),
        (
            0,
            {"condition": "outside", "threshold_upper": 40.25},
            f"temp-high: temp of b8:27:eb outside 30 to 40.25, worst 30.5, {OPEN}",
        ),
        (0, {"condition": "silence", "metric": "", **VALUELESS}, f"temp-high: b8:27:eb silent, {OPEN}"),
        (0, {"condition": "silence", "metric": "", "device": "", **VALUELESS}, f"temp-high: the source silent, {OPEN}"),
        (0, {"condition": "all", "metric": "", **VALUELESS}, f"temp-high: b8:27:eb all parts true, {OPEN}"),
        (
            1,
            {"flapping": True, "stale": True},
            f"temp-high: temp of b8:27:eb above 30, worst 31.5, {OPEN} (flapping, no new data)",
        ),
        (0, LEARNED, f"temp-high: temp of b8:27:eb jumped, {WHY}, {OPEN}"),
        (1, {"state": "closed", **LEARNED}, f"temp-high: temp of b8:27:eb jumped, worst 31.5, {CLOSED}"),
        (
            0,
            {"device": "a\nb", "metric": "te\x1bmp"},
            f"temp-high: 'te\\x1bmp' of 'a\\nb' above 30, worst 30.5, {OPEN}",
        ),
    ],
)
def test_a_transition_is_one_sentence(sequence: int, changes: dict[str, Any], expected: str) -> None:
    assert sentence(transition(sequence, **changes)) == expected


@pytest.mark.parametrize(
    ("value", "expected"), [(None, ""), (30.0, "30"), (1 / 3, "0.333333"), (1e-9, "1e-09"), (-0.5, "-0.5")]
)
def test_numbers_are_short(value: float | None, expected: str) -> None:
    assert number(value) == expected


@pytest.mark.parametrize(
    ("sequence", "changes", "expected"),
    [
        (0, {}, "00:00:00.000000Z  OPEN    critical  temp-high: temp of b8:27:eb above 30, value 30.5"),
        (0, LEARNED, f"00:00:00.000000Z  OPEN    critical  temp-high: temp of b8:27:eb jumped, {WHY}"),
        (
            2,
            {"state": "closed", "severity": "info"},
            "00:02:00.000000Z  CLOSED  info      temp-high: temp of b8:27:eb above 30, worst 32.5, lasted 2m",
        ),
        (
            2,
            {"state": "opened", "condition": "rate above", "threshold": 2.25},
            "00:02:00.000000Z  OPEN    critical  temp-high: temp of b8:27:eb rate above 2.25, value 32.5, "
            "since 2020-07-12T00:00:00Z",
        ),
        (
            2,
            {"state": "closed", "reason": "rule-changed", "device": "", "metric": "", "condition": "silence"}
            | VALUELESS,
            "00:02:00.000000Z  CLOSED  critical  temp-high: the source silent, lasted 2m (rule-changed)",
        ),
        (
            0,
            {"flapping": True, "condition": "outside", "threshold_upper": 40.25},
            "00:00:00.000000Z  OPEN    critical  temp-high: temp of b8:27:eb outside 30 to 40.25, value 30.5 "
            "(flapping)",
        ),
    ],
)
def test_an_opening_or_a_closing_is_one_line(sequence: int, changes: dict[str, Any], expected: str) -> None:
    assert line(transition(sequence, **changes)) == f"2020-07-12T{expected}"
